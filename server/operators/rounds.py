"""The long rounds of trio's loop: how often everybody waited because something took its time, and how long.

In a round all that is ready runs once: sockets, timers, tasks, one slice of the scheduler. What takes long in it holds
up all others, whoever it was. Rounds that nobody notices are not counted, so a round costs two calls and two looks at
the clock (0.25 us, of 20 at the least), and a message nothing.
"""

from __future__ import annotations

from collections.abc import Callable
from time import perf_counter
from typing import Final

import trio

from server.metrics.histogram import Histogram

LONG_SECONDS: Final = 0.005
"""Two slices of the scheduler and a half: what a busy server does in a round now and then is less."""


class LongRounds(trio.abc.Instrument):
    """Counts them, while it is one of trio's instruments.

    Parameters
    ----------
    seconds
        Where those are counted that took `LONG_SECONDS` or more.
    clock
        Gives seconds.
    """

    def __init__(self, seconds: Histogram, clock: Callable[[], float] = perf_counter) -> None:
        self._seconds = seconds
        self._clock = clock
        self._woke = clock()

    def after_io_wait(self, timeout: float) -> None:
        """A round begins."""
        self._woke = self._clock()

    def before_io_wait(self, timeout: float) -> None:
        """It is over."""
        taken = self._clock() - self._woke
        if taken >= LONG_SECONDS:
            self._seconds.observe(taken)
