"""One reader in one room: whether what it is given comes once, in order, and without a gap that it is not told of."""

from __future__ import annotations

from collections.abc import Iterator

from clients.facts import Began, CaughtUp, Delivered, Fact, Followed, GapTold
from clients.findings import Finding, Kind


class Stream:
    """How far a reader has come in a room, and what it skipped on the way."""

    __slots__ = ("last", "position", "skipped")

    def __init__(self) -> None:
        self.position = 0
        self.last: Fact | None = None
        self.skipped: list[range] = []

    def delivered(self, fact: Delivered) -> Iterator[Finding]:
        if fact.seq <= self.position:
            late = any(fact.seq in skipped for skipped in self.skipped)
            yield Finding(Kind.DISORDER if late else Kind.DELIVERED_TWICE, fact.room, self._beside(fact))
            return
        if self.last is not None and fact.seq > self.position + 1:
            yield Finding(Kind.SILENT_GAP, fact.room, self._beside(fact))
        self._move(fact, fact.seq, skipped_to=fact.seq)

    def followed(self, fact: Followed) -> Iterator[Finding]:
        if self.last is not None and fact.after > self.position:
            yield Finding(Kind.SILENT_GAP, fact.room, self._beside(fact))
        if fact.through > self.position:
            self._move(fact, fact.through, skipped_to=fact.after + 1)

    def caught_up(self, fact: CaughtUp) -> Iterator[Finding]:
        if fact.through <= self.position:
            return
        if self.last is not None:
            yield Finding(Kind.SILENT_GAP, fact.room, self._beside(fact))
        self.told(fact, fact.through)

    def told(self, fact: Began | GapTold | CaughtUp, through: int) -> None:
        if self.last is None or through > self.position:
            self._move(fact, through, skipped_to=through + 1)

    def looked_away(self) -> None:
        """Entries that are skipped now are no gap; none that came before may come again."""
        self.last = None

    def _move(self, fact: Fact, position: int, skipped_to: int) -> None:
        if skipped_to > self.position + 1:
            self.skipped.append(range(self.position + 1, skipped_to))
        self.last, self.position = fact, position

    def _beside(self, fact: Fact) -> tuple[Fact, ...]:
        return (fact,) if self.last is None else (self.last, fact)
