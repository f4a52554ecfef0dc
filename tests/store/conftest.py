from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from server.store.opening import Store, open_store
from server.store.sqlite import Pragmas
from tests.store.desk import Desk, serving


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with open_store(tmp_path / "data", Pragmas(busy_seconds=0.3)) as opened:
        yield opened


@pytest.fixture
async def desk(store: Store) -> AsyncIterator[Desk]:
    async with serving(store) as running:
        yield running
