"""Events that nobody has read yet, bounded.

A reader that falls behind must not make the client grow without end, nor stop it from reading answers. So when
the backlog is full the oldest event goes, and in place of the log entries that went the reader finds one `Missed`
for each room: complete, or told that it is not.
"""

from __future__ import annotations

from collections import deque

from clients.happenings import Event, Missed, UnknownEntry
from server.protocol.events import Joined, Left, MessageEntry, RoomChanged


class Backlog:
    """A queue of events, oldest first.

    Parameters
    ----------
    limit
        The most events kept.
    """

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._events: deque[Event] = deque()
        self._missed: dict[str, Missed] = {}

    def __len__(self) -> int:
        return len(self._events) + len(self._missed)

    def put(self, event: Event) -> None:
        if len(self._events) >= self._limit:
            self._drop(self._events.popleft())
        self._events.append(event)

    def next(self) -> Event | None:
        """The oldest event, taken out; None if there is none."""
        if self._missed:
            return self._missed.pop(next(iter(self._missed)))
        return self._events.popleft() if self._events else None

    def _drop(self, event: Event) -> None:
        match event:
            case Missed():
                self._miss(event.room, event.after, event.through)
            case MessageEntry() | Joined() | Left() | RoomChanged() | UnknownEntry() if event.seq is not None:
                self._miss(event.room, event.seq - 1, event.seq)

    def _miss(self, room: str, after: int, through: int) -> None:
        known = self._missed.get(room)
        first = after if known is None else known.after
        self._missed[room] = Missed(room, first, through, "not read in time")
