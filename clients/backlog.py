"""Events that nobody has read yet, bounded.

A reader that falls behind must not make the client grow without end, nor stop it from reading answers. So when
the backlog is full the oldest event goes, and in place of the log entries that went the reader finds one `Missed`
for each room: complete, or told that it is not.
"""

from __future__ import annotations

from collections import deque

from clients.happenings import Event, Missed, UnknownEntry
from server.protocol.entries import Deleted, Edited, Joined, Left, MessageEntry, Pinned, Reacted, RoomChanged


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

    def unread_behind(self) -> dict[str, int]:
        """For each room of which something waits: behind which `seq` it begins."""
        behind: dict[str, int] = {}
        for event in (*self._missed.values(), *self._events):
            span = _span(event)
            if span is not None:
                behind.setdefault(span.room, span.after)
        return behind

    def _drop(self, event: Event) -> None:
        span = _span(event)
        if span is not None:
            self._miss(span.room, span.after, span.through)

    def _miss(self, room: str, after: int, through: int) -> None:
        known = self._missed.get(room)
        first = after if known is None else known.after
        self._missed[room] = Missed(room, first, through, "not read in time")


def _span(event: Event) -> Missed | None:
    """Which part of a log an event is, said as its loss; None if it has no place in one."""
    match event:
        case Missed():
            return event
        case MessageEntry() | Edited() | Deleted() | Reacted() | Pinned() | Joined() | RoomChanged() | UnknownEntry():
            return Missed(event.room, event.seq - 1, event.seq, "not read in time")
        case Left(seq=int(seq)):
            return Missed(event.room, seq - 1, seq, "not read in time")
        case _:
            return None
