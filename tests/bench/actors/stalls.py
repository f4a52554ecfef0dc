"""How long the trio thread keeps everybody waiting: a task that does nothing but yield, and times each turn.

The gap between two of its steps is what a socket or a timer that becomes ready would wait at worst: the slice of the
scheduler, whatever other task has run, and a pause of the collector. By the wall clock, and in CPU time of the thread,
which leaves out most of what other processes take.
"""

from __future__ import annotations

from time import perf_counter_ns, thread_time_ns

import trio.lowlevel


class Stalls:
    """The longest gaps since they were last asked for."""

    def __init__(self) -> None:
        self._wall = self._cpu = 0

    async def run(self) -> None:
        """Watch until cancelled."""
        wall, cpu = perf_counter_ns(), thread_time_ns()
        while True:
            await trio.lowlevel.checkpoint()
            wall_now, cpu_now = perf_counter_ns(), thread_time_ns()
            self._wall, self._cpu = max(self._wall, wall_now - wall), max(self._cpu, cpu_now - cpu)
            wall, cpu = wall_now, cpu_now

    def take(self, phase: str) -> dict[str, float]:
        """The longest gaps of this phase, in milliseconds; counted anew from here."""
        wall, cpu = self._wall, self._cpu
        self._wall = self._cpu = 0
        return {f"{phase}_stall_ms": wall / 1e6, f"{phase}_stall_cpu_ms": cpu / 1e6}
