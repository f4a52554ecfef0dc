"""The departure of the server, as everybody sees it who has to know: one object, shared by all that lets people in.

Once it has begun nobody new is let in: the listening sockets are closed, an upgrade is refused, and plain requests are
answered with `connection: close`. What was under way is finished: a request has a moment for the rest of its head to
arrive, and then all the time that the stop has.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

import trio

LAST_HEAD_SECONDS: Final = 0.5
"""For a request that is on its way: one more than a round trip. A connection that is silent is closed after it."""


class Departure:
    """Whether it has begun.

    Attributes
    ----------
    seconds
        How long clients may take to leave, all in all, the last of them closed. Set before it begins by whoever has
        the time; without, nobody is asked to leave: all are closed at once.
    begun
        Set when it begins.
    closed
        Set as soon as the door is closed, and everybody who stood in it was let in.
    """

    __slots__ = ("_heads", "begun", "closed", "seconds")

    def __init__(self) -> None:
        self.seconds = 0.0
        self.begun = trio.Event()
        self.closed = trio.Event()
        self._heads: set[trio.CancelScope] = set()

    def begin(self) -> None:
        """Let nobody in from now on. Harmless when repeated."""
        self.begun.set()
        latest = trio.current_time() + LAST_HEAD_SECONDS
        for waiting in self._heads:
            waiting.deadline = min(waiting.deadline, latest)

    @contextmanager
    def head_within(self, seconds: float) -> Iterator[trio.CancelScope]:
        """Wait for the head of a request, like `trio.move_on_after`; not for long once the departure has begun."""
        if self.begun.is_set():
            seconds = min(seconds, LAST_HEAD_SECONDS)
        with trio.move_on_after(seconds) as waiting:
            self._heads.add(waiting)
            try:
                yield waiting
            finally:
                self._heads.discard(waiting)
