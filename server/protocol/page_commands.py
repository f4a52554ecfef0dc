"""What was said, asked for by the page: by its place in the log, by its thread, by its words, or as it is pinned."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta, field

from server.protocol.bases import Command, Person, Seq
from server.protocol.fields import Moment, RoomId, SearchQuery
from server.protocol.limits import HISTORY_LIMIT, LOG_LIMIT, SEARCH_LIMIT, THREADS_LIMIT

HistorySize = Annotated[int, Meta(ge=1, description="Messages.", extra_json_schema={"maximum": HISTORY_LIMIT})]
LogSize = Annotated[int, Meta(ge=1, description="Entries.", extra_json_schema={"maximum": LOG_LIMIT})]
ThreadsSize = Annotated[int, Meta(ge=1, description="Threads.", extra_json_schema={"maximum": THREADS_LIMIT})]
SearchSize = Annotated[int, Meta(ge=1, description="Hits.", extra_json_schema={"maximum": SEARCH_LIMIT})]


class History(Command, frozen=True, kw_only=True, tag="history"):
    """Messages of a room in their present state, ascending: those `before` a `seq`, those `after` it, or the newest.

    With `thread` only those of one.
    """

    room: RoomId
    before: Seq | None = None
    after: Seq | None = None
    limit: HistorySize = 50
    thread: Annotated[Seq | None, Meta(description="The `seq` of the message that begins the thread.")] = None


class Log(Command, frozen=True, kw_only=True, tag="log"):
    """Entries of a room's log as they were written. Asked by a client that saw a gap in `seq`."""

    room: RoomId
    after: Seq
    limit: LogSize = 500


class Threads(Command, frozen=True, kw_only=True, tag="threads"):
    """Threads of a room, those with the newest messages first."""

    room: RoomId
    before: Annotated[Seq | None, Meta(description="The `last_seq` of the last thread of the page before.")] = None
    limit: ThreadsSize = 50


class Pins(Command, frozen=True, kw_only=True, tag="pins"):
    """What is pinned in a room, in its present state: what was pinned last comes first."""

    room: RoomId
    before: Annotated[Seq | None, Meta(description="The `seq` of the last pin of the page before.")] = None


class Search(Command, frozen=True, kw_only=True, tag="search"):
    """Finds messages by their words, the newest first, in all rooms this user is a member of, or in one of them.

    All words have to be there, in any order; `"several in this order"`, `beginn*`. Everything else is literal text.
    """

    query: SearchQuery
    room: RoomId | None = None
    from_: Annotated[Person | None, Meta(description="Only what they wrote.")] = field(default=None, name="from")
    after: Annotated[Moment | None, Meta(description="Only what was written then, or later.")] = None
    before: Annotated[Moment | None, Meta(description="Only what was written earlier.")] = None
    limit: SearchSize = 20
    next: Annotated[str | None, Meta(description="As the page before gave it.")] = None
