"""Timers: one heap, one task, however many are pending.

The rules:
- A timer belongs to the incarnation that set it, and says nothing to the next one.
- A cancelled timer stays in the heap until its time, or until the dead outnumber the living; it lets go of
  its message and its address at once.
- What is pending costs nothing while it waits: the task sleeps until the first is due.

`send_after` takes the place the actor has reserved by setting it, so its message is never lost to a full
mailbox. A tick of `send_every` is told in the ordinary way: the next one comes anyway.
"""

from __future__ import annotations

from heapq import heapify, heappop, heappush
from itertools import count
from math import inf
from typing import Protocol

import trio

from actors.address import Address

SPARE = 64
"""So many cancelled timers are never worth a rebuild of the heap."""


class Pending(Protocol):
    """What the heap holds: a timer, or the deadline of a question."""

    @property
    def _period(self) -> float:
        """Seconds between two times; 0: there is one only."""
        ...

    @property
    def pending(self) -> bool:
        """Whether it still has to fire."""
        ...

    def _fire(self) -> bool:
        """Do what is due; whether there is a next time."""
        ...


class Timer:
    """One pending message of an actor to itself."""

    __slots__ = ("_address", "_incarnation", "_message", "_period", "_timers")

    def __init__(self, timers: Timers, address: Address, message: object, period: float) -> None:
        self._timers = timers
        self._address: Address | None = address
        self._incarnation = address.incarnation
        self._message = message
        self._period = period

    @property
    def pending(self) -> bool:
        """Whether it will still tell its message."""
        return self._address is not None

    def cancel(self) -> None:
        """Tell the message no more. One that is in the mailbox already stays there. Harmless when repeated."""
        if self._address is not None:
            self._spent()
            self._timers.cancelled()

    def _fire(self) -> bool:
        """Tell the message; whether there is a next time."""
        address = self._address
        if address is None:
            return False
        if not address.living or address.incarnation != self._incarnation:
            self._spent()
            return False
        if self._period:
            address.tell(self._message)
            return True
        message = self._message
        self._spent()
        address.answer(message)
        return False

    def _spent(self) -> None:
        self._address = None
        self._message = None


class Timers:
    """All timers of a system."""

    __slots__ = ("_dead", "_heap", "_order", "_scope")

    def __init__(self) -> None:
        self._heap: list[tuple[float, int, Pending]] = []
        self._order = count()
        self._scope: trio.CancelScope | None = None
        self._dead = 0

    def __len__(self) -> int:
        return len(self._heap) - self._dead

    def after(self, address: Address, seconds: float, message: object) -> Timer:
        """See `Actor.send_after`."""
        timer = Timer(self, address, message, 0.0)
        self.add(seconds, timer)
        return timer

    def every(self, address: Address, seconds: float, message: object) -> Timer:
        """See `Actor.send_every`. Raises ValueError for a period that is not positive."""
        if seconds <= 0.0:
            raise ValueError(f"a period is longer than nothing, not {seconds}")
        timer = Timer(self, address, message, seconds)
        self.add(seconds, timer)
        return timer

    def add(self, seconds: float, pending: Pending) -> None:
        """Have it fire in so many seconds."""
        self._push(trio.current_time() + seconds, pending)

    async def run(self) -> None:
        """Tell what is due until cancelled."""
        while True:
            self._fire_due(trio.current_time())
            with trio.CancelScope(deadline=self._heap[0][0] if self._heap else inf) as self._scope:
                await trio.sleep_forever()
            self._scope = None

    def _push(self, when: float, timer: Pending) -> None:
        heappush(self._heap, (when, next(self._order), timer))
        if self._scope is not None and when < self._scope.deadline:
            self._scope.deadline = when

    def _fire_due(self, now: float) -> None:
        heap = self._heap
        while heap and heap[0][0] <= now:
            when, _, timer = heappop(heap)
            if not timer.pending:
                self._dead -= 1
            elif timer._fire():
                next_time = when + timer._period
                self._push(next_time if next_time > now else now + timer._period, timer)

    def cancelled(self) -> None:
        """One that is in the heap fires no more."""
        self._dead += 1
        if self._dead > SPARE and self._dead * 2 > len(self._heap):
            self._heap[:] = [entry for entry in self._heap if entry[2].pending]
            heapify(self._heap)
            self._dead = 0
