"""Two nodes for a test."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator

import pytest

from tests.actors.distribution.pairs import Pair
from tests.actors.distribution.small_nodes import open_places
from tests.actors.small_actors import quiet


@pytest.fixture
async def pair(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Pair]:
    monkeypatch.setattr(logging.getLogger("actors.supervisor"), "disabled", True)
    async with open_places("a", "b") as (network, (a, b)):
        await quiet()
        yield Pair(network, a, b)
