from __future__ import annotations

import shutil
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from server.store.opening import Store, open_store
from server.store.sqlite import Pragmas
from tests.store.desk import Desk, serving


@pytest.fixture(scope="session")
def empty_database(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A database of the newest schema with nothing in it: migrated once for all tests."""
    data = tmp_path_factory.mktemp("empty")
    with open_store(data) as made:
        return made.directory.database


@pytest.fixture
def data(tmp_path: Path, empty_database: Path) -> Path:
    directory = tmp_path / "data"
    directory.mkdir(mode=0o700)
    shutil.copy(empty_database, directory)
    return directory


@pytest.fixture
def store(data: Path) -> Iterator[Store]:
    with open_store(data, Pragmas(busy_seconds=0.3)) as opened:
        yield opened


@pytest.fixture
async def desk(store: Store) -> AsyncIterator[Desk]:
    async with serving(store) as running:
        yield running
