from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from server.store.opening import Store, open_store
from server.store.sqlite import Pragmas
from tests.harness.fresh import make_fresh
from tests.sessions.stage import Stage, staged


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    data = tmp_path / "data"
    make_fresh(data)
    with open_store(data, Pragmas(busy_seconds=0.3)) as opened:
        yield opened


@pytest.fixture
async def stage(store: Store) -> AsyncIterator[Stage]:
    async with staged(store) as running:
        yield running
