"""The task that keeps this node's shards: it carries out the turns of its `Keeper`, and has rooms follow.

The rules:
- The database is asked in a thread and on a connection of their own: a writer that is busy delays no renewal. A turn
  begins on the trio side, so a node that does not come to its messages does not renew either, and loses its shards to
  one that does.
- When the lease runs out, all rooms end at once, whatever the database or the thread is doing.
- Others are told when something has changed, which is only a hint: they look sooner.

Stopping takes two steps. `run_departure`, which stops first, gives the shards to others while everything still works;
the task itself, which stops late, gives up what is left, and takes this node out of the table.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable
from math import inf, isinf
from typing import Final, Protocol

import trio

from actors import TaskContext
from server.placement.keeper import Found, Keeper
from server.placement.mover import MOVER, End, EndAll, GiveAway, Greet, Order, TellOrphans
from server.placement.ownership import LeasedOwnership, boot_seconds
from server.rhythm import next_time
from server.store.connections import DATABASE_ERRORS, complaint_of
from server.store.leases import Reading, Step

RETRY_SECONDS: Final = 0.5
"""To the next turn after the database did not answer."""

BREATH_SECONDS: Final = 0.05
"""Between two turns at least, however many hints come."""

DEPARTURE_SECONDS: Final = 3.0
"""For all rooms to be handed over to other nodes, at an orderly stop."""

LEAVING_SECONDS: Final = 2.0
"""For the last transaction."""

_log = logging.getLogger(__name__)


class Leases(Protocol):
    """The database, as far as leases go. Called in a thread, one call after the other."""

    def perform(self, step: Step) -> Reading:
        """Raises one of `DATABASE_ERRORS`; then nobody knows whether it was done."""
        ...


class Placement:
    """See the top of this file. Made once a process.

    Parameters
    ----------
    keeper
        What this node does.
    hint
        Called when others should look at the table: it may tell them, and they may miss it.
    """

    def __init__(
        self,
        keeper: Keeper,
        ownership: LeasedOwnership,
        leases: Leases,
        hint: Callable[[], None],
        now: Callable[[], float] = boot_seconds,
    ) -> None:
        self.ownership = ownership
        self._keeper = keeper
        self._leases = leases
        self._hint = hint
        self._now = now
        self._term = ownership.term
        self._wanted = trio.Event()
        self._turned = trio.Event()
        self._thread = trio.CapacityLimiter(1)

    # --- what others tell -------------------------------------------------------------------------------------

    def look(self) -> None:
        """Something may have changed: look at once."""
        self._wanted.set()

    def linked(self, up: bool) -> None:
        """Whether this node reaches the others."""
        if self._keeper.linked != up:
            self._keeper.linked = up
            self.look()

    def handed_over(self, shards: Iterable[int]) -> None:
        """Nothing is under way in these any more."""
        self._keeper.handed_over(shards)
        self.look()

    # --- the tasks --------------------------------------------------------------------------------------------

    async def run(self, context: TaskContext) -> None:
        """Ready when the table was read for the first time."""
        async with trio.open_nursery() as nursery:
            nursery.start_soon(self._watch_lease, context)
            try:
                while True:
                    await self._rest_until_next(await self._take_turn(context))
            except trio.Cancelled:
                with context.finishing(), trio.move_on_after(LEAVING_SECONDS):
                    await self._leave()  # noqa: ASYNC102 - has a deadline
                raise

    async def run_departure(self, context: TaskContext) -> None:
        """When it is stopped, give what this node owns to others, if there are any."""
        context.started()
        try:
            await trio.sleep_forever()
        finally:
            with context.finishing(), trio.move_on_after(DEPARTURE_SECONDS):
                await self._depart()  # noqa: ASYNC102 - has a deadline

    async def _depart(self) -> None:
        self._keeper.departing = True
        await self._next_turn()  # may have begun before
        await self._next_turn()
        while self._keeper.is_giving:
            await self._next_turn()

    async def _next_turn(self) -> None:
        self.look()
        await self._turned.wait()

    async def _take_turn(self, context: TaskContext) -> float:
        """Seconds to the next one."""
        try:
            found = await self._turn()
        except DATABASE_ERRORS as error:
            _log.error("the database did not answer who owns what: %s", complaint_of(error))
            return RETRY_SECONDS
        self._follow(context, found)
        context.started()
        self._turned.set()
        self._turned = trio.Event()
        return found.next_in

    async def _turn(self) -> Found:
        turn = self._keeper.turn(self._now())
        step = next(turn)
        while True:
            try:
                reading = await self._perform(step)
            except BaseException:
                turn.close()
                raise
            try:
                step = turn.send(reading)
            except StopIteration as ended:
                found = ended.value
                assert isinstance(found, Found)
                return found

    async def _perform(self, step: Step) -> Reading:
        return await trio.to_thread.run_sync(self._leases.perform, step, limiter=self._thread)

    async def _rest_until_next(self, seconds: float) -> None:
        """At the latest in so many seconds, at a time when this process wakes up anyway."""
        now = trio.current_time()
        with trio.CancelScope(deadline=inf if isinf(seconds) else next_time(seconds, now)):
            await self._wanted.wait()
        await trio.sleep_until(now + min(seconds, BREATH_SECONDS))
        self._wanted = trio.Event()

    async def _leave(self) -> None:
        """No room of this node lives any more."""
        self.ownership.leave(self.ownership.owned)
        step = self._keeper.leave()
        if step is None:
            return
        try:
            await self._perform(step)
        except DATABASE_ERRORS as error:
            _log.warning("this node's shards wait for its lease to run out: %s", complaint_of(error))
        else:
            self._hint()

    # --- what follows for rooms -------------------------------------------------------------------------------

    async def _watch_lease(self, context: TaskContext) -> None:
        if self.ownership.is_for_good:
            return
        while True:
            left = self.ownership.lease_left
            await trio.sleep(left if 0 < left < RETRY_SECONDS else RETRY_SECONDS)
            self.ownership.expire()
            self._end_what_is_over(context)

    def _follow(self, context: TaskContext, found: Found) -> None:
        self._end_what_is_over(context)
        orphaned = found.orphaned - found.gained
        orders = ((End, found.lost), (Greet, found.gained), (TellOrphans, orphaned), (GiveAway, found.give))
        for order, shards in orders:
            if shards:
                _tell_mover(context, order(shards))
        if found.lost:
            _log.warning("%d shards are another node's now", len(found.lost))
        if found.news:
            self._hint()

    def _end_what_is_over(self, context: TaskContext) -> None:
        """Whatever began before the lease ran out may have missed what others did since."""
        if self.ownership.term != self._term:
            self._term = self.ownership.term
            _log.error("this node could not renew its lease in time: all its rooms end")
            _tell_mover(context, EndAll())


def _tell_mover(context: TaskContext, order: Order) -> None:
    mover = context.system.whereis(MOVER)
    if mover is not None:
        mover.answer(order)
