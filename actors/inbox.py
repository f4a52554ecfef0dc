"""Inbox: the mailbox of a task. Actors tell, one task takes.

Made by whoever wires the tree and handed to both sides, so it outlives the task that reads it: what was told
during a restart is there when the next run takes. As bounded as an actor's mailbox, with the same choices.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

import trio

from actors.mailbox import Mailbox, Overflow
from actors.messages import Gapped
from actors.reply import dropped

GAPPED = Gapped()


@dataclass(frozen=True, slots=True)
class InboxStatistics:
    """How an inbox is.

    Args:
        waiting: messages in it now.
        peak: the most that ever waited.
        limit: its bound.
        taken: messages taken so far.
        dropped: messages refused or dropped because it was full.
        tasks_waiting: tasks that wait for a message.
    """

    waiting: int
    peak: int
    limit: int
    taken: int
    dropped: int
    tasks_waiting: int


class Inbox:
    """A bounded queue from actors to a task.

    Args:
        limit: how many messages may wait, at least 1.
        overflow: what happens to one more.
    """

    __slots__ = ("_box", "_dropped", "_mailbox", "_peak", "_readers", "_taken")

    def __init__(self, limit: int, overflow: Overflow = Overflow.REFUSE) -> None:
        self._mailbox = Mailbox(limit, overflow)
        self._box: deque[object] = deque()
        self._readers = trio.lowlevel.ParkingLot()
        self._peak = 0
        self._taken = 0
        self._dropped = 0

    def tell(self, message: object, /) -> bool:
        """Put a message in; never blocks, from the trio thread only. False: it is full and refuses."""
        box = self._box
        if len(box) >= self._mailbox.limit:
            return self._overflow(message)
        box.append(message)
        self._peak = max(self._peak, len(box))
        if self._readers:
            self._readers.unpark()
        return True

    def answer(self, message: object, /) -> bool:
        """Put the answer to a question in, also when it is full: the reader bounds the questions it asks."""
        self._box.append(message)
        self._peak = max(self._peak, len(self._box))
        if self._readers:
            self._readers.unpark()
        return True

    async def take(self, most: int) -> list[object]:
        """Wait for at least one message, then take all that wait, at most `most`, oldest first.

        A cancelled take has taken nothing.
        """
        await trio.lowlevel.checkpoint_if_cancelled()
        if self._box:
            await trio.lowlevel.cancel_shielded_checkpoint()
        while not self._box:
            await self._readers.park()
        return self.take_nowait(most)

    def take_nowait(self, most: int) -> list[object]:
        """All messages that wait, at most `most`, oldest first; empty if there are none."""
        box = self._box
        taken = [box.popleft() for _ in range(min(most, len(box)))]
        self._taken += len(taken)
        return taken

    def statistics(self) -> InboxStatistics:
        """How full it is, and was."""
        return InboxStatistics(
            waiting=len(self._box),
            peak=self._peak,
            limit=self._mailbox.limit,
            taken=self._taken,
            dropped=self._dropped,
            tasks_waiting=len(self._readers),
        )

    def __repr__(self) -> str:
        return f"<Inbox {len(self._box)} of {self._mailbox.limit}>"

    def _overflow(self, message: object) -> bool:
        self._dropped += 1
        match self._mailbox.overflow:
            case Overflow.REFUSE:
                return False
            case Overflow.DROP_NEWEST:
                dropped(message)
            case Overflow.DROP_OLDEST:
                dropped(self._box.popleft())
                self._box.append(message)
            case Overflow.GAP:
                dropped(message)
                if self._box[-1] is not GAPPED:
                    self._box.append(GAPPED)
        return True
