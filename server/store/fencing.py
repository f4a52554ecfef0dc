"""What keeps a process from appending to rooms that another one owns by now.

Whoever anchors a room is given a fence: the room's shard, and the epoch under which this process owns it. A commit
locks the rows of all shards that it appends to, in the order of their ids, and looks whether their epochs are still
those; the locks hold until it has ended. A successor changes the epoch, and has to wait for them or to come back. So
once it owns the shard, nothing of its predecessor's lands any more, however long that one was paused, and everything
that did land can be read.

Looking without locking fences nothing: between the look and the commit there is time for a successor to come and to
append. With SQLite a transaction that writes is the only one, and the look is enough.

A single process has no fences, and pays for none.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final, NamedTuple, Protocol

from sqlalchemy import BigInteger, Connection, Integer, bindparam, select

from server.store.bulk import Bulk
from server.store.tables import shards


class Fence(NamedTuple):
    """Where, and since which change of its owner."""

    shard: int
    epoch: int


class Fencing(Protocol):
    """What this process owns, as far as it knows."""

    def fence_of(self, room: str, /) -> Fence | None:
        """For what is begun in this room now; None: it is not this process's."""
        ...

    def still_holds(self, fence: Fence, /) -> bool:
        """Whether what was begun behind it may go on."""
        ...


LOCK_FENCES: Final = Bulk(
    {"shard": Integer(), "since": BigInteger()},
    lambda given: (
        select(shards.c.id)
        .where(shards.c.id == given["shard"], shards.c.epoch == given["since"])
        .order_by(shards.c.id)
        .with_for_update(read=True, of=shards)
    ),
)
"""For fences `in_order`: finds those that hold, and locks them."""

_lock: Final = (
    select(shards.c.id, shards.c.epoch)
    .where(shards.c.id.in_(bindparam("ids", expanding=True)))
    .order_by(shards.c.id)
    .with_for_update(read=True)
)


def in_order(fences: Iterable[Fence]) -> list[Fence]:
    """Each once, in the order in which everybody locks them."""
    return sorted(set(fences))


def lock_those_that_hold(connection: Connection, fences: Mapping[str, Fence]) -> set[str]:
    """The rooms, of those in `fences`, that are this process's until the transaction ends."""
    rows = connection.execute(_lock, {"ids": sorted({fence.shard for fence in fences.values()})})
    held = {Fence(shard, epoch) for shard, epoch in rows}
    return {room for room, fence in fences.items() if fence in held}
