from __future__ import annotations

import shutil
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from server.store.opening import Store, open_store
from server.store.sqlite import Pragmas
from tests.sessions.stage import Stage, staged
from tests.store.desk import database_file


@pytest.fixture(scope="session")
def fresh_database(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A database with nothing in it: migrated once for all tests."""
    data = tmp_path_factory.mktemp("fresh")
    with open_store(data) as made:
        return database_file(made)


@pytest.fixture
def store(tmp_path: Path, fresh_database: Path) -> Iterator[Store]:
    data = tmp_path / "data"
    data.mkdir(mode=0o700)
    shutil.copy(fresh_database, data)
    with open_store(data, Pragmas(busy_seconds=0.3)) as opened:
        yield opened


@pytest.fixture
async def stage(store: Store) -> AsyncIterator[Stage]:
    async with staged(store) as running:
        yield running
