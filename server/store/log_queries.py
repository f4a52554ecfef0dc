"""What the reader asks of the log. All of it is a range of one room's primary key, bounded by a limit."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from sqlalchemy import Connection, bindparam, select

from server.store.history_messages import Authors, HistoryPage, LogPage, ReadAuthors, ReadHistory, ReadLog
from server.store.in_lists import padded
from server.store.mentioning import read_people
from server.store.tables import entries, reactions, rooms, users
from server.store.tally import COUNTED_AMONG, ReadTally, Tally, tally_of
from server.store.wire import AnyRow, entry_from, message_from

AUTHORS_AMONG: Final = 1_000

_range: Final = (
    select(entries, users.c.name, users.c.display_name)
    .join(users, users.c.id == entries.c.user_id)
    .where(
        entries.c.room_id == bindparam("room"),
        entries.c.seq > bindparam("after"),
        entries.c.seq <= bindparam("upto"),
    )
    .limit(bindparam("most"))
)
_log: Final = _range.order_by(entries.c.seq)
_oldest_messages: Final = _log.where(entries.c.kind == "message")
_newest_messages: Final = _range.where(entries.c.kind == "message").order_by(entries.c.seq.desc())
_in_thread: Final = entries.c.thread == bindparam("thread")
_oldest_in_thread: Final = _log.where(_in_thread)
_newest_in_thread: Final = _range.where(_in_thread).order_by(entries.c.seq.desc())
_newest_authors: Final = (
    select(entries.c.user_id)
    .where(
        entries.c.room_id == bindparam("room"),
        entries.c.seq > bindparam("after"),
        entries.c.seq <= bindparam("upto"),
        entries.c.kind == "message",
    )
    .order_by(entries.c.seq.desc())
    .limit(AUTHORS_AMONG)
)

_newest_undeleted: Final = (
    select(entries.c.seq, entries.c.user_id, entries.c.mentions)
    .where(entries.c.room_id == bindparam("room"), entries.c.kind == "message", entries.c.text.is_not(None))
    .order_by(entries.c.seq.desc())
    .limit(COUNTED_AMONG)
)
_head: Final = select(rooms.c.last_seq).where(rooms.c.id == bindparam("room"))
_own_reactions: Final = select(reactions.c.target, reactions.c.emoji).where(
    reactions.c.room_id == bindparam("room"),
    reactions.c.target.in_(bindparam("targets", expanding=True)),
    reactions.c.user_id == bindparam("reader"),
)


def read_log(connection: Connection, question: ReadLog) -> LogPage:
    rows = connection.execute(
        _log,
        {
            "room": question.room,
            "after": question.after,
            "upto": question.upto,
            "most": question.limit + 1,
        },
    ).all()
    return LogPage(
        question.room,
        question.after,
        tuple(entry_from(row) for row in rows[: question.limit]),
        more=len(rows) > question.limit,
    )


def read_history(connection: Connection, question: ReadHistory) -> HistoryPage:
    upto = question.upto
    if question.after is None and question.before is not None:
        upto = min(upto, question.before - 1)
    asked = {"room": question.room, "after": question.after or 0, "upto": upto, "most": question.limit + 1}
    if question.thread is None:
        messages = _newest_messages if question.after is None else _oldest_messages
    else:
        messages = _newest_in_thread if question.after is None else _oldest_in_thread
        asked["thread"] = question.thread
    rows = connection.execute(messages, asked).all()
    rows, more = rows[: question.limit], len(rows) > question.limit
    own = reactions_of(connection, question.room, question.reader, rows)
    page = [message_from(row, own) for row in rows]
    if question.after is None:
        page.reverse()
    return HistoryPage(question.room, tuple(page), more, head_of(connection, question.room))


def head_of(connection: Connection, room: str) -> int:
    """How far the log reaches in this snapshot."""
    return connection.execute(_head, {"room": room}).scalar() or 0


def reactions_of(connection: Connection, room: str, reader: str, rows: Iterable[AnyRow]) -> set[tuple[int, str]]:
    """What the reader has reacted with, among these."""
    targets = [row.seq for row in rows if row.reactions is not None]
    if not targets:
        return set()
    asked = {"room": room, "reader": reader, "targets": padded(targets)}
    return {(target, emoji) for target, emoji in connection.execute(_own_reactions, asked)}


def read_authors(connection: Connection, question: ReadAuthors) -> Authors:
    authors = connection.execute(
        _newest_authors, {"room": question.room, "after": question.after, "upto": question.upto}
    ).scalars()
    return Authors(question.room, question.after, question.upto, frozenset(authors))


def read_tally(connection: Connection, question: ReadTally) -> Tally:
    room = {"room": question.room}
    head = connection.execute(_head, room).scalar() or 0
    newest = ((seq, author, read_people(people)) for seq, author, people in connection.execute(_newest_undeleted, room))
    return tally_of(question.room, head, newest)
