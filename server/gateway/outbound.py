"""What the kernel did not take: a queue of bytes, without a socket. It exists only while something waits.

The chunks are the frames as they were told, so what waits for a thousand slow readers of one room is one object
in a thousand queues. What was sent is forgotten at once; the rule what to do when too much waits is the
connection's.
"""

from __future__ import annotations

from collections import deque
from itertools import islice
from typing import Final

from actors import Timer

WRITE_BYTES: Final = 64 * 1024
"""The most that is put together for one `send`: more than the kernel takes at once."""


_MOST_JOINED: Final = 1_000


class Outbound:
    """Bytes that wait for the socket, in order.

    Attributes
    ----------
    waiting
        How many bytes wait.
    sent
        How many have left through this queue: whether it moves.
    late
        How many were queued after the session was told to hold back; None before it was.
    stall
        The timer by which its owner looks whether it moves.
    """

    __slots__ = ("_begun", "_chunks", "late", "sent", "stall", "waiting")

    def __init__(self, rest: bytes, begun: int) -> None:
        """`rest` is what was to be sent, of which the kernel took the first `begun` bytes."""
        self._chunks: deque[bytes] = deque((rest,))
        self._begun = begun
        self.waiting = len(rest) - begun
        self.sent = 0
        self.late: int | None = None
        self.stall: Timer | None = None

    def push(self, data: bytes) -> None:
        self._chunks.append(data)
        self.waiting += len(data)

    def head(self) -> bytes | memoryview:
        """What to send next: up to `WRITE_BYTES`, several chunks joined where they are small."""
        first = memoryview(self._chunks[0])[self._begun : self._begun + WRITE_BYTES]
        if len(first) == WRITE_BYTES or len(self._chunks) == 1:
            return first
        parts: list[bytes | memoryview] = [first]
        room = WRITE_BYTES - len(first)
        for chunk in islice(self._chunks, 1, _MOST_JOINED):
            if len(chunk) > room:
                break
            parts.append(chunk)
            room -= len(chunk)
        return b"".join(parts)

    def left(self, count: int) -> None:
        """The kernel took the first `count` bytes of `head()`."""
        self.waiting -= count
        self.sent += count
        self._begun += count
        while self._chunks and self._begun >= len(self._chunks[0]):
            self._begun -= len(self._chunks.popleft())

    def drop_unbegun(self) -> None:
        """Forget what waits, but for the chunk of which a part has left: a frame must not end in its middle."""
        if self._begun:
            first = self._chunks[0]
            self._chunks = deque((first,))
            self.waiting = len(first) - self._begun
        else:
            self._chunks.clear()
            self.waiting = 0

    def discard(self) -> None:
        """It is empty, or nobody will empty it: let go of what is tied to it."""
        if self.stall is not None:
            self.stall.cancel()
            self.stall = None
