"""Which shard a room belongs to: pure.

Rooms are placed by shard, not one by one: who owns what is then a table of a thousand rows that every node can keep,
and not one of a million. The hash is named and has no seed, so that all nodes, of all versions, agree on it for good;
another one, or another number of shards, would need every node to stop.
"""

from __future__ import annotations

from hashlib import blake2b
from typing import Final

SHARDS: Final = 1_024
"""Enough that fifty owners differ by five percent at the most, few enough that all of it is read in a millisecond."""

_DIGEST_BYTES: Final = 8


def shard_of(room: str) -> int:
    """The shard of the room with this id, from 0 on. A lone surrogate, which no id has, is hashed as it is."""
    digest = blake2b(room.encode("utf-8", "surrogatepass"), digest_size=_DIGEST_BYTES).digest()
    return int.from_bytes(digest, "big") % SHARDS
