"""Which messages are to disappear by now: what is asked, and how it is answered."""

from __future__ import annotations

from typing import Final

from msgspec import Struct
from sqlalchemy import Connection, bindparam, select, tuple_

from server.store.questions import Question
from server.store.tables import entries, expiring

From = tuple[int, str, int]
"""When, room, seq."""


class ReadDue(Question, frozen=True, kw_only=True):
    """Messages whose time was up at `now` (ms since the epoch), behind `after`, `limit` at most, in the order of their
    times. Answered with a tuple of `Due`."""

    now: int
    limit: int
    after: From = (0, "", 0)


class Due(Struct, frozen=True):
    room: str
    seq: int
    author: str
    at: int


_key: Final = (expiring.c.at, expiring.c.room_id, expiring.c.seq)
_due: Final = (
    select(expiring.c.room_id, expiring.c.seq, entries.c.user_id, expiring.c.at)
    .join(entries, (entries.c.room_id == expiring.c.room_id) & (entries.c.seq == expiring.c.seq))
    .where(
        expiring.c.at <= bindparam("now"),
        expiring.c.at >= bindparam("at"),
        tuple_(*_key) > tuple_(bindparam("at"), bindparam("room"), bindparam("seq")),
    )
    .order_by(*_key)
    .limit(bindparam("most"))
)


def read_due(connection: Connection, question: ReadDue) -> tuple[Due, ...]:
    at, room, seq = question.after
    asked = {"now": question.now, "at": at, "room": room, "seq": seq, "most": question.limit}
    return tuple(Due(*row) for row in connection.execute(_due, asked))
