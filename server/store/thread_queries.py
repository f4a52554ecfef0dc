"""What the reader asks of threads. The messages that begin them are found by an index that has nobody else."""

from __future__ import annotations

from typing import Final

from sqlalchemy import Connection, and_, bindparam, func, literal, select

from server.protocol.limits import LARGEST_INTEGER
from server.protocol.objects import Thread
from server.store.log_queries import reactions_of
from server.store.tables import entries, members, thread_marks, users
from server.store.tally import UNREAD_COUNTED
from server.store.thread_messages import ReadThreads, ThreadsPage
from server.store.wire import AnyRow, message_from

_within: Final = entries.alias("within")
_read: Final = func.coalesce(thread_marks.c.read, members.c.seen, members.c.read, 0)
"""Who has never said so has read of a thread what they have read of its room."""
_unread: Final = (
    select(literal(1))
    .where(
        _within.c.room_id == entries.c.room_id,
        _within.c.thread == entries.c.seq,
        _within.c.seq > _read,
        _within.c.text.is_not(None),
        _within.c.user_id != bindparam("reader"),
    )
    .limit(UNREAD_COUNTED)
    .correlate(entries, thread_marks, members)
    .subquery()
)
_threads: Final = (
    select(
        entries,
        users.c.name,
        users.c.display_name,
        _read.label("read_seq"),
        select(func.count())
        .select_from(_unread)
        .correlate(entries, thread_marks, members)
        .scalar_subquery()
        .label("unread"),
    )
    .join(users, users.c.id == entries.c.user_id)
    .outerjoin(members, and_(members.c.room_id == entries.c.room_id, members.c.user_id == bindparam("reader")))
    .outerjoin(
        thread_marks,
        and_(
            thread_marks.c.room_id == entries.c.room_id,
            thread_marks.c.target == entries.c.seq,
            thread_marks.c.user_id == bindparam("reader"),
        ),
    )
    .where(
        entries.c.room_id == bindparam("room"),
        entries.c.last_reply < bindparam("before"),
        entries.c.replies > 0,
    )
    .order_by(entries.c.last_reply.desc())
    .limit(bindparam("most"))
)


def read_threads(connection: Connection, question: ReadThreads) -> ThreadsPage:
    before = LARGEST_INTEGER if question.before is None else question.before
    asked = {"room": question.room, "reader": question.reader, "before": before, "most": question.limit + 1}
    rows = connection.execute(_threads, asked).all()
    page = rows[: question.limit]
    own = reactions_of(connection, question.room, question.reader, page)
    return ThreadsPage(question.room, tuple(_thread(row, own) for row in page), more=len(rows) > len(page))


def _thread(row: AnyRow, own: set[tuple[int, str]]) -> Thread:
    return Thread(
        root=message_from(row, own), replies=row.replies, last_seq=row.last_reply, read_seq=row.read_seq,
        unread=row.unread,
    )  # fmt: skip
