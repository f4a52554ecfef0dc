"""What the writer does about the index of what was said.

The rules: `indexed.upto` of a room says how far its log is in the index, and that far all of it is, as it is now. What
comes behind is the tail: new messages are taken in a little later, by a transaction of their own (`indexing.py`), so no
post waits for it; a search looks at tails itself (`searching.py`). What was taken in, and is edited or deleted, is
changed in the transaction that says so: so a search finds nothing that is not so any more, and nothing is left of it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final, NamedTuple

from sqlalchemy import BigInteger, Connection, Text, bindparam, delete, exists, func, select, update

from server.store.amending import Place, Target
from server.store.bulk import Bulk, Row, together
from server.store.full_text import MOMENT_BITS, Document, FullText, full_text
from server.store.in_lists import padded
from server.store.search_messages import FindTails, Indexed, Tails
from server.store.tables import documents, entries, indexed, rooms
from server.store.words import words_of

ENTRIES_AT_ONCE: Final = 500
"""In one transaction, whatever they are, so that posts wait ten milliseconds for it. Fewer would cost more: what a
transaction costs by itself is shared by all of them."""

ROOMS_AT_ONCE: Final = 200

ROOMS_LOOKED_AT: Final = 1_000

_upto: Final = func.coalesce(indexed.c.upto, 0)
_tails: Final = (
    select(rooms.c.id, rooms.c.last_seq, indexed.c.upto)
    .outerjoin(indexed, indexed.c.room_id == rooms.c.id)
    .where(rooms.c.id.in_(bindparam("rooms", expanding=True)), rooms.c.last_seq > _upto)
    .order_by(rooms.c.id)
    .with_for_update(of=rooms)
)
_messages: Final = select(entries.c.at, entries.c.room_id, entries.c.seq, entries.c.user_id, entries.c.text).where(
    entries.c.kind == "message", entries.c.text.is_not(None)
)
_all_of: Final = (
    _messages.select_from(rooms)
    .outerjoin(indexed, indexed.c.room_id == rooms.c.id)
    .join(entries, (entries.c.room_id == rooms.c.id) & (entries.c.seq > _upto))
    .where(rooms.c.id.in_(bindparam("rooms", expanding=True)))
)
_some_of: Final = _messages.where(
    entries.c.room_id == bindparam("room"), entries.c.seq > bindparam("after"), entries.c.seq <= bindparam("to")
)
_begin: Final = Bulk({"room_id": Text(), "upto": BigInteger()}, lambda given: given.inserted_into(indexed))
_move: Final = Bulk(
    {"room_id": Text(), "upto": BigInteger()},
    lambda given: update(indexed).where(indexed.c.room_id == given["room_id"]).values(upto=given["upto"]),
)
_document: Final = (
    select(documents.c.doc, entries.c.user_id)
    .join(indexed, indexed.c.room_id == entries.c.room_id)
    .join(
        documents,
        (documents.c.room_id == entries.c.room_id)
        & (documents.c.seq == entries.c.seq)
        & (documents.c.doc >= entries.c.at * (1 << MOMENT_BITS)),
    )
    .where(
        entries.c.room_id == bindparam("room"), entries.c.seq == bindparam("seq"), indexed.c.upto >= bindparam("seq")
    )
    .order_by(documents.c.doc)
    .limit(1)
)
_documents_of: Final = (
    select(
        select(documents.c.doc)
        .where(
            documents.c.room_id == entries.c.room_id,
            documents.c.seq == entries.c.seq,
            documents.c.doc >= entries.c.at * (1 << MOMENT_BITS),
        )
        .order_by(documents.c.doc)
        .limit(1)
        .correlate(entries)
        .scalar_subquery()
    )
    .join(indexed, indexed.c.room_id == entries.c.room_id)
    .where(
        entries.c.room_id == bindparam("room"),
        entries.c.seq <= bindparam("last"),
        entries.c.seq <= indexed.c.upto,
        entries.c.kind == "message",
        entries.c.text.is_not(None),
    )
)
_next_rooms: Final = (
    select(rooms.c.id).where(rooms.c.id > bindparam("after")).order_by(rooms.c.id).limit(ROOMS_LOOKED_AT)
)
_with_tails: Final = (
    select(rooms.c.id)
    .outerjoin(indexed, indexed.c.room_id == rooms.c.id)
    .where(
        rooms.c.id > bindparam("after"),
        rooms.c.id <= bindparam("to"),
        rooms.c.last_seq > _upto,
        exists().where(
            entries.c.room_id == rooms.c.id,
            entries.c.seq > _upto,
            entries.c.kind == "message",
            entries.c.text.is_not(None),
        ),
    )
)


def find_tails(connection: Connection, question: FindTails) -> Tails:
    """Rooms in which nothing was said are in the index as they are."""
    some = connection.execute(_next_rooms, {"after": question.after}).scalars().all()
    if not some:
        return Tails((), None)
    found = connection.execute(_with_tails, {"after": question.after, "to": some[-1]}).scalars()
    return Tails(tuple(found), some[-1] if len(some) == ROOMS_LOOKED_AT else None)


class _Part(NamedTuple):
    """The beginning of a room's tail, or all of it, as far as `to`. `upto`: how far the room is in the index; None: not
    at all."""

    room: str
    upto: int | None
    to: int
    is_all: bool


def index_tails(connection: Connection, wanted: Sequence[str]) -> Indexed:
    """Take the beginnings of these rooms' tails in. Their logs do not move meanwhile."""
    now = wanted[:ROOMS_AT_ONCE]
    tails = {room: (last, upto) for room, last, upto in connection.execute(_tails, {"rooms": padded(now)})}
    parts = _parts((room, *tails[room]) for room in now if room in tails)
    messages = _messages_of(connection, parts)
    _reach(connection, parts)
    if messages:
        _take_in(connection, messages)
    left = tails | {part.room: (tails[part.room][0], part.to) for part in parts}
    behind = {room: last - (upto or 0) for room, (last, upto) in left.items() if last != upto}
    return Indexed((*behind, *wanted[ROOMS_AT_ONCE:]), sum(behind.values()), len(messages))


def _parts(tails: Iterable[tuple[str, int, int | None]]) -> list[_Part]:
    """As much of these tails, one after the other, as one transaction may: each with its room, where it ends, and how
    far the room is in the index."""
    parts, budget = [], ENTRIES_AT_ONCE
    for room, last, upto in tails:
        to = min(last, (upto or 0) + budget)
        parts.append(_Part(room, upto, to, is_all=to == last))
        budget -= to - (upto or 0)
        if not budget:
            break
    return parts


def _messages_of(connection: Connection, parts: Iterable[_Part]) -> list[Row]:
    """In the order of their time, in which they lie side by side. Whole tails are read by one query: with one for each,
    these would be half of what the index costs where many rooms are busy."""
    found: list[Any] = []
    whole = [part.room for part in parts if part.is_all]
    if whole:
        found += connection.execute(_all_of, {"rooms": padded(whole)})
    for part in parts:
        if not part.is_all:
            found += connection.execute(_some_of, {"room": part.room, "after": part.upto or 0, "to": part.to})
    return sorted(map(tuple, found))


def _reach(connection: Connection, parts: Iterable[_Part]) -> None:
    with together(connection) as statements:
        statements.execute(_begin, [(part.room, part.to) for part in parts if part.upto is None])
        statements.execute(_move, [(part.room, part.to) for part in parts if part.upto is not None])


def _take_in(connection: Connection, messages: Sequence[Row]) -> None:
    keeping = full_text(connection)
    numbers = _Numbers(connection, keeping, {message[0] for message in messages})
    keeping.add(
        connection,
        [(Document(numbers.of(at), room, seq), author, words_of(text)) for at, room, seq, author, text in messages],
    )


class _Numbers:
    """Numbers that no document has."""

    __slots__ = ("_connection", "_keeping", "_last")

    def __init__(self, connection: Connection, keeping: FullText, moments: Iterable[int]) -> None:
        self._connection = connection
        self._keeping = keeping
        self._last = dict.fromkeys(moments, 0) | keeping.numbered(connection, moments)

    def of(self, moment: int) -> int:
        """The next one of a moment (ms); where that has as many as it may, of the next that has not."""
        while True:
            if moment not in self._last:
                self._last[moment] = self._keeping.numbered(self._connection, (moment,)).get(moment, 0)
            number = max(self._last[moment] + 1, moment << MOMENT_BITS)
            if number >> MOMENT_BITS == moment:
                self._last[moment] = number
                return number
            moment += 1


def reindex(connection: Connection, before: Mapping[Place, Target], after: Mapping[Place, Target]) -> None:
    """Messages have become something else. What is still in a tail is taken in as it is by then."""
    for (room, seq), target in after.items():
        if target.text == before[room, seq].text:
            continue
        found = connection.execute(_document, {"room": room, "seq": seq}).first()
        if found is None:
            continue
        keeping = full_text(connection)
        if target.text is None:
            keeping.remove(connection, [found.doc])
        else:
            keeping.replace(connection, Document(found.doc, room, seq), found.user_id, words_of(target.text))


def forget_messages(connection: Connection, room: str, last: int) -> None:
    """All up to this `seq` go with their room."""
    found = connection.execute(_documents_of, {"room": room, "last": last}).scalars()
    full_text(connection).remove(connection, [doc for doc in found if doc is not None])


def forget_room(connection: Connection, room: str) -> None:
    """All its messages are gone."""
    connection.execute(delete(indexed).where(indexed.c.room_id == room))
