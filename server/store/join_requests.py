"""Requests to come in: how they are kept, and read by those who answer them.

The rule: a room has at most `JOIN_REQUESTS` and a person at most `JOIN_REQUESTS_OF_USER` of them, by the statement that
keeps one; what is over is gone.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from sqlalchemy import BigInteger, Connection, Text, and_, bindparam, delete, func, insert, literal, select, tuple_

from server.protocol.limits import JOIN_REQUESTS, JOIN_REQUESTS_OF_USER
from server.protocol.objects import JoinRequest
from server.protocol.times import rfc3339
from server.store.bulk import RowsMissing
from server.store.finding_messages import JoinRequestsPage, ReadJoinRequests
from server.store.in_lists import portions
from server.store.tables import join_requests, users
from server.store.waiting import Pair, Waiting
from server.store.wire import user_from

_of_room: Final = select(literal(1)).where(join_requests.c.room_id == bindparam("room")).limit(JOIN_REQUESTS).subquery()
_of_user: Final = (
    select(literal(1)).where(join_requests.c.user_id == bindparam("user")).limit(JOIN_REQUESTS_OF_USER).subquery()
)
_keep: Final = (
    insert(join_requests)
    .from_select(
        ["room_id", "user_id", "at"],
        select(bindparam("room", type_=Text), users.c.id, bindparam("at", type_=BigInteger)).where(
            users.c.id == bindparam("user"),
            users.c.name.is_not(None),
            select(func.count()).select_from(_of_room).scalar_subquery() < JOIN_REQUESTS,
            select(func.count()).select_from(_of_user).scalar_subquery() < JOIN_REQUESTS_OF_USER,
        ),
    )
    .execution_options(preserve_rowcount=True)
)
_end: Final = delete(join_requests).where(
    and_(join_requests.c.room_id == bindparam("room"), join_requests.c.user_id == bindparam("user"))
)
_list: Final = (
    select(users.c.id, users.c.name, users.c.display_name, users.c.last_seen, join_requests.c.at)
    .join(users, users.c.id == join_requests.c.user_id)
    .where(join_requests.c.room_id == bindparam("room"), users.c.name.is_not(None))
    .order_by(join_requests.c.at, join_requests.c.user_id)
)


def change_requests(connection: Connection, waiting: Waiting, at: int) -> None:
    """Write what a plan says of them, at `at` (ms since the epoch).

    Raises
    ------
    RowsMissing
        One that had to be there is not; or somebody asks who has asked already, or there are as many as may be.
    """
    for pair in waiting.answered:
        if connection.execute(_end, _named(pair)).rowcount != 1:
            raise RowsMissing("nobody has asked")
    if waiting.over:
        connection.execute(_end, [_named(pair) for pair in waiting.over])
    for pair in waiting.asked:
        if connection.execute(_keep, _named(pair) | {"at": at}).rowcount != 1:
            raise RowsMissing("there are as many requests as may be")


def who_waits(connection: Connection, pairs: Iterable[Pair]) -> dict[Pair, bool]:
    """Which of these have asked."""
    found = dict.fromkeys(pairs, False)
    columns = join_requests.c.room_id, join_requests.c.user_id
    for some in portions(list(found)):
        rows = connection.execute(select(*columns).where(tuple_(*columns).in_(some)))
        found.update(((room, user), True) for room, user in rows)
    return found


def read_join_requests(connection: Connection, question: ReadJoinRequests) -> JoinRequestsPage:
    rows = connection.execute(_list, {"room": question.room})
    return JoinRequestsPage(
        question.room,
        tuple(
            JoinRequest(user=user_from(row.id, row.name, row.display_name, row.last_seen), at=rfc3339(row.at))
            for row in rows
        ),
    )


def _named(pair: Pair) -> dict[str, str | int]:
    room, user = pair
    return {"room": room, "user": user}
