"""Searching what was said: the index, and the tails of logs that are not in it yet, as one list, newest first.

The rules: only rooms that the reader is a member of are looked at, by the very statements that look; nothing is ranked,
and nothing counted, that would tell of other rooms. What comes first is decided by a key that every hit has wherever it
was found (its time, room, and place), so a page goes on behind the last one's key, whatever was indexed meanwhile.

Bounds: a search that takes longer than `full_text.MOST_SECONDS`, or would have to read more than `TAIL` messages beside
the index, is `unavailable`, and says so.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final, NamedTuple

from sqlalchemy import Connection, bindparam, func, or_, select, tuple_
from sqlalchemy.exc import DBAPIError

from server.protocol.errors import ErrorCode, Refusal, no_such_room
from server.protocol.objects import Hit, Mark
from server.protocol.times import rfc3339
from server.store.full_text import MOMENT_BITS, Document, Wanted, full_text, was_cut_off
from server.store.in_lists import padded
from server.store.search_messages import Hits, Search
from server.store.search_terms import Term, excerpt_of, says
from server.store.tables import entries, indexed, members, users
from server.store.wire import AnyRow, user_from

TAIL: Final = 10_000
"""Messages that a search reads beside the index, in some tens of milliseconds. There are so many in one's rooms only
while the index of an old database is made, or after a while in which more was said than it takes in."""

_LATEST: Final = 1 << 50  # ms since the epoch: nobody writes later

_rooms_of: Final = select(members.c.room_id).where(members.c.user_id == bindparam("reader"))
_find_author: Final = select(users.c.id).where(or_(users.c.id == bindparam("who"), users.c.name == bindparam("who")))
_said: Final = select(entries, users.c.name, users.c.display_name).join(users, users.c.id == entries.c.user_id)
_tail: Final = (
    select(entries, users.c.name, users.c.display_name)
    .select_from(members)
    .outerjoin(indexed, indexed.c.room_id == members.c.room_id)
    .join(entries, (entries.c.room_id == members.c.room_id) & (entries.c.seq > func.coalesce(indexed.c.upto, 0)))
    .join(users, users.c.id == entries.c.user_id)
    .where(
        members.c.user_id == bindparam("reader"),
        members.c.room_id.in_(bindparam("rooms", expanding=True)),
        entries.c.kind == "message",
        entries.c.text.is_not(None),
    )
    .limit(TAIL + 1)
)
_these: Final = _said.where(
    tuple_(entries.c.room_id, entries.c.seq).in_(bindparam("places", expanding=True)), entries.c.text.is_not(None)
)


class Key(NamedTuple):
    """Where a hit stands: the larger comes first. `moment` in ms since the epoch."""

    moment: int
    room: str
    seq: int


_BEHIND_ALL: Final = Key(_LATEST, "", 0)


def search(connection: Connection, question: Search) -> Hits:
    """A page of hits.

    Raises
    ------
    Refusal
        `no_such_room`, `no_such_user`, `bad_request` for a cursor that was never given out, `unavailable` where it
        would take too long.
    """
    try:
        with full_text(connection).bounded(connection):
            return _search(connection, question)
    except DBAPIError as error:
        if was_cut_off(error):
            raise Refusal(ErrorCode.UNAVAILABLE, "this takes too long: name a room, or a rarer word") from None
        raise


def _search(connection: Connection, question: Search) -> Hits:
    below = _BEHIND_ALL if question.next is None else _read_cursor(question.next)
    rooms = connection.execute(_rooms_of, {"reader": question.reader}).scalars().all()
    if question.room is not None:
        if question.room not in rooms:
            raise no_such_room()
        rooms = [question.room]
    author = None if question.author is None else _author(connection, question.author)
    if not rooms:
        return Hits((), None)
    tail = _in_tails(connection, question, rooms, author)
    keys = {Key(row.at, row.room_id, row.seq): row for row in tail}
    known = _in_index(connection, question, rooms, author, below)
    first = sorted((key for key in keys.keys() | known if key < below), reverse=True)[: question.limit + 1]
    page = first[: question.limit]
    rows = _rows(connection, [key for key in page if key not in keys])
    found = {key: keys.get(key) or rows[key.room, key.seq] for key in page}
    hits = tuple(_hit(row, question.terms) for row in found.values())
    return Hits(hits, _cursor(page[-1]) if len(first) > len(page) else None)


def _author(connection: Connection, who: str) -> str:
    found: str | None = connection.execute(_find_author, {"who": who}).scalar()
    if found is None:
        raise Refusal(ErrorCode.NO_SUCH_USER, "there is no such user")
    return found


def _in_tails(connection: Connection, question: Search, rooms: Sequence[str], author: str | None) -> list[AnyRow]:
    rows = connection.execute(_tail, {"reader": question.reader, "rooms": padded(rooms)}).all()
    if len(rows) > TAIL:
        raise Refusal(ErrorCode.UNAVAILABLE, "what was said lately is still being indexed", retry_after=5_000)
    first, behind = question.after or 0, question.before or _LATEST
    return [
        row
        for row in rows
        if first <= row.at < behind and author in (None, row.user_id) and says(row.text, question.terms)
    ]


def _in_index(
    connection: Connection, question: Search, rooms: Sequence[str], author: str | None, below: Key
) -> set[Key]:
    """The next ones, and a few of those before: all of the moment in which the page begins, and of that in which it
    ends, because within a moment they are in another order."""
    first, behind = question.after or 0, min(question.before or _LATEST, below.moment + 1)
    keeping = full_text(connection)

    def newest(first: int, behind: int, most: int) -> list[Document]:
        wanted = Wanted(question.reader, rooms, author, question.terms, first, behind, most)
        return keeping.newest(connection, wanted) if first < behind else []

    begin = max(first, below.moment)
    found = newest(begin << MOMENT_BITS, behind << MOMENT_BITS, 1 << MOMENT_BITS) if question.next else []
    most = question.limit + 1
    rest = newest(first << MOMENT_BITS, min(behind, below.moment) << MOMENT_BITS, most)
    if len(rest) == most:
        last = rest[-1].doc
        rest += newest(last >> MOMENT_BITS << MOMENT_BITS, last, 1 << MOMENT_BITS)
    return {Key(document.doc >> MOMENT_BITS, document.room, document.seq) for document in (*found, *rest)}


def _rows(connection: Connection, keys: Iterable[Key]) -> dict[tuple[str, int], AnyRow]:
    places = padded((key.room, key.seq) for key in keys)
    rows = connection.execute(_these, {"places": places}).all() if places else ()
    return {(row.room_id, row.seq): row for row in rows}


def _hit(row: AnyRow, terms: Sequence[Term]) -> Hit:
    excerpt = excerpt_of(row.text, terms)
    return Hit(
        room=row.room_id,
        seq=row.seq,
        from_=user_from(row.user_id, row.name, row.display_name),
        at=rfc3339(row.at),
        edited_at=None if row.edited_at is None else rfc3339(row.edited_at),
        snippet=excerpt.text,
        start=excerpt.start,
        marks=tuple(Mark(start=start, end=end) for start, end in excerpt.marks),
    )


def _cursor(key: Key) -> str:
    return f"{key.moment}.{key.room}.{key.seq}"


def _read_cursor(cursor: str) -> Key:
    moment, _, rest = cursor.partition(".")
    room, _, seq = rest.partition(".")
    if not (_is_number(moment) and room.isascii() and room and _is_number(seq)):
        raise Refusal(ErrorCode.BAD_REQUEST, "`next` is not what was given with the page before")
    return Key(int(moment), room, int(seq))


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) <= 16
