"""How late the server is: an actor that sets itself a timer once a second, and sees when it is told.

What it sees is what everybody's messages meet: trio's other tasks, the slices of the scheduler, the run queue. Left out
are the longest slice and the time between two passes, for which every slice would have to look at a clock twice: one
that takes long is in the upper ranges of this histogram as soon as it happens more than now and then, and a single one
of a second is in the log (`actors/watchdog.py`).
"""

from __future__ import annotations

from typing import Final

import trio

from actors import Actor
from server.metrics.histogram import Histogram

EVERY_SECONDS: Final = 1.0


class Tick:
    """To itself."""


TICK: Final = Tick()


class LagProbe(Actor):
    """One is enough: all actors share a thread."""

    __slots__ = ("_due", "_lag")

    def __init__(self, lag: Histogram) -> None:
        self._lag = lag
        self._due = 0.0

    def started(self) -> None:
        self._wait()

    def receive(self, message: object) -> None:
        self._lag.observe(max(0.0, trio.current_time() - self._due))
        self._wait()

    def _wait(self) -> None:
        self._due = trio.current_time() + EVERY_SECONDS
        self.send_after(EVERY_SECONDS, TICK)
