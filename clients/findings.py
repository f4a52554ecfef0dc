"""What is wrong with a run: each way in which a promise can be broken, and the facts that show it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from clients.facts import Fact, Name


class Kind(StrEnum):
    """Each way in which a promise can be broken."""

    LOST = "acknowledged, and not in the log"
    STORED_TWICE = "in the log twice under one nonce"
    DELIVERED_TWICE = "delivered twice to one reader"
    PHANTOM = "delivered, and not in the log"
    FORGED = "in the log or delivered with content that nobody posted"
    DISORDER = "delivered after an entry with a higher seq"
    SILENT_GAP = "entries were skipped, and the reader was not told"
    LOG_GAP = "the log skips a seq"
    SEQ_TWICE = "one seq was given to two entries"
    SEQ_CHANGED = "one post was given two seqs"
    UNANSWERED = "its poster saw it in the room, and was never answered"
    REFUSED_YET_STORED = "refused for good, and in the log"
    WRONG_DUPLICATE = "`duplicate` does not say whether it was the first answer"


@dataclass(frozen=True, slots=True)
class Finding:
    """One broken promise, and the fewest facts that show it."""

    kind: Kind
    room: Name
    facts: tuple[Fact, ...]

    def __str__(self) -> str:
        shown = "; ".join(map(repr, self.facts))
        return f"{self.kind.name} in {self.room}: {self.kind.value}: {shown}"
