"""Invites: how they are kept, spent, found and listed.

The rules:
- A use is spent in the transaction in which somebody becomes a member, by a statement that finds the invite only while
  it is good; so exactly as many come as it says, whoever is how fast. All of a room's come through the one writer that
  may append to it.
- What has ended is kept for a while, so that somebody who came by its last use, and has not heard so, hears it when
  they ask again. Then the next invite of the room takes its place.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from sqlalchemy import (
    BigInteger,
    Connection,
    and_,
    bindparam,
    delete,
    exists,
    func,
    insert,
    literal,
    or_,
    select,
    update,
)

from server.protocol.limits import INVITES
from server.protocol.objects import InviteLink
from server.protocol.times import rfc3339
from server.store.bulk import RowsMissing
from server.store.finding_messages import FindInvite, InvitesPage, Leading, ReadInvites
from server.store.in_lists import padded
from server.store.invite_changes import InviteMade, InviteRevoked
from server.store.invite_codes import code_of, invite_of, is_signed
from server.store.links import Link, Links
from server.store.quotas import UNLIMITED
from server.store.tables import bans, invites, join_requests, members, rooms, settings
from server.store.wire import AnyRow

KEY: Final = "invite_key"
"""The setting that signatures are made with, in hexadecimal. The migration that made the table has made it."""

ENDED_KEPT_MS: Final = 600_000

_now: Final = bindparam("now", type_=BigInteger)
_in_room: Final = invites.c.room_id == bindparam("room")
_is_good: Final = and_(
    or_(invites.c.uses.is_(None), invites.c.used < invites.c.uses),
    or_(invites.c.expires_at.is_(None), invites.c.expires_at > _now),
)
_key: Final = select(settings.c.value).where(settings.c.name == KEY)
_find: Final = (
    select(
        rooms.c.id,
        rooms.c.kind,
        rooms.c.name,
        rooms.c.icon,
        rooms.c.members,
        _is_good.label("is_good"),
        or_(
            exists().where(members.c.room_id == rooms.c.id, members.c.user_id == bindparam("user")),
            exists().where(join_requests.c.room_id == rooms.c.id, join_requests.c.user_id == bindparam("user")),
        ).label("has_come"),
        exists().where(bans.c.room_id == rooms.c.id, bans.c.user_id == bindparam("user")).label("is_banned"),
    )
    .join(rooms, rooms.c.id == invites.c.room_id)
    .where(invites.c.id == bindparam("invite"))
)
_list: Final = select(invites).where(_in_room, _is_good).order_by(invites.c.at, invites.c.id).limit(INVITES)
_list_one: Final = select(invites).where(invites.c.id == bindparam("invite"), _in_room)
_left: Final = select(invites.c.id, invites.c.room_id, invites.c.uses, invites.c.used).where(
    invites.c.id.in_(bindparam("invites", expanding=True)),
    or_(invites.c.expires_at.is_(None), invites.c.expires_at > _now),
)
_made: Final = select(invites.c.room_id, invites.c.id).where(invites.c.id.in_(bindparam("invites", expanding=True)))
_spend: Final = (
    update(invites)
    .where(
        invites.c.id == bindparam("invite"),
        _in_room,
        or_(invites.c.uses.is_(None), invites.c.used + bindparam("people") <= invites.c.uses),
        or_(invites.c.expires_at.is_(None), invites.c.expires_at > _now),
    )
    .values(used=invites.c.used + bindparam("people"))
)
_is_there: Final = select(literal(1)).where(invites.c.id == bindparam("invite"))
_count: Final = select(func.count()).select_from(select(literal(1)).where(_in_room, _is_good).limit(INVITES).subquery())
_forget_ended: Final = delete(invites).where(
    _in_room,
    or_(invites.c.expires_at <= _now, and_(invites.c.used >= invites.c.uses, invites.c.at <= _now)),
)
_revoke: Final = update(invites).where(invites.c.id == bindparam("invite"), _in_room, _is_good).values(expires_at=_now)


# --- in the transaction that appends -------------------------------------------------------------------------


def change_invites(connection: Connection, links: Links, at: int) -> None:
    """Make and revoke invites of rooms, and spend uses, at `at` (ms since the epoch).

    Raises
    ------
    RowsMissing
        One of them was made before, or is no good, or has not so many uses left; or a room has as many as it may.
    """
    for room, change in links.changes:
        match change:
            case InviteMade():
                _make(connection, room, change, at)
            case InviteRevoked(invite=invite):
                if connection.execute(_revoke, {"room": room, "invite": invite, "now": at}).rowcount != 1:
                    raise RowsMissing("there is no such invite")
    for (room, invite), people in links.spent.items():
        spending = {"room": room, "invite": invite, "people": people, "now": at}
        if connection.execute(_spend, spending).rowcount != 1:
            raise RowsMissing("there is no such invite")


def uses_left(connection: Connection, wanted: Iterable[Link], at: int) -> dict[Link, int]:
    """How many may come yet, by room and invite; 0 where that is no good."""
    left = dict.fromkeys(wanted, 0)
    if left:
        names = padded(sorted({invite for _, invite in left}))
        for invite, room, uses, used in connection.execute(_left, {"invites": names, "now": at}):
            if (room, invite) in left:
                left[room, invite] = UNLIMITED if uses is None else max(0, uses - used)
    return left


def made_before(connection: Connection, wanted: Iterable[Link]) -> set[Link]:
    """Which of these are there, good or not."""
    if not (links := set(wanted)):
        return set()
    names = padded(sorted({invite for _, invite in links}))
    return links & {(room, invite) for room, invite in connection.execute(_made, {"invites": names})}


def _make(connection: Connection, room: str, made: InviteMade, at: int) -> None:
    if connection.execute(_is_there, {"invite": made.invite}).first() is not None:
        raise RowsMissing("it was made before")
    connection.execute(_forget_ended, {"room": room, "now": at - ENDED_KEPT_MS})
    if connection.execute(_count, {"room": room, "now": at}).scalar_one() >= INVITES:
        raise RowsMissing("the room has as many invites as it may")
    connection.execute(
        insert(invites).values(
            id=made.invite, room_id=room, by=made.by, at=at, uses=made.uses, used=0,
            expires_at=None if made.seconds is None else at + made.seconds * 1000,
        )
    )  # fmt: skip


# --- for the reader ------------------------------------------------------------------------------------------


def find_invite(connection: Connection, question: FindInvite, now: int) -> Leading | None:
    """Where it leads to. Raises `no_such_invite` for what is no code."""
    invite = invite_of(question.code)
    if not is_signed(question.code, _key_of(connection)):
        return None
    row = connection.execute(_find, {"invite": invite, "user": question.user, "now": now}).one_or_none()
    if row is None or row.is_banned or not (row.is_good or row.has_come):
        return None
    return Leading(row.id, row.kind, row.name, row.members, is_good=bool(row.is_good), icon=row.icon)


def read_invites(connection: Connection, question: ReadInvites, now: int) -> InvitesPage:
    wanted = {"room": question.room, "now": now}
    if question.invite is None:
        rows = connection.execute(_list, wanted).all()
    else:
        rows = connection.execute(_list_one, {"room": question.room, "invite": question.invite}).all()
    key = _key_of(connection) if rows else b""
    return InvitesPage(question.room, tuple(_link(row, key) for row in rows))


def _key_of(connection: Connection) -> bytes:
    return bytes.fromhex(connection.execute(_key).scalar_one())


def _link(row: AnyRow, key: bytes) -> InviteLink:
    return InviteLink(
        invite=code_of(row.id, key), by=row.by, at=rfc3339(row.at), uses=row.uses, used=row.used,
        expires_at=None if row.expires_at is None else rfc3339(row.expires_at),
    )  # fmt: skip
