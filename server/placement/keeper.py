"""What a node does about its shards, one transaction at a time: without I/O, with the time passed in.

A turn is a generator: it gives the steps that are to be performed in the database, and is sent what each found. So the
rules can be played against each other with any delay, loss and death in between, which is what their tests do.

The rules:
- A turn of an owner begins with the renewal of its lease, which counts from before it was sent.
- Whose lease has run out is buried by the first who sees it; what has no owner is taken by who lacks it (`balance.py`).
- A shard is given up when its rooms have been handed over, not before.
- Who has no link to the others, while others have one, is of no use to their clients: after `PATIENCE_SECONDS` of that
  it gives up what it has. Not at once: when the engine is restarted, one node sees it first.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Sequence
from typing import Final, Protocol

from msgspec import Struct

from server.placement.balance import NOTHING, Plan, Standing, plan
from server.placement.ownership import Held, LeasedOwnership
from server.store.leases import (
    LONGEST_LEASE_MS,
    Bury,
    GiveUp,
    Look,
    NodeRow,
    Reading,
    Renew,
    SignOff,
    Step,
    Take,
    TakeAll,
)

RENEWALS_IN_A_LEASE: Final = 4
"""Three may be lost or late, and the lease still holds."""

PATIENCE_SECONDS: Final = 4.0
HASTE_SECONDS: Final = 0.25
"""To the next look while a shard has no owner: it is about to get one."""

SUCCESSION_SECONDS: Final = 0.05
"""Between two tries to become the only one."""

AFTER_EXPIRY_SECONDS: Final = 0.02


class Found(Struct, frozen=True):
    """What a turn has found out, for whoever looks after rooms.

    Attributes
    ----------
    gained, lost
        Shards that are this node's now; that were, and were taken.
    orphaned
        Shards of others whose owner is dead by its lease: it has handed nothing over.
    give
        Shards whose rooms are to be handed over, also those of earlier turns; then `Keeper.handed_over`.
    news
        Whether it has changed what others should know of.
    next_in
        Seconds to the next turn.
    """

    gained: frozenset[int]
    lost: frozenset[int]
    orphaned: frozenset[int]
    give: frozenset[int]
    news: bool
    next_in: float


Turn = Generator[Step, Reading, Found]


class Keeper(Protocol):
    """What `Placement` carries out."""

    linked: bool
    departing: bool

    @property
    def is_giving(self) -> bool:
        """Whether there are shards to be given up, once their rooms are handed over."""
        ...

    def turn(self, now: float) -> Turn:
        """One look, and what follows. `now`: of the clock of the ownership."""
        ...

    def handed_over(self, shards: Iterable[int]) -> None:
        """Nothing is under way in these any more."""
        ...

    def leave(self) -> Step | None:
        """The last step, if there is one."""
        ...


class Table:
    """The table of shards as it is known, and what was learned of it since the last turn that came to its end."""

    __slots__ = ("_gained", "_has_gaps", "_lost", "_orphaned", "_ownership", "_version")

    def __init__(self, ownership: LeasedOwnership) -> None:
        self._ownership = ownership
        self._version = -1
        self._has_gaps = True
        self._gained: frozenset[int] = frozenset()
        self._lost: frozenset[int] = frozenset()
        self._orphaned: frozenset[int] = frozenset()

    @property
    def version(self) -> int:
        return self._version

    def learn(self, reading: Reading) -> None:
        if reading.table is None:
            return
        self._version = reading.version
        self._has_gaps = any(owner is None for owner, _ in reading.table)
        before = self._ownership.table
        changes = self._ownership.learn([Held(*row) for row in reading.table])
        self._gained |= changes.gained
        self._lost |= changes.lost
        self._orphaned |= _left_by_the_dead(before, reading) - changes.lost

    def found(self, *, given: frozenset[int], give: Iterable[int], news: bool, next_in: float) -> Found:
        """The end of a turn. `given`: what this node has given up itself in it."""
        found = Found(self._gained, self._lost - given, self._orphaned, frozenset(give), news, next_in)
        self._gained = self._lost = self._orphaned = frozenset()
        return found

    @property
    def has_gaps(self) -> bool:
        """Whether a shard has no owner."""
        return self._has_gaps


class Sharing:
    """One of several owners.

    Parameters
    ----------
    lease_seconds
        As the ownership's.
    weight
        How much to own in comparison with others.
    most
        Shards to hand over at a time.
    """

    def __init__(self, ownership: LeasedOwnership, *, lease_seconds: float, weight: int, most: int) -> None:
        self.linked = False
        self.departing = False
        self._ownership = ownership
        self._table = Table(ownership)
        self._lease_seconds = lease_seconds
        self._weight = weight
        self._most = most
        self._leaving: frozenset[int] = frozenset()
        self._handed_over: frozenset[int] = frozenset()
        self._alone_since: float | None = None

    @property
    def is_giving(self) -> bool:
        return bool(self._leaving)

    def turn(self, now: float) -> Turn:
        me, table = self._ownership.node, self._table
        given, is_new = self._handed_over, self._table.version < 0
        reading = yield self._renewal()
        self._ownership.renewed(now)
        table.learn(reading)
        if given:
            reading = yield from self._step(GiveUp(me, tuple(sorted(given)), table.version))
            self._handed_over -= given
            self._leaving -= given
        if self._sees_dead(reading):
            reading = yield from self._step(Bury(table.version))
        planned = self._plan(reading, now)
        if planned.take:
            reading = yield from self._step(Take(me, planned.take, table.version))
        self._leaving = (self._leaving & self._ownership.owned) | frozenset(planned.give)
        self._ownership.leave(self._leaving)
        return table.found(
            given=given,
            give=self._leaving - self._handed_over,
            news=bool(given or planned.take or is_new),
            next_in=self._until_next(reading),
        )

    def handed_over(self, shards: Iterable[int]) -> None:
        self._handed_over |= frozenset(shards)

    def leave(self) -> Step | None:
        return SignOff(self._ownership.node)

    def _renewal(self) -> Renew:
        weight = 0 if self.departing else self._weight
        return Renew(self._ownership.node, weight, self.linked, round(self._lease_seconds * 1_000), self._table.version)

    def _step(self, step: Step) -> Generator[Step, Reading, Reading]:
        reading = yield step
        self._table.learn(reading)
        return reading

    def _sees_dead(self, reading: Reading) -> bool:
        if not all(0 < row.left_ms <= LONGEST_LEASE_MS for row in reading.nodes):
            return True
        entered = {row.name for row in reading.nodes}
        return any(held.owner is not None and held.owner not in entered for held in self._ownership.table)

    def _plan(self, reading: Reading, now: float) -> Plan:
        """What is being handed over counts as nobody's already, and is not this node's to take."""
        me = self._ownership.node
        others_linked = any(row.linked and row.weight and row.left_ms > 0 and row.name != me for row in reading.nodes)
        cut_off = others_linked and not self.linked
        self._alone_since = (now if self._alone_since is None else self._alone_since) if cut_off else None
        isolated = self._alone_since is not None and now - self._alone_since >= PATIENCE_SECONDS
        owners = [None if shard in self._leaving else held.owner for shard, held in enumerate(self._ownership.table)]
        standings = [_standing(row, linked=not isolated if row.name == me else row.linked) for row in reading.nodes]
        planned = plan(owners, standings, me, max(0, self._most - len(self._leaving)))
        take = () if cut_off else tuple(shard for shard in planned.take if shard not in self._leaving)
        return Plan(planned.give, take) if planned.give or take else NOTHING

    def _until_next(self, reading: Reading) -> float:
        """Sooner, when something is about to be there to be taken."""
        period = self._lease_seconds / RENEWALS_IN_A_LEASE
        if self._table.has_gaps or self._sees_dead(reading):
            period = min(period, HASTE_SECONDS)
        expiries = (row.left_ms / 1_000 for row in reading.nodes if row.left_ms > 0)
        return min(period, min(expiries, default=period) + AFTER_EXPIRY_SECONDS)


class Watching:
    """One that owns nothing, and wants to know who does.

    Parameters
    ----------
    period
        Seconds between two looks while others cannot tell that something has changed.
    linked_period
        While they can, and do so at once.
    """

    is_giving: Final = False

    def __init__(self, ownership: LeasedOwnership, *, period: float, linked_period: float) -> None:
        self.linked = False
        self.departing = False
        self._table = Table(ownership)
        self._period = period
        self._linked_period = linked_period

    def turn(self, now: float) -> Turn:
        self._table.learn((yield Look(self._table.version)))
        period = self._linked_period if self.linked else self._period
        next_in = HASTE_SECONDS if self._table.has_gaps else period
        return self._table.found(given=frozenset(), give=(), news=False, next_in=next_in)

    def handed_over(self, shards: Iterable[int]) -> None:
        """It has none."""

    def leave(self) -> Step | None:
        return None


class Sole:
    """The only one that may own, for as long as it lives: something else (the lock of a file) sees to that.

    It takes everything when it has become that, and has nothing to do afterwards. Before, it watches.

    Parameters
    ----------
    become
        Tries to become the only one, and says whether it is. Not called again when it was.
    """

    is_giving: Final = False

    def __init__(self, ownership: LeasedOwnership, become: Callable[[], bool]) -> None:
        self.linked = False
        self.departing = False
        self._ownership = ownership
        self._table = Table(ownership)
        self._become = become
        self._is_it = False

    def turn(self, now: float) -> Turn:
        self._is_it = self._is_it or self._become()
        news = self._is_it and not self._ownership.owned
        me, version = self._ownership.node, self._table.version
        reading = yield TakeAll(me, version) if news else Look(version)
        if self._is_it:
            self._ownership.renewed(now)
        self._table.learn(reading)
        next_in = float("inf") if self._is_it else SUCCESSION_SECONDS
        return self._table.found(given=frozenset(), give=(), news=news, next_in=next_in)

    def handed_over(self, shards: Iterable[int]) -> None:
        """It is asked for none."""

    def leave(self) -> Step | None:
        return SignOff(self._ownership.node) if self._is_it else None


def _left_by_the_dead(before: Sequence[Held], reading: Reading) -> frozenset[int]:
    """The shards that were taken from nodes whose lease has run out, or that have no lease any more.

    Where nobody has one (SQLite), who gives up in order leaves them to nobody, and who dies to its successor."""
    living = {None} | {row.name for row in reading.nodes if row.left_ms > 0}
    now = [owner for owner, _ in reading.table or ()]
    return frozenset(
        shard
        for shard, (was, owner) in enumerate(zip(before, now, strict=True))
        if was.owner != owner and was.owner not in living and (reading.nodes or owner is not None)
    )


def _standing(row: NodeRow, *, linked: bool) -> Standing:
    return Standing(row.name, row.weight if row.left_ms > 0 else 0, linked)
