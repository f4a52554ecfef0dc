"""What the store is asked about what was said in a room: as it is by now, or as it was written; and what it answers."""

from __future__ import annotations

from msgspec import Struct

from server.protocol.entries import Entry
from server.protocol.objects import Message
from server.store.questions import Question


class ReadHistory(Question, frozen=True, kw_only=True):
    """Messages in their present state, ascending, at most `limit`, none above `upto`. Answered `HistoryPage`.

    With `after`: the oldest above it; else the newest below `before` (or of all). `reader`: the user whose own
    reactions are marked as such. `thread`: only those of the one that this message begins.
    """

    room: str
    reader: str
    upto: int
    limit: int
    before: int | None = None
    after: int | None = None
    thread: int | None = None


class HistoryPage(Struct, frozen=True):
    """`more`: there are further ones in the direction that was asked for. `known`: the messages are as they were after
    this entry, which may lie behind `upto`."""

    room: str
    messages: tuple[Message, ...]
    more: bool
    known: int


class ReadLog(Question, frozen=True, kw_only=True):
    """Entries with `after < seq <= upto`, in order, at most `limit`. Answered `LogPage`."""

    room: str
    after: int
    upto: int
    limit: int


class LogPage(Struct, frozen=True):
    room: str
    after: int
    entries: tuple[Entry, ...]
    more: bool


class ReadAuthors(Question, frozen=True, kw_only=True):
    """Who wrote messages with `after < seq <= upto` (the newest 1,000 of them). Answered `Authors`."""

    room: str
    after: int
    upto: int


class Authors(Struct, frozen=True):
    room: str
    after: int
    upto: int
    authors: frozenset[str]
