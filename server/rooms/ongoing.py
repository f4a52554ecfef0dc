"""What a room is in the middle of: pure, with the time passed in.

Most rooms are quiet most of the time, and the tables for what is under way would be half of what a quiet room of two
takes. So they are made together when the first of them is needed, and let go together, at the end of a second in
which nothing was left in any of them.
"""

from __future__ import annotations

from typing import Final

from server.rooms.holds import Holds
from server.rooms.in_flight import InFlight
from server.rooms.questions import Questions
from server.rooms.typists import Typists
from server.store.questions import Asker

DOUBT_SECONDS: Final = 3.0  # within that everybody has come back who is alive

_NOT_YET: Final = float("inf")


class Ongoing:
    """Changes on their way to the disk, questions to the store, posts held in their order, who types, and the doubt who
    is here.

    `holds` are kept by the session that posts. `stats_due`: it is to be told how many members there are; `asked`: that
    somebody asks to come in.
    """

    __slots__ = ("_sure_at", "asked", "holds", "in_flight", "questions", "stats_due", "typists")

    def __init__(self) -> None:
        self.in_flight = InFlight()
        self.questions = Questions()
        self.holds: Holds[Asker] = Holds()
        self.typists = Typists()
        self.stats_due = False
        self.asked = False
        self._sure_at: float | None = None  # None: there is no doubt

    def __bool__(self) -> bool:
        is_due = self.stats_due or self.asked or self._sure_at is not None
        return is_due or any(map(bool, (self.in_flight, self.questions, self.holds, self.typists)))

    def doubt(self) -> None:
        """Who listens here knew another owner before. Who was there by that one may have gone while it was none any
        more, and nobody has seen them go."""
        if self._sure_at is None:
            self._sure_at = _NOT_YET

    def is_sure_again(self, now: float) -> bool:
        """Whether the doubt ends now: who has not come back in time has gone."""
        if self._sure_at == _NOT_YET:
            self._sure_at = now + DOUBT_SECONDS
        if self._sure_at is None or now < self._sure_at:
            return False
        self._sure_at = None
        return True

    def sweep(self, now: float) -> None:
        """Forget what is over by the time alone."""
        self.holds.sweep(now)
        self.typists.sweep(now)
