"""What a crowd saw, told to the checker as it happens, and counted on the way.

Pure. Nothing of it is kept here but who is owed what: with a crowd of thousands in a busy room there are millions of
deliveries.
"""

from __future__ import annotations

from collections.abc import Iterable

from clients.checker import (
    Acknowledged,
    Began,
    CaughtUp,
    Checker,
    Delivered,
    Fact,
    Finding,
    GapTold,
    Name,
    Posted,
    Stored,
)


class Reporter:
    """Takes facts, in the order in which each client saw them.

    Attributes
    ----------
    posted, acknowledged, delivered
        How many of these there were; retries and duplicates count again.
    gaps
        How often a client was told that it will not be given what it lacks.
    heads
        The highest `seq` that was acknowledged, by room.
    """

    def __init__(self) -> None:
        self.posted = self.acknowledged = self.delivered = self.gaps = 0
        self.heads: dict[Name, int] = {}
        self._checker = Checker()
        self._readers: set[tuple[Name, Name]] = set()

    def take(self, fact: Fact) -> None:
        self._checker.feed(fact)
        match fact:
            case Delivered():
                self.delivered += 1
            case Posted():
                self.posted += 1
            case Acknowledged():
                self.acknowledged += 1
                self.heads[fact.room] = max(self.heads.get(fact.room, 0), fact.seq)
            case Began():
                self._readers.add((fact.reader, fact.room))
            case GapTold():
                self.gaps += 1

    def verdict(self, stored: Iterable[Stored]) -> list[Finding]:
        """Every broken promise, with the logs as they are in the end. Asked once, when nothing is under way.

        Everybody is held to have heard all that is stored of a room from where they began.
        """
        ends: dict[Name, int] = {}
        for entry in stored:
            self._checker.feed(entry)
            ends[entry.room] = max(ends.get(entry.room, 0), entry.seq)
        for reader, room in sorted(self._readers, key=str):
            self._checker.feed(CaughtUp(reader, room, ends.get(room, 0)))
        return self._checker.findings()
