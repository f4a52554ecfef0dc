"""What the store is asked about the pins of a room, and what it answers."""

from __future__ import annotations

from msgspec import Struct

from server.protocol.objects import PinnedMessage
from server.store.questions import Question


class ReadPins(Question, frozen=True, kw_only=True):
    """What is pinned in a room, as `reader` sees it: what was pinned last comes first; with `before`, only what was
    pinned by an entry before that one. Answered `PinsPage`."""

    room: str
    reader: str
    before: int | None


class PinsPage(Struct, frozen=True):
    """`known`: the messages are as they were after this entry."""

    room: str
    pins: tuple[PinnedMessage, ...]
    known: int
