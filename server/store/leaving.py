"""Accounts that are deleted: at once in one transaction, and then room by room.

The rules:
- With the commit the person has no name, no password and no token; what they said stays, and says so. From then on a
  row of `departures` stands for what is left to do, until it is done, whoever does it and however often they begin.
- Rooms are left by way of the rooms (`server/accounts/departing.py`), so that all who are there hear of it. A `dm`
  keeps its two people, or it could not be read; of a membership that stays the name is forgotten, by which it was
  listed.
- A name is nobody's for `NAME_RETIRED_DAYS`: whoever looks for that person would find another one.

All of it is by hand and rare: nothing here is quick.
"""

from __future__ import annotations

from typing import Final

from sqlalchemy import Connection, and_, bindparam, case, delete, func, insert, select, update

from server.protocol.errors import ErrorCode, Refusal
from server.store.account_messages import (
    DeleteUser,
    Departure,
    EndDeparture,
    FindHeir,
    ForgetMember,
    ReadDepartures,
)
from server.store.accounts import end_tokens
from server.store.acts import of_account
from server.store.arrivals import NO_PASSWORD
from server.store.auditing import write_acts
from server.store.tables import departures, members, retired_names, rooms, tokens, users
from server.store.user_messages import Revocations

NAME_RETIRED_DAYS: Final = 90
"""As long as a token lives unused: whoever had that person in a list has looked at it since, or is gone."""

_DAY_MS: Final = 86_400_000

_forgotten_name: Final = func.lower(members.c.user_id)
"""Lists are in the order of names, and a page of them goes on behind a name: so it is one, and nobody else's."""

_departures: Final = (
    select(departures.c.user_id, rooms.c.id, rooms.c.kind)
    .outerjoin(members, and_(members.c.user_id == departures.c.user_id, members.c.name != _forgotten_name))
    .outerjoin(rooms, rooms.c.id == members.c.room_id)
    .order_by(departures.c.at, departures.c.user_id, rooms.c.id)
    .limit(bindparam("most"))
)
_heir: Final = (
    select(members.c.user_id)
    .join(users, users.c.id == members.c.user_id)
    .where(members.c.room_id == bindparam("room"), members.c.user_id != bindparam("but"), users.c.name.is_not(None))
    .order_by(
        case({"owner": 0, "moderator": 1, "member": 2}, value=members.c.role, else_=3),
        members.c.joined_at,
        members.c.user_id,
    )
    .limit(1)
)


def delete_user(connection: Connection, wanted: DeleteUser, at: int) -> Revocations:
    """Raises `Refusal`: `bad_credentials`, `no_such_user`."""
    is_them = users.c.id == wanted.user
    found = connection.execute(select(users.c.name, users.c.password_hash).where(is_them)).one_or_none()
    if found is None or found.name is None:
        raise Refusal(ErrorCode.NO_SUCH_USER, "no such user")
    if wanted.known_hash is not None and wanted.known_hash != found.password_hash:
        raise Refusal(ErrorCode.BAD_CREDENTIALS, "the password was changed meanwhile")
    connection.execute(
        update(users)
        .where(is_them)
        .values(
            name=None,
            display_name=None,
            password_hash=NO_PASSWORD,
            administrator=False,
            last_seen=None,
            disabled_at=None,
            hides_receipts=None,
            status=None,
            status_text=None,
            status_emoji=None,
            chosen_at=None,
        )
    )
    _retire(connection, found.name, at)
    connection.execute(insert(departures).values(user_id=wanted.user, at=at))
    if wanted.known_hash is None:
        write_acts(connection, of_account(wanted.user, at), at)
    ended = end_tokens(connection, wanted.user, at)
    connection.execute(update(tokens).where(tokens.c.user_id == wanted.user).values(device=None))
    return ended


def _retire(connection: Connection, name: str, at: int) -> None:
    """Nobody can have the name for a while; those whose while is over are let go."""
    connection.execute(delete(retired_names).where((retired_names.c.until <= at) | (retired_names.c.name == name)))
    connection.execute(insert(retired_names).values(name=name, until=at + NAME_RETIRED_DAYS * _DAY_MS))


def forget_member(connection: Connection, wanted: ForgetMember) -> bool:
    """Only of a user that was deleted."""
    connection.execute(
        update(members)
        .where(
            members.c.room_id == wanted.room,
            members.c.user_id == wanted.user,
            members.c.user_id.in_(select(departures.c.user_id)),
        )
        .values(name=_forgotten_name)
    )
    return True


def end_departure(connection: Connection, wanted: EndDeparture) -> bool:
    """If there is nothing left to do, there is no row any more."""
    left = select(members.c.room_id).where(members.c.user_id == wanted.user, members.c.name != _forgotten_name)
    if connection.execute(left.limit(1)).scalar() is not None:
        return False
    connection.execute(delete(departures).where(departures.c.user_id == wanted.user))
    return True


def read_departures(connection: Connection, question: ReadDepartures) -> tuple[Departure, ...]:
    return tuple(Departure(*row) for row in connection.execute(_departures, {"most": question.limit}))


def find_heir(connection: Connection, question: FindHeir) -> str | None:
    return connection.execute(_heir, {"room": question.room, "but": question.but}).scalar()
