"""The scheduler: one trio task that runs every actor of the process, in turns.

The rules:
- A turn (an activation) is bounded: one urgent message, those that wait as it begins, at most so many, and no
  further once the slice is over. Who has more goes to the end of the queue, so a busy actor never starves a
  resting one, and neither does one that tells itself to go on.
- A slice is bounded in time: then trio runs, so that sockets, timers and tasks stay live.
- Urgent messages come first: nothing ordinary is received while one waits.
- The loop is shaped by `tests/bench/actors_quick.py`: attribute look-ups are hoisted, the clock is read every
  few messages only, and telling an idle scheduler goes through `enqueue`, which is swapped while it is
  parked, so that nobody has to ask whether it sleeps.

If this task fails, the process ends: the run queue belongs to everyone.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from time import perf_counter

import trio

from actors import lifecycle
from actors.actor import Actor
from actors.actor_code import calls_actor
from actors.address import Address
from actors.errors import CRASHES
from actors.messages import Start, Stop

BACKLOG = 128
"""From this length on a mailbox is worth a deque: `del box[0]` moves the rest of a list."""

LOOKS = 4
"""Messages between two looks at the clock: a look costs as much as a quarter of a hop."""


@dataclass(frozen=True, slots=True)
class Budget:
    """How long an actor, and all actors together, may run.

    Args:
        messages: the most an actor receives in one turn.
        seconds: after this time the scheduler lets trio run; the turn that is on ends as well.
    """

    messages: int = 100
    seconds: float = 0.002


class Scheduler:
    """The run queue and its loop. `enqueue` belongs to `Address` and `lifecycle`, `run` to the system."""

    __slots__ = ("_budget", "_parked", "_ready", "after_slice", "enqueue")

    def __init__(self, budget: Budget, after_slice: Callable[[], None] | None = None) -> None:
        self._budget = budget
        self._ready: deque[Address] = deque()
        self._parked: trio.lowlevel.Task | None = None
        self.enqueue: Callable[[Address], None] = self._ready.append
        """Put an address that has something to do on the run queue; it must not be there already."""
        self.after_slice = after_slice

    @property
    def ready(self) -> int:
        """How many actors wait for their turn: the run queue."""
        return len(self._ready)

    def withdraw(self, address: Address) -> bool:
        """Take an address that was killed or suspended off the run queue; False if it is not there."""
        try:
            self._ready.remove(address)
        except ValueError:
            return False
        return True

    @trio.lowlevel.enable_ki_protection
    async def run(self) -> None:
        """Run actors until cancelled."""
        while True:
            if self._ready:
                await trio.lowlevel.checkpoint()
            else:
                await self._park()
            self._run_slice()
            if self.after_slice is not None:
                self.after_slice()

    async def _park(self) -> None:
        self._parked = trio.lowlevel.current_task()
        self.enqueue = self._wake

        def abort(_: object) -> trio.lowlevel.Abort:
            self._parked = None
            self.enqueue = self._ready.append
            return trio.lowlevel.Abort.SUCCEEDED

        await trio.lowlevel.wait_task_rescheduled(abort)

    def _wake(self, address: Address) -> None:
        self._ready.append(address)
        self.enqueue = self._ready.append
        if self._parked is not None:
            trio.lowlevel.reschedule(self._parked)
            self._parked = None

    @calls_actor
    def _run_slice(self) -> None:
        """Give actors their turns until none is ready, or the time is up."""
        ready = self._ready
        budget = self._budget.messages
        until = perf_counter() + self._budget.seconds
        looks = LOOKS
        while ready:
            if looks <= 0:
                looks = LOOKS
                if perf_counter() >= until:
                    return
            address = ready.popleft()
            actor, box = address._actor, address._box
            if actor is None or box is None:
                continue  # killed while it waited for its turn
            waiting, urgent = len(box), address._urgent
            if urgent is not None:
                looks -= 1
                if not self._run_urgent(address, actor, urgent):
                    continue
                waiting = len(box) if address._urgent is None else 0
            if waiting > address._peak:
                address._peak = waiting
            received = 0
            try:
                if waiting == 1:  # what a fan-out leaves with each: the loop for many costs a hop a sixth more
                    received = 1
                    looks -= 1
                    actor.receive(box.pop())
                elif waiting:
                    if waiting > BACKLOG and box.__class__ is list:
                        box = address._box = deque(box)
                    most = waiting if waiting < budget else budget
                    while received < most and address._urgent is None:
                        message = box[0]
                        del box[0]
                        received += 1
                        actor.receive(message)
                        looks -= 1
                        if looks <= 0:
                            if perf_counter() >= until:
                                break
                            looks = LOOKS
                if address._blueprint.has_settled:
                    actor.settled()
            except CRASHES as error:
                address._handled += received
                lifecycle.crash(address, error)
                continue
            address._handled += received
            if box or address._urgent is not None:
                ready.append(address)
            else:
                address._box = None

    @calls_actor
    def _run_urgent(self, address: Address, actor: Actor, urgent: list[object]) -> bool:
        """Hand over one urgent message; False if the incarnation ended by it."""
        message = urgent.pop(0)
        if not urgent:
            address._urgent = None
        if isinstance(message, Stop):
            lifecycle.stop(address, message.reason)
            return False
        try:
            if isinstance(message, Start):
                actor.started()
            else:
                address._handled += 1
                actor.receive(message)
        except CRASHES as error:
            lifecycle.crash(address, error)
            return False
        if isinstance(message, Start):
            address._blueprint.owner.child_started(address)
        return True
