"""What operators look at and change, beside what people do for themselves: `hubbub admin`, through `DirectStore`.

Nobody but an operator's command asks these, one at a time, so they are functions of a connection and no questions to
the tasks of a server. Lists come in pages, by name or id, so that none of them is a long transaction.

The rule: whoever is disabled has no token, and gets none. So nothing has to be looked up where a token is shown.
"""

from __future__ import annotations

from typing import Any, Final

from msgspec import Struct
from sqlalchemy import ColumnElement, Connection, Row, Select, func, or_, select, tuple_, update

from server.protocol.errors import ErrorCode, Refusal, no_such_room
from server.protocol.times import rfc3339
from server.store.accounts import end_tokens
from server.store.tables import audit, members, rooms, tokens, users
from server.store.user_messages import Revocations

AnyRow = Row[*tuple[Any, ...]]

PAGE: Final = 1_000
OPERATOR: Final = "operator"
"""Who it was that used `hubbub admin`: nobody's id."""


class UserShown(Struct, frozen=True, kw_only=True):
    """A person, as operators see them. Times are RFC 3339."""

    user: str
    name: str
    display_name: str | None
    role: str
    since: str
    last_seen: str | None
    disabled_since: str | None
    rooms: int
    devices: int


class RoomShown(Struct, frozen=True, kw_only=True):
    """A room, without anything that was said in it."""

    room: str
    kind: str
    name: str | None
    topic: str | None
    members: int
    last_seq: int
    since: str


class MemberShown(Struct, frozen=True, kw_only=True):
    """Somebody in a room; without a name, a deleted one."""

    user: str
    name: str | None
    role: str
    since: str


class TokenShown(Struct, frozen=True, kw_only=True):
    """A token that has not been revoked, by its public id. Nobody can be signed in with that."""

    token: str
    name: str
    device: str | None
    since: str
    last_used: str


class ActShown(Struct, frozen=True, kw_only=True):
    """Who did something that not everybody may: `by` is a user's id, or `OPERATOR`. `about`: the room; of
    `delete_user`, the user."""

    at: str
    act: str
    by: str
    by_name: str | None
    about: str
    user: str | None
    reason: str | None
    target: int | None


ActPlace = tuple[int, str, int]
"""Where one stands among all: when (ms since the epoch), in which room, as which of it."""

_rooms_of: Final = (
    select(func.count()).select_from(members).where(members.c.user_id == users.c.id).correlate(users).scalar_subquery()
)
_tokens_of: Final = (
    select(func.count())
    .select_from(tokens)
    .where(tokens.c.user_id == users.c.id, tokens.c.ended_at.is_(None))
    .correlate(users)
    .scalar_subquery()
)
_users: Final = select(
    users.c.id,
    users.c.name,
    users.c.display_name,
    users.c.administrator,
    users.c.created_at,
    users.c.last_seen,
    users.c.disabled_at,
    _rooms_of.label("rooms"),
    _tokens_of.label("devices"),
)
_rooms: Final = select(
    rooms.c.id, rooms.c.kind, rooms.c.name, rooms.c.topic, rooms.c.members, rooms.c.last_seq, rooms.c.created_at
).where(rooms.c.deleted_at.is_(None))
_tokens: Final = (
    select(tokens.c.id, users.c.name, tokens.c.device, tokens.c.created_at, tokens.c.last_used)
    .join(users, users.c.id == tokens.c.user_id)
    .where(tokens.c.ended_at.is_(None))
)


def users_page(connection: Connection, after: str, text: str | None = None) -> list[UserShown]:
    """The next ones by name, of those whose name or display name has `text` in it."""
    wanted: Select[Any] = _users.where(users.c.name > after)
    if text is not None:
        wanted = wanted.where(or_(_has(users.c.name, text), _has(users.c.display_name, text)))
    return [_user(row) for row in connection.execute(wanted.order_by(users.c.name).limit(PAGE))]


def user_shown(connection: Connection, who: str) -> UserShown:
    """By name or id. Raises `Refusal`: `no_such_user`."""
    wanted = _users.where(users.c.name.is_not(None), or_(users.c.id == who, users.c.name == who))
    row = connection.execute(wanted).one_or_none()
    if row is None:
        raise Refusal(ErrorCode.NO_SUCH_USER, f"there is no user {who}")
    return _user(row)


def rooms_page(connection: Connection, after: str, kind: str | None = None, text: str | None = None) -> list[RoomShown]:
    """The next ones by id, which is the order in which they were made; of one kind, with `text` in the name."""
    wanted = _rooms.where(rooms.c.id > after)
    if kind is not None:
        wanted = wanted.where(rooms.c.kind == kind)
    if text is not None:
        wanted = wanted.where(_has(rooms.c.name, text))
    return [_room(row) for row in connection.execute(wanted.order_by(rooms.c.id).limit(PAGE))]


def room_shown(connection: Connection, room: str) -> RoomShown:
    """By id, or a channel by its name. Raises `Refusal`: `no_such_room`."""
    named = (rooms.c.kind == "channel") & (rooms.c.name == room)
    row = connection.execute(_rooms.where(or_(rooms.c.id == room, named))).one_or_none()
    if row is None:
        raise no_such_room()
    return _room(row)


def members_page(connection: Connection, room: str, after: str) -> list[tuple[str, MemberShown]]:
    """The next ones; each with what the page behind it begins after."""
    wanted = (
        select(members.c.name, members.c.user_id, users.c.name.label("shown"), members.c.role, members.c.joined_at)
        .join(users, users.c.id == members.c.user_id)
        .where(members.c.room_id == room, members.c.name > after)
        .order_by(members.c.name)
        .limit(PAGE)
    )
    return [
        (name, MemberShown(user=user, name=shown, role=role, since=rfc3339(joined_at)))
        for name, user, shown, role, joined_at in connection.execute(wanted)
    ]


def tokens_page(connection: Connection, after: str, user: str | None = None) -> list[TokenShown]:
    """The next ones by id; of one user, or of all."""
    wanted = _tokens.where(tokens.c.id > after)
    if user is not None:
        wanted = wanted.where(tokens.c.user_id == user)
    return [
        TokenShown(token=token, name=name, device=device, since=rfc3339(since), last_used=rfc3339(last_used))
        for token, name, device, since, last_used in connection.execute(wanted.order_by(tokens.c.id).limit(PAGE))
    ]


def acts_page(
    connection: Connection, since: int, before: ActPlace | None, about: str | None = None
) -> list[tuple[ActPlace, ActShown]]:
    """The next ones, the newest first; each with what the page behind it begins after. Of one room, or one deleted
    account, or all. `since`: ms since the epoch."""
    place = tuple_(audit.c.at, audit.c.room_id, audit.c.number)
    wanted = (
        select(audit, users.c.name)
        .outerjoin(users, users.c.id == audit.c.by)
        .where(audit.c.at >= since)
        .order_by(audit.c.at.desc(), audit.c.room_id.desc(), audit.c.number.desc())
        .limit(PAGE)
    )
    if before is not None:
        wanted = wanted.where(place < tuple_(*before))
    if about is not None:
        wanted = wanted.where(audit.c.room_id == about)
    return [((row.at, row.room_id, row.number), _act(row)) for row in connection.execute(wanted)]


def set_disabled(connection: Connection, user: str, at: int, *, disabled: bool) -> Revocations:
    """Keep somebody out, whose tokens end, or let them in again."""
    is_changed = users.c.disabled_at.is_(None) if disabled else users.c.disabled_at.is_not(None)
    connection.execute(update(users).where(users.c.id == user, is_changed).values(disabled_at=at if disabled else None))
    return end_tokens(connection, user, at) if disabled else Revocations((), at)


def revoke(connection: Connection, token: str, at: int) -> None:
    """By its public id. Raises `Refusal`: `not_found` if it has ended, or never was."""
    live = tokens.c.id == token, tokens.c.ended_at.is_(None)
    if connection.execute(select(tokens.c.id).where(*live)).scalar() is None:
        raise Refusal(ErrorCode.NOT_FOUND, f"there is no token {token}, or it has ended")
    connection.execute(update(tokens).where(*live).values(ended_at=at))


def _has(column: ColumnElement[Any], text: str) -> ColumnElement[bool]:
    return func.lower(column).contains(text.lower(), autoescape=True)


def _user(row: AnyRow) -> UserShown:
    return UserShown(
        user=row.id,
        name=row.name,
        display_name=row.display_name,
        role="administrator" if row.administrator else "user",
        since=rfc3339(row.created_at),
        last_seen=None if row.last_seen is None else rfc3339(row.last_seen),
        disabled_since=None if row.disabled_at is None else rfc3339(row.disabled_at),
        rooms=row.rooms,
        devices=row.devices,
    )


def _room(row: AnyRow) -> RoomShown:
    return RoomShown(
        room=row.id,
        kind=row.kind,
        name=row.name,
        topic=row.topic,
        members=row.members,
        last_seq=row.last_seq,
        since=rfc3339(row.created_at),
    )


def _act(row: AnyRow) -> ActShown:
    return ActShown(
        at=rfc3339(row.at),
        act=row.act,
        by=OPERATOR if row.by is None else row.by,
        by_name=row.name,
        about=row.room_id,
        user=row.user_id,
        reason=row.reason,
        target=row.target,
    )
