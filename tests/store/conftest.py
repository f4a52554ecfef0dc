from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path

import pytest

from server.store.opening import Store, open_store
from server.store.quotas import Quotas
from server.store.sqlite import Pragmas
from tests.harness.fresh import make_fresh
from tests.store.desk import Desk, serving
from tests.store.place import Place


@pytest.fixture
def data(tmp_path: Path) -> Path:
    directory = tmp_path / "data"
    make_fresh(directory)
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
