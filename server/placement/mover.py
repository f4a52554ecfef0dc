"""Who sees to it that rooms follow their shard: an actor, because it waits for rooms to end.

A node may have a hundred thousand rooms, and only their ids say in which shard they are: so they are looked through a
slice at a time, and others run in between. What is told while it looks is seen to afterwards.

A room that does not end in time is stopped; and a room that keeps the scheduler from stopping it can do no harm: it
appends nothing any more (`store/fencing.py`).
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable
from typing import Final

from msgspec import Struct

from actors import Actor, Address, Down
from server.placement.shards import shard_of
from server.rooms.messages import MOVED, HandOver, Orphaned

MOVER: Final = "mover"
"""The name by which it is found."""

SLICE: Final = 500
"""Rooms looked at in one go: less than a millisecond."""

PATIENCE_SECONDS: Final = 3.0
"""For all rooms of a shard to be handed over; each has a limit of its own that is shorter."""

HAND_OVER: Final = HandOver()
ORPHANED: Final = Orphaned()


class GiveAway(Struct, frozen=True):
    """The rooms in these shards are to end in order; then it is said that they are handed over."""

    shards: frozenset[int]


class End(Struct, frozen=True):
    """The rooms in these shards are not this node's any more: they end at once."""

    shards: frozenset[int]


class EndAll(Struct, frozen=True):
    """No room is this node's any more."""


class Greet(Struct, frozen=True):
    """These shards are this node's now: who stands here for the rooms in them is to end, and make room for them."""

    shards: frozenset[int]


class TellOrphans(Struct, frozen=True):
    """These shards were another node's, which is dead: who stands here for the rooms in them is told, and need not find
    out by the silence of that node."""

    shards: frozenset[int]


class NextSlice(Struct, frozen=True):
    """To itself: go on looking."""


class Late(Struct, frozen=True):
    """To itself: what is still there of these is stopped."""

    shards: frozenset[int]


Order = GiveAway | End | EndAll | Greet | TellOrphans


class Sweep(Struct):
    """An order, and those who are still to be looked at for it; None: not begun."""

    order: Order
    left: list[Address] | None = None


class MoverEnvironment(Struct, frozen=True):
    """Where rooms live, and who stands for rooms of other nodes.

    Attributes
    ----------
    rooms, relays
        The ids of their dynamic supervisors; their children's names are rooms' ids.
    handed_over
        Told the shards in which nothing is under way any more.
    """

    rooms: str
    relays: str
    handed_over: Callable[[Iterable[int]], None]


class Mover(Actor):
    """See the top of this file."""

    __slots__ = ("_environment", "_giving", "_sweeps")

    def __init__(self, environment: MoverEnvironment) -> None:
        self._environment = environment
        self._sweeps: deque[Sweep] = deque()
        self._giving: dict[int, set[Address]] = {}  # the rooms that are still there

    def receive(self, message: object) -> None:
        match message:
            case GiveAway():
                self._begin(GiveAway(message.shards - self._giving.keys()))
            case End() | EndAll() | Greet() | TellOrphans():
                self._begin(message)
            case NextSlice():
                self._sweep()
            case Down(address=address):
                self._gone(address)
            case Late():
                self._stop_the_rest(message.shards)
            case _:
                raise TypeError(f"the mover is not told {type(message).__name__}")

    def _begin(self, order: Order) -> None:
        if isinstance(order, GiveAway):
            if not order.shards:
                return
            self._giving |= {shard: set() for shard in order.shards}
            self.send_after(PATIENCE_SECONDS, Late(order.shards))
        self._sweeps.append(Sweep(order))
        if len(self._sweeps) == 1:
            self._sweep()

    def _sweep(self) -> None:
        sweep = self._sweeps[0]
        if sweep.left is None:
            of_relays = isinstance(sweep.order, Greet | TellOrphans)
            where = self._environment.relays if of_relays else self._environment.rooms
            sweep.left = list(self.system.dynamic(where).children())
        for address in sweep.left[-SLICE:]:
            self._see_to(address, sweep.order)
        del sweep.left[-SLICE:]
        if not sweep.left:
            self._sweeps.popleft()
            if isinstance(sweep.order, GiveAway):
                self._report(sweep.order.shards)
        if self._sweeps:
            self.address.answer(NextSlice())

    def _see_to(self, address: Address, order: Order) -> None:
        if isinstance(order, EndAll):
            self._stop(address)
            return
        shard = shard_of(str(address.name))
        if shard not in order.shards:
            return
        match order:
            case GiveAway():
                self._giving[shard].add(address)
                self.watch(address)
                address.answer(HAND_OVER)
            case Greet():
                address.answer(HAND_OVER)
            case TellOrphans():
                address.answer(ORPHANED)
            case End():
                self._stop(address)

    def _gone(self, address: Address) -> None:
        shard = shard_of(str(address.name))
        rooms = self._giving.get(shard)
        if rooms is None or address not in rooms:
            return
        self.unwatch(address)
        rooms.remove(address)
        if not any(isinstance(s.order, GiveAway) and shard in s.order.shards for s in self._sweeps):
            self._report((shard,))

    def _report(self, shards: Iterable[int]) -> None:
        done = [shard for shard in shards if shard in self._giving and not self._giving[shard]]
        for shard in done:
            del self._giving[shard]
        if done:
            self._environment.handed_over(done)

    def _stop_the_rest(self, shards: Iterable[int]) -> None:
        for shard in shards:
            for address in self._giving.get(shard, set()).copy():
                self.unwatch(address)
                self._stop(address)
                self._giving[shard].discard(address)
        self._report(shards)

    def _stop(self, address: Address) -> None:
        rooms = self.system.dynamic(self._environment.rooms)
        if rooms.find(address.name) is address:
            rooms.stop(address.name, MOVED)
