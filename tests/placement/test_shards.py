"""Rooms to shards: the same everywhere, and evenly."""

from __future__ import annotations

from collections import Counter

from server.placement.shards import SHARDS, shard_of
from server.store.ids import new_id


def test_a_room_is_in_the_same_shard_for_good() -> None:
    assert [shard_of(room) for room in ("r_01", "r_02", "r_ä", "r_\ud800", "")] == [326, 274, 135, 485, 692]


def test_rooms_made_in_one_moment_are_spread_evenly() -> None:
    found = Counter(shard_of(new_id("r", 1_750_000_000_000)) for _ in range(100 * SHARDS))
    assert len(found) == SHARDS
    assert max(found.values()) < 200
    assert min(found.values()) > 40
