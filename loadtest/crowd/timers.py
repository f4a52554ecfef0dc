"""What a crowd does when its time has come: calls by the monotonic clock, in the order in which they are due."""

from __future__ import annotations

import heapq
import itertools
import math
import time
from collections.abc import Callable


class Timers:
    """Calls that wait."""

    __slots__ = ("_turns", "_waiting")

    def __init__(self) -> None:
        self._waiting: list[tuple[float, int, Callable[[], None]]] = []
        self._turns = itertools.count()

    def later(self, seconds: float, call: Callable[[], None]) -> None:
        heapq.heappush(self._waiting, (time.monotonic() + seconds, next(self._turns), call))

    @property
    def due(self) -> float:
        """When the next one is, by the monotonic clock; never, if none waits."""
        return self._waiting[0][0] if self._waiting else math.inf

    def run(self, now: float) -> None:
        """Call all that are due."""
        while self._waiting and self._waiting[0][0] <= now:
            heapq.heappop(self._waiting)[2]()
