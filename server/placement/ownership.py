"""Who owns the shard of a room, as this process knows it: plain and synchronous, one a process.

The rules:
- A shard is this node's while the table says so *and* its lease holds, by a clock that goes on while the machine
  sleeps, and counted from before the renewal was sent: so it ends here before it ends in the database, and nobody
  else can have the shard by then.
- A lease that has lapsed is over, also if it is renewed later: what was in memory may be old by then. `term` counts
  that; whoever serves from memory remembers in which term it began.
- A shard that is being handed over is nobody's: what is begun there may end, nothing is begun.

Every change of owner raises a shard's epoch, so an epoch alone tells whether somebody else was there in between.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence
from math import isinf
from typing import Final, NamedTuple, Protocol

from msgspec import Struct

from server.placement.shards import SHARDS, shard_of
from server.store.fencing import Fence

MARGIN_SECONDS: Final = 0.1
"""So much sooner a lease ends here than in the database: for what is between a look at the clock and what follows
from it."""

INHERITED_SECONDS: Final = 10.0
"""Within that everybody who listens to a room has found its new owner."""


class Ownership(Protocol):
    """What all others ask."""

    def owner_of(self, room: str) -> str | None:
        """The node that owns the room; None while nobody is known to."""
        ...

    def epoch_of(self, room: str) -> int | None:
        """Under which epoch this node may begin something there; None if it may not."""
        ...

    def is_mine(self, room: str) -> bool:
        """Whether this node may begin something there."""
        ...

    def is_inherited(self, room: str) -> bool:
        """Whether this node has the room from another one, and only just."""
        ...


class Alone:
    """The ownership of a single process: everything is its own, for ever.

    Parameters
    ----------
    node
        Its own name.
    """

    __slots__ = ("_node",)

    def __init__(self, node: str) -> None:
        self._node = node

    def owner_of(self, room: str) -> str | None:
        return self._node

    def epoch_of(self, room: str) -> int | None:
        return 0

    def is_mine(self, room: str) -> bool:
        return True

    def is_inherited(self, room: str) -> bool:
        return False


class Held(NamedTuple):
    """A row of the table of shards: who owns it, if anybody does, and how often that has changed."""

    owner: str | None
    epoch: int


class Changes(Struct, frozen=True):
    """What the table says that this node did not know: shards it owns now, and shards it does not any more."""

    gained: frozenset[int]
    lost: frozenset[int]


UNOWNED: Final = Held(None, 0)
_NEVER: Final = float("-inf")


def boot_seconds() -> float:
    """Seconds since the machine was started, those in which it was suspended included; never set back or forth."""
    return time.clock_gettime(time.CLOCK_BOOTTIME)


class LeasedOwnership:
    """The ownership of a node of a cluster. `Placement` tells it what the database says.

    Parameters
    ----------
    node
        Its own name.
    lease_seconds
        How long it may serve after a renewal; infinite, where something else ends with the process that owns.
    now
        Seconds, of a clock that goes on while the machine sleeps.

    Attributes
    ----------
    term
        Raised whenever the lease has lapsed.
    table
        All shards, as they were read last.
    """

    def __init__(self, node: str, lease_seconds: float, now: Callable[[], float] = boot_seconds) -> None:
        self.node = node
        self.term = 0
        self.table: Sequence[Held] = (UNOWNED,) * SHARDS
        self._serves_for = lease_seconds - MARGIN_SECONDS
        self._now = now
        self._until = _NEVER
        self._mine: dict[int, int] = {}  # shard to epoch
        self._since: dict[int, float] = {}  # shard to when it was first seen to be this node's
        self._leaving: frozenset[int] = frozenset()

    # --- what others ask --------------------------------------------------------------------------------------

    def owner_of(self, room: str) -> str | None:
        shard = shard_of(room)
        owner = self.table[shard].owner
        return None if owner == self.node and self._epoch(shard) is None else owner

    def epoch_of(self, room: str) -> int | None:
        return self._epoch(shard_of(room))

    def is_mine(self, room: str) -> bool:
        return self.epoch_of(room) is not None

    def is_inherited(self, room: str) -> bool:
        """Not in a shard that nobody has had before."""
        shard = shard_of(room)
        is_first = self._mine.get(shard) == UNOWNED.epoch + 1
        return not is_first and self._now() - self._since.get(shard, _NEVER) < INHERITED_SECONDS

    def fence_of(self, room: str) -> Fence | None:
        """For what is begun in this room now; None if nothing may be."""
        shard = shard_of(room)
        epoch = self._epoch(shard)
        return None if epoch is None else Fence(shard, epoch)

    def still_holds(self, fence: Fence) -> bool:
        """Whether what was begun behind it may go on."""
        return self._mine.get(fence.shard) == fence.epoch and self.has_lease

    def is_current(self, term: int) -> bool:
        """Whether what was begun in `term` may go on to serve from memory."""
        return term == self.term and self.has_lease

    @property
    def is_for_good(self) -> bool:
        """Whether a lease that it has never runs out."""
        return isinf(self._serves_for)

    @property
    def has_lease(self) -> bool:
        return self._now() < self._until

    @property
    def lease_left(self) -> float:
        """Seconds; 0 or less: it has run out, or there was none."""
        return self._until - self._now()

    @property
    def owned(self) -> frozenset[int]:
        """The shards that are this node's by the table, whether or not its lease holds."""
        return frozenset(self._mine)

    @property
    def served(self) -> frozenset[int]:
        """The shards in which it may begin something."""
        return self.owned - self._leaving if self.has_lease else frozenset()

    def _epoch(self, shard: int) -> int | None:
        epoch = self._mine.get(shard)
        return epoch if epoch is not None and shard not in self._leaving and self.has_lease else None

    # --- what placement tells ---------------------------------------------------------------------------------

    def renewed(self, sent_at: float) -> None:
        """The lease was renewed by a statement that was sent at `sent_at`, of this object's clock."""
        self.expire()
        self._until = max(self._until, sent_at + self._serves_for)

    def expire(self) -> None:
        """If the lease has run out, its term is over: nothing that was begun in it may go on."""
        if self._until != _NEVER and not self.has_lease:
            self.term += 1
            self._until = _NEVER

    def learn(self, table: Sequence[Held]) -> Changes:
        """The table was read: after the renewal that was told last."""
        before, self.table = self._mine, table
        self._mine = {shard: held.epoch for shard, held in enumerate(table) if held.owner == self.node}
        kept = before.items() & self._mine.items()
        self._leaving &= {shard for shard, _ in kept}
        lost = frozenset(shard for shard, _ in before.items() - kept)
        gained = frozenset(shard for shard, _ in self._mine.items() - kept)
        self._since = {shard: since for shard, since in self._since.items() if shard not in lost}
        self._since |= dict.fromkeys(gained, self._now())
        return Changes(gained, lost)

    def leave(self, shards: Iterable[int]) -> None:
        """Begin nothing more in these."""
        self._leaving |= frozenset(shards)
