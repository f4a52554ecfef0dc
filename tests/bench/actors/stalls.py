"""How long the trio thread keeps everybody waiting: a task that does nothing but yield, and times each turn.

The gap between two of its steps is what a socket or a timer that becomes ready would wait at worst: the slice of the
scheduler, whatever other task has run, and a pause of the collector.
"""

from __future__ import annotations

from time import perf_counter_ns

import trio.lowlevel


class Stalls:
    """The longest gap since it was last asked for."""

    def __init__(self) -> None:
        self._longest = 0

    async def run(self) -> None:
        """Watch until cancelled."""
        before = perf_counter_ns()
        while True:
            await trio.lowlevel.checkpoint()
            now = perf_counter_ns()
            self._longest = max(self._longest, now - before)
            before = now

    def take_ms(self) -> float:
        """The longest gap in milliseconds; counted anew from here."""
        longest, self._longest = self._longest, 0
        return longest / 1e6
