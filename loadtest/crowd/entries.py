"""What comes in a frame that is the same for many, looked at once.

A room's entry is one frame, the same bytes for every member. So what was read is first looked for among what was read
before; only what nobody of the crowd has seen yet is decoded. A read that holds several frames is kept as a whole, too:
who is read for late gets the same ones together. What is meant for one client only (`ok`, `welcome`, …) is not kept.
"""

from __future__ import annotations

from typing import Final

from loadtest.histogram import Histogram
from loadtest.marks import Mark

MOST_READS: Final = 1_024
MOST_BYTES: Final = 2 * 1024 * 1024


class Entry:
    """An entry of a room's log, as one frame brought it.

    Attributes
    ----------
    room, key
        Its id, and what a crowd finds it by.
    author, nonce, text
        Of a message; None of other entries.
    mark
        The mark that its text begins with, if it does.
    sent
        When it was posted: nanoseconds, CLOCK_MONOTONIC; 0 where nobody knows.
    tally
        Where each reader's time since then is recorded; None where nobody wants to know, or can.
    readers, last_at
        How many were given it so far, and when the last one was, nanoseconds, CLOCK_MONOTONIC.
    """

    __slots__ = ("author", "key", "last_at", "mark", "nonce", "readers", "room", "sent", "seq", "tally", "text")

    def __init__(
        self,
        room: str,
        seq: int,
        author: str | None = None,
        nonce: str | None = None,
        text: str | None = None,
        mark: Mark | None = None,
    ) -> None:
        self.room = room
        self.key = hash(room)
        self.seq = seq
        self.author = author
        self.nonce = nonce
        self.text = text
        self.mark = mark
        self.sent = 0
        self.tally: Histogram | None = None
        self.readers = 0
        self.last_at = 0


class Reads:
    """What was read before, and the entries that are in it. The oldest half is forgotten when it is full."""

    __slots__ = ("_bytes", "_older", "newer")

    def __init__(self) -> None:
        self.newer: dict[bytes, tuple[Entry, ...]] = {}
        self._older: dict[bytes, tuple[Entry, ...]] = {}
        self._bytes = 0

    def find(self, data: bytes) -> tuple[Entry, ...] | None:
        found = self.newer.get(data)
        if found is None:
            found = self._older.get(data)
            if found is not None:
                self.keep(data, found)
        return found

    def keep(self, data: bytes, entries: tuple[Entry, ...]) -> None:
        if len(self.newer) >= MOST_READS or self._bytes >= MOST_BYTES:
            self._older, self.newer, self._bytes = self.newer, {}, 0
        self.newer[data] = entries
        self._bytes += len(data)
