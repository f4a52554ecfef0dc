"""The directory of channels: what a person may find there, and how it is kept.

Only channels are in it, and none for who is banned there. Both lists are paged by a key: by name, and by term and room,
so what comes and goes between two pages shifts nothing. A channel that has several terms which begin as asked stands by
the first of them, and at no other.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from sqlalchemy import Connection, bindparam, delete, exists, insert, literal, select, tuple_

from server.protocol.errors import ErrorCode, Refusal
from server.protocol.limits import CHANNELS_LIMIT, QUERY_CHARACTERS
from server.protocol.objects import Channel
from server.protocol.rules import check_channel_name, looks_like_room
from server.store.channel_terms import BEHIND_ALL, sought, terms_of
from server.store.finding_messages import ChannelsPage, ReadChannels
from server.store.tables import WORDS, bans, channel_terms, rooms
from server.store.wire import AnyRow

_BETWEEN: Final = " "
"""Between the parts of a cursor: a room's id, and a term."""

_other: Final = channel_terms.alias("other")
_is_banned: Final = exists().where(bans.c.room_id == rooms.c.id, bans.c.user_id == bindparam("reader", type_=WORDS))
_shown: Final = rooms.c.id, rooms.c.name, rooms.c.topic, rooms.c.icon, rooms.c.members

_by_name: Final = (
    select(*_shown)
    .where(rooms.c.kind == "channel", rooms.c.name > bindparam("after", type_=WORDS), ~_is_banned)
    .order_by(rooms.c.name)
    .limit(bindparam("most"))
)
_by_term: Final = (
    select(*_shown, channel_terms.c.term)
    .join(rooms, rooms.c.id == channel_terms.c.room_id)
    .where(
        channel_terms.c.term >= bindparam("sought", type_=WORDS),
        channel_terms.c.term < bindparam("behind", type_=WORDS),
        tuple_(channel_terms.c.term, channel_terms.c.room_id)
        > tuple_(bindparam("after_term", type_=WORDS), bindparam("after_room", type_=WORDS)),
        rooms.c.kind == "channel",
        ~_is_banned,
        ~exists(literal(1)).where(
            _other.c.room_id == channel_terms.c.room_id,
            _other.c.term >= bindparam("sought", type_=WORDS),
            _other.c.term < channel_terms.c.term,
        ),
    )
    .order_by(channel_terms.c.term, channel_terms.c.room_id)
    .limit(bindparam("most"))
)
_named: Final = select(rooms.c.name, rooms.c.topic).where(rooms.c.id == bindparam("room"), rooms.c.kind == "channel")
_forget: Final = delete(channel_terms).where(channel_terms.c.room_id == bindparam("room"))


def read_channels(connection: Connection, question: ReadChannels) -> ChannelsPage:
    """Raises a `Refusal` for a question that cannot be meant."""
    if question.limit > CHANNELS_LIMIT:
        raise _bad(f"`limit` is {CHANNELS_LIMIT} at the most")
    most = {"reader": question.reader, "most": question.limit + 1}
    rows: Sequence[AnyRow]
    if question.query is None:
        rows = connection.execute(_by_name, most | {"after": _name(question.next)}).all()
    else:
        rows = connection.execute(_by_term, most | _range(question.query, question.next)).all()
    page = rows[: question.limit]
    return ChannelsPage(
        tuple(Channel(room=row.id, name=row.name, topic=row.topic, icon=row.icon, members=row.members) for row in page),
        _cursor(page[-1], by_name=question.query is None) if len(rows) > len(page) else None,
    )


def _name(cursor: str | None) -> str:
    """Behind which the page begins."""
    try:
        return "" if cursor is None else check_channel_name(cursor)
    except Refusal:
        raise _not_given() from None


def _range(query: str, cursor: str | None) -> dict[str, str]:
    """Of the terms that begin as asked, those behind the cursor."""
    wanted = sought(query) if len(query) <= QUERY_CHARACTERS else ""
    if not wanted:
        raise _bad(f"`query` must have 1 to {QUERY_CHARACTERS} characters, and a letter or a digit among them")
    room, term = "", wanted
    if cursor is not None:
        room, _, term = cursor.partition(_BETWEEN)
        if not (looks_like_room(room) and term == sought(term) and term.startswith(wanted)):
            raise _not_given()
    return {"sought": wanted, "behind": wanted + BEHIND_ALL, "after_term": term, "after_room": room}


def _not_given() -> Refusal:
    return _bad("`next` is not what was given with the page before")


def _bad(message: str) -> Refusal:
    return Refusal(ErrorCode.BAD_REQUEST, message)


def list_channel(connection: Connection, room: str) -> None:
    """Keep a channel by the name and the topic that it has now, in the transaction that gave them; and of other rooms
    nothing."""
    connection.execute(_forget, {"room": room})
    named = connection.execute(_named, {"room": room}).one_or_none()
    if named is not None:
        terms = sorted(terms_of(named.name, named.topic))
        connection.execute(insert(channel_terms), [{"room_id": room, "term": term} for term in terms])


def _cursor(last: AnyRow, *, by_name: bool) -> str:
    return str(last.name) if by_name else f"{last.id}{_BETWEEN}{last.term}"
