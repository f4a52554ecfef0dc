"""What a room is in the middle of: pure, with the time passed in.

Most rooms are quiet most of the time, and the tables for what is under way would be half of what a quiet room of two
takes. So they are made together when the first of them is needed, and let go together, at the end of a second in
which nothing was left in any of them.
"""

from __future__ import annotations

from server.rooms.holds import Holds
from server.rooms.in_flight import InFlight
from server.rooms.questions import Questions
from server.rooms.typists import Typists
from server.store.messages import Asker


class Ongoing:
    """Changes on their way to the disk, questions to the store, posts held in their order, and who types.

    `holds` are kept by the session that posts. `stats_due`: it is to be told how many members there are.
    """

    __slots__ = ("holds", "in_flight", "questions", "stats_due", "typists")

    def __init__(self) -> None:
        self.in_flight = InFlight()
        self.questions = Questions()
        self.holds: Holds[Asker] = Holds()
        self.typists = Typists()
        self.stats_due = False

    def __bool__(self) -> bool:
        return self.stats_due or any(map(bool, (self.in_flight, self.questions, self.holds, self.typists)))

    def sweep(self, now: float) -> None:
        """Forget what is over by the time alone."""
        self.holds.sweep(now)
        self.typists.sweep(now)
