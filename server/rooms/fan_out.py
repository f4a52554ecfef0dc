"""Telling many the same thing without keeping everyone else waiting: pure.

What is told goes out in slices, and strictly one thing after the other: what comes later waits behind what is still
going out, so every receiver hears of a room's entries in order. Whoever carries the slices out lets other actors run
between two of them.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from typing import Final

from server.rooms.effects import FanOut, InTurn, TellUser

AT_ONCE: Final = 256
"""To so many it goes out in one go: 2 ms of their sockets' time."""

SLICE: Final = 32
"""To more, so many at a time. A message of another room meets the run queue half a dozen times on its way, and each
time it waits for a slice of sessions and one of connections: with 256 in a slice it took 66 ms beside a fan-out to
18,000, with 64 it took 21 and with 32 17 (p99 on a busy machine; tests/bench/gateway/big_room.py), and the 18,000 wait
no longer.
"""

Ordered = FanOut | InTurn | TellUser
"""What a room tells in order."""


class FanOutQueue:
    """What is going out, in order."""

    __slots__ = ("_position", "_waiting")

    def __init__(self) -> None:
        self._waiting: deque[Ordered] = deque()
        self._position = 0

    def __bool__(self) -> bool:
        return bool(self._waiting)

    def add(self, effect: Ordered) -> None:
        self._waiting.append(effect)

    def next_slice(self) -> Iterator[Ordered]:
        """The next receivers, `SLICE` at the most: parts of what was added, in order."""
        left = SLICE
        while self._waiting and left:
            effect = self._waiting[0]
            if not isinstance(effect, FanOut):
                self._waiting.popleft()
                left -= 1
                yield effect
                continue
            to = effect.to[self._position : self._position + left]
            left -= len(to)
            self._position += len(to)
            if self._position >= len(effect.to):
                self._waiting.popleft()
                self._position = 0
            yield FanOut(effect.message, to)
