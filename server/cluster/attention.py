"""A clock that runs only while this process does. Pure: the time is passed in.

Who was stopped, or starved by a busy machine, would otherwise find upon waking that everybody else had been silent for
too long. So whatever is to be held against others, a peer's beat or the engine's answer, is measured in time in which
this process could have heard them: a tick that comes late counts as two ticks at the most.
"""

from __future__ import annotations


class AttentiveClock:
    """Seconds of attention.

    Parameters
    ----------
    tick
        Seconds between two calls of `ticked`, as it is meant to be.
    """

    __slots__ = ("_last", "_now", "_tick")

    def __init__(self, tick: float) -> None:
        self._tick = tick
        self._last: float | None = None
        self._now = 0.0

    @property
    def now(self) -> float:
        """Rises only by `ticked`."""
        return self._now

    def ticked(self, time: float) -> float:
        """It is `time` now, in seconds of a clock that goes on while nobody looks. Returns `now`."""
        if self._last is not None:
            self._now += min(time - self._last, 2 * self._tick)
        self._last = time
        return self._now
