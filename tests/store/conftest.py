from __future__ import annotations

import shutil
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path

import pytest

from server.store.opening import Store, open_store
from server.store.quotas import Quotas
from server.store.sqlite import Pragmas
from server.store.sqlite_database import SqliteDatabase
from tests.store.desk import Desk, serving
from tests.store.place import Place


@pytest.fixture(scope="session")
def empty_database(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A database of the newest schema with nothing in it: migrated once for all tests."""
    data = tmp_path_factory.mktemp("empty")
    with open_store(data) as made:
        assert isinstance(made.database, SqliteDatabase)
        return made.database.directory.database


@pytest.fixture
def data(tmp_path: Path, empty_database: Path) -> Path:
    directory = tmp_path / "data"
    directory.mkdir(mode=0o700)
    shutil.copy(empty_database, directory)
    return directory


@pytest.fixture(params=["sqlite", "postgres"])
def engine(request: pytest.FixtureRequest) -> str:
    """Which database keeps things. A file that is about one of them names it in `pytestmark`."""
    return str(request.param)


@pytest.fixture
def database(engine: str, request: pytest.FixtureRequest) -> Iterator[str]:
    """The URL of the test's database, empty for SQLite."""
    if engine == "sqlite":
        yield ""
    else:
        with request.getfixturevalue("postgres").lent_database() as url:
            yield url


@pytest.fixture
def opened(database: str, request: pytest.FixtureRequest) -> Callable[..., Store]:
    """Opens the test's store, which is empty at first; once more, after it was closed. Takes what `open_store` does."""
    data: Path = request.getfixturevalue("tmp_path" if database else "data")

    def opened(pragmas: Pragmas | None = None, quotas: Quotas | None = None) -> Store:
        return open_store(data, pragmas or Pragmas(busy_seconds=0.3), quotas, database=database)

    return opened


@pytest.fixture
def store(opened: Callable[..., Store]) -> Iterator[Store]:
    with opened() as store:
        yield store


@pytest.fixture
async def desk(store: Store) -> AsyncIterator[Desk]:
    async with serving(store) as running:
        yield running


@pytest.fixture
async def place(desk: Desk) -> Place:
    ann, bob, eve = await desk.user("ann"), await desk.user("bob"), await desk.user("eve")
    room = await desk.anchored(await desk.created(ann, bob, kind="channel", name="friends"))
    return Place(desk, ann, bob, eve, room)
