"""How much a mailbox holds, and what happens to a message that finds it full.

One rule: every queue states its bound and its overflow choice where it is made. Nothing in this library waits
for a mailbox to empty; whoever needs to be slowed down is slowed by not being answered.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum


class Overflow(Enum):
    """What becomes of a message that is told to a full mailbox. Every message lost this way is counted."""

    REFUSE = "refuse"
    """`tell` answers False: the sender has to do something about it."""
    DROP_OLDEST = "drop_oldest"
    """The longest waiting message makes way: for states, where only the latest counts."""
    DROP_NEWEST = "drop_newest"
    """The new message is dropped, and the sender is told that all is well: for hints."""
    GAP = "gap"
    """The new message is dropped, and one `Gapped` stands in its place: for ordered streams with a log behind."""


@dataclass(frozen=True, slots=True)
class Mailbox:
    """The bound of a mailbox.

    Args:
        limit: how many messages may wait, at least 1. Answers, `Down` and urgent messages are not held
            against it: they are bounded by what the actor itself has asked for.
        overflow: what happens to one more.
    """

    limit: int = 1000
    overflow: Overflow = Overflow.REFUSE

    def __post_init__(self) -> None:
        if self.limit < 1:
            raise ValueError(f"a mailbox holds at least one message, not {self.limit}")
