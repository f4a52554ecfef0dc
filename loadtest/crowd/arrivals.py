"""Who of a crowd comes when: in which turn, at what pace, and when again after it went wrong. No clock, no sockets.

Who is refused comes again after the time the server named. Who is cut off comes again, too, as docs/protocol.md asks:
at a random moment, later after each failure; or, in a `hurry`, at once. Who was sent away for good (close codes from
4500 on, 401 and the like) does not.
"""

from __future__ import annotations

from array import array
from collections.abc import Callable
from typing import Final

from clients.backoff import full_jitter
from loadtest.crowd.shifts import Shifts
from loadtest.crowd.standing import NOBODY
from loadtest.crowd.upgrade import TurnedAway

_IN_A_HURRY_SECONDS: Final = 0.5  # where no server named a time
_AFTER_FLOODING_SECONDS: Final = 60.0  # docs/protocol.md, 4503
_FLOODING: Final = 4503
_FOR_GOOD: Final = 4500
_REFUSED_FOR_NOW: Final = frozenset({0, 408, 425, 429, 500, 502, 503, 504})  # 0: not HTTP


class Arrivals:
    """The queue of those who will connect, by slot.

    Attributes
    ----------
    at_once, connects, hurry
        As of a `Crowd`; may be set at any time.
    """

    def __init__(self, at_once: int, connects: float, hurry: bool, chance: Callable[[], float]) -> None:
        self.at_once, self.connects, self.hurry = at_once, connects, hurry
        self._chance = chance
        self._shifts: Shifts | None = None
        self._failures: dict[int, int] = {}  # in a row, by slot
        self._queue = array("i")  # not a deque: of numbers that all wait at once, each would be an object
        self._next = 0  # whose turn it is in the queue
        self._begun_until = 0.0  # connections up to here are paid for, where they have a pace

    # --- whose turn it is ----------------------------------------------------------------------------------------

    def keep_to(self, shifts: Shifts | None) -> None:
        """Begin nothing outside of these from now on; None: at any time.

        As many more are under way in a shift as others wait for theirs, so that all processes together have as many as
        without shifts: 60,000 people came to 28 workers within 17 s so, and within 29 with `at_once` in a shift, too.
        """
        self._shifts, self._begun_until = shifts, 0.0

    def add(self, slot: int) -> None:
        self._queue.append(slot)

    def due(self, in_flight: int) -> float | None:
        """When the next may begin, by the clock that `take` is told; None if that is not a matter of time."""
        return self._begun_until if self._may_begin(in_flight) else None

    def take(self, now: float, in_flight: int) -> int:
        """Who begins a connection now; `NOBODY` if none does."""
        if not self._may_begin(in_flight):
            return NOBODY
        if self._shifts is not None and (begins := self._shifts.next(now)) > now:
            self._begun_until = begins
            return NOBODY
        if self.connects:
            if now < self._begun_until:
                return NOBODY
            self._begun_until = max(self._begun_until, now - 1.0) + 1.0 / self.connects
        slot = self._queue[self._next]
        self._next += 1
        if self._next == len(self._queue):
            self._queue, self._next = array("i"), 0
        return slot

    def _may_begin(self, in_flight: int) -> bool:
        most = self.at_once if self._shifts is None else self.at_once * self._shifts.shifts
        return self._next < len(self._queue) and (not most or in_flight < most)

    # --- when they come again: in how many seconds, None where they do not -----------------------------------------

    def after_close(self, slot: int, code: int, was_ready: bool) -> float | None:
        """The server ended its connection, or never took it: 1006."""
        if code == _FLOODING:
            return self.after_failure(slot, _AFTER_FLOODING_SECONDS)
        if code >= _FOR_GOOD:
            return None
        return self.after_failure(slot, 0.0 if was_ready and self.hurry else None)

    def after_refusal(self, slot: int, refused: TurnedAway) -> float | None:
        """The upgrade was answered with something else."""
        return self.after_failure(slot, refused.retry_after) if refused.status in _REFUSED_FOR_NOW else None

    def after_failure(self, slot: int, seconds: float | None = None) -> float:
        """`seconds`: at the earliest; None: nobody named a time."""
        failed = self._failures.get(slot, 0)
        self._failures[slot] = failed + 1
        if self.hurry:
            return _IN_A_HURRY_SECONDS if seconds is None else seconds
        return max(seconds or 0.0, full_jitter(failed, self._chance()))

    def arrived(self, slot: int) -> None:
        """It is welcome: what went wrong before is forgotten."""
        self._failures.pop(slot, None)
