"""Who may know how somebody looks: whoever shares a room with them, where neither has blocked the other.

In a large room its members are told as much who ask who is there.
"""

from __future__ import annotations

from typing import Final

from sqlalchemy import Connection, and_, bindparam, exists, or_, select

from server.store.account_messages import ReadAcquainted
from server.store.in_lists import padded
from server.store.tables import blocks, members, users

_mine: Final = members.alias("mine")
_theirs: Final = members.alias("theirs")
_acquainted: Final = select(users.c.id).where(
    users.c.id.in_(bindparam("people", expanding=True)),
    exists().where(
        _mine.c.user_id == bindparam("user"), _theirs.c.room_id == _mine.c.room_id, _theirs.c.user_id == users.c.id
    ),
    ~exists().where(
        blocks.c.holds,
        or_(
            and_(blocks.c.user_id == bindparam("user"), blocks.c.blocked_id == users.c.id),
            and_(blocks.c.user_id == users.c.id, blocks.c.blocked_id == bindparam("user")),
        ),
    ),
)


def read_acquainted(connection: Connection, question: ReadAcquainted) -> frozenset[str]:
    asked = {"user": question.user, "people": padded(question.people)}
    return frozenset(connection.execute(_acquainted, asked).scalars())
