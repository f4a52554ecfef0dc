"""How late the server is: an actor that sets itself a timer once a second, and sees when it is told.

What it sees is what everybody's messages meet: trio's other tasks, the slices of the scheduler, the run queue. A single
long slice in a quiet second it may miss: for those it has the long rounds counted (`rounds.py`), as long as it lives.
"""

from __future__ import annotations

from typing import Final

import trio

from actors import Actor
from server.metrics.histogram import Histogram
from server.operators.rounds import LongRounds
from server.rhythm import seconds_to_next

EVERY_SECONDS: Final = 1.0


class Tick:
    """To itself."""


TICK: Final = Tick()


class LagProbe(Actor):
    """One is enough: all actors share a thread.

    Parameters
    ----------
    lag
        Where it is counted, in seconds.
    rounds
        What counts the rounds; the same one in every life of this actor, so that it counts them once.
    """

    __slots__ = ("_due", "_lag", "_rounds")

    def __init__(self, lag: Histogram, rounds: LongRounds) -> None:
        self._lag = lag
        self._rounds = rounds
        self._due = 0.0

    def started(self) -> None:
        trio.lowlevel.add_instrument(self._rounds)
        self._wait()

    def stopped(self, reason: object) -> None:
        trio.lowlevel.remove_instrument(self._rounds)

    def receive(self, message: object) -> None:
        self._lag.observe(max(0.0, trio.current_time() - self._due))
        self._wait()

    def _wait(self) -> None:
        seconds = seconds_to_next(EVERY_SECONDS)
        self._due = trio.current_time() + seconds
        self.send_after(seconds, TICK)
