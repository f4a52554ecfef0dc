"""Rooms that an operator wants deleted: what is wished, and what is left of that.

The rule: a wish is on disk before anybody acts on it, and leaves it in the transaction in which its room is deleted, by
whomever (`erasing.py`). So it outlives every process, and is done once.
"""

from __future__ import annotations

from typing import Final

from msgspec import Struct
from sqlalchemy import Connection, bindparam, insert, select, update

from server.store.due import ReadDue
from server.store.questions import Question
from server.store.tables import endings


class ReadEndings(Question, frozen=True, kw_only=True):
    """Rooms that are to be deleted, behind the id `after`, `limit` at most, by their ids. Answered with a tuple of
    `Ending`."""

    limit: int
    after: str = ""


class Ending(Struct, frozen=True):
    """What its members are to be told is `reason`."""

    room: str
    reason: str | None


UpkeepRead = ReadDue | ReadEndings

_page: Final = (
    select(endings.c.room_id, endings.c.reason)
    .where(endings.c.room_id > bindparam("after"))
    .order_by(endings.c.room_id)
    .limit(bindparam("most"))
)
_wished: Final = select(endings.c.room_id).where(endings.c.room_id == bindparam("room"))


def read_endings(connection: Connection, question: ReadEndings) -> tuple[Ending, ...]:
    asked = {"after": question.after, "most": question.limit}
    return tuple(Ending(*row) for row in connection.execute(_page, asked))


def wish_end(connection: Connection, room: str, reason: str | None) -> None:
    """Of a room that is there. Said again, the last reason counts."""
    if is_wished(connection, room):
        connection.execute(update(endings).where(endings.c.room_id == room).values(reason=reason))
    else:
        connection.execute(insert(endings).values(room_id=room, reason=reason))


def is_wished(connection: Connection, room: str) -> bool:
    """Whether it is still to be done."""
    return connection.execute(_wished, {"room": room}).scalar() is not None
