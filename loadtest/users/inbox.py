"""Messages that came and were not looked at yet, bounded.

What happens when there are too many is chosen by name where the inbox is made: a load test that hides it measures
something else than it says.
"""

from __future__ import annotations

from collections import deque
from enum import Enum
from time import perf_counter

from gevent.event import Event

from loadtest.users.failures import TimedOut, WebSocketFailure
from loadtest.users.websocket import Message


class WhenFull(Enum):
    WAIT = "the socket is not read until there is room: the server feels a slow reader, and pings wait, too"
    DROP_OLDEST = "the oldest message goes, and is counted"


class Inbox:
    """Filled by the greenlet that reads, emptied by the user's.

    Parameters
    ----------
    limit
        Messages kept.

    Attributes
    ----------
    dropped
        Messages that nobody will see.
    """

    def __init__(self, limit: int, when_full: WhenFull) -> None:
        self.dropped = 0
        self._limit = limit
        self._when_full = when_full
        self._messages: deque[Message] = deque()
        self._ending: WebSocketFailure | None = None
        self._discarding = False
        self._news = Event()
        self._room = Event()

    def __len__(self) -> int:
        return len(self._messages)

    def put(self, message: Message) -> None:
        """Keep a message; where the choice is to wait, wait for room."""
        while len(self._messages) >= self._limit and not self._discarding:
            if self._when_full is WhenFull.DROP_OLDEST:
                self._messages.popleft()
                self.dropped += 1
            else:
                self._room.clear()
                self._room.wait()
        if not self._discarding:
            self._messages.append(message)
            self._news.set()

    def end(self, how: WebSocketFailure) -> None:
        """Nothing follows: who has taken the last message is told why."""
        self._ending = how
        self._news.set()

    def discard(self) -> None:
        """Nobody will look any more: what comes from here on goes at once, so that the end can be read."""
        self._discarding = True
        self._messages.clear()
        self._room.set()

    def take(self, timeout: float, step: str = "receive") -> Message:
        """The oldest message, waited for.

        Raises
        ------
        TimedOut
            Nothing within `timeout` seconds; it carries the name of the `step`.
        Closed, ConnectionLost
            The connection has ended, and everything before was taken.
        """
        end = perf_counter() + timeout
        while not self._messages:
            if self._ending is not None:
                raise self._ending
            self._news.clear()
            if not self._news.wait(max(0.0, end - perf_counter())):
                raise TimedOut(step)
        self._room.set()
        return self._messages.popleft()
