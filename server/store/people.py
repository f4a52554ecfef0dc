"""Changes of users, tokens and settings. Each function is one question's answer, inside a transaction of its own."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

from sqlalchemy import Connection, bindparam, delete, insert, or_, select, update

from server.protocol.errors import ErrorCode, Refusal
from server.protocol.objects import User
from server.store.accounts import end_tokens
from server.store.choices import CHOSEN, choice_from
from server.store.ids import new_id
from server.store.in_lists import padded
from server.store.tables import retired_names, settings, tokens, users
from server.store.user_messages import (
    AddToken,
    AddUser,
    Identity,
    Revocations,
    RevokeToken,
    SetAdministrator,
    SetPassword,
    SetRegistration,
    TouchTokens,
)
from server.store.wire import owner_from, user_from

_REGISTRATION: Final = "registration"
_TOLD_APART_MS: Final = 60_000
_TOUCHED_AT_ONCE: Final = 512  # in one statement, whose text grows with them

_of_sessions: Final = tokens.c.id.in_(bindparam("sessions", expanding=True))
_touch_tokens: Final = (
    update(tokens).where(_of_sessions, tokens.c.last_used < bindparam("now")).values(last_used=bindparam("now"))
)
_seen: Final = users.alias("seen")
_is_visible: Final = or_(_seen.c.status.is_(None), _seen.c.status != "invisible")
_seen_before: Final = (
    select(_seen.c.id)
    .join(tokens, tokens.c.user_id == _seen.c.id)
    .where(_of_sessions, or_(_seen.c.last_seen.is_(None), _seen.c.last_seen < bindparam("now")), _is_visible)
    .with_for_update(key_share=True, skip_locked=True, of=_seen)
)
_touch_users: Final = update(users).where(users.c.id.in_(_seen_before)).values(last_seen=bindparam("now"))


def add_user(connection: Connection, wanted: AddUser, at: int) -> User:
    """A new user, who is no administrator. Raises `Refusal`: `registration_closed`, `name_taken`."""
    closed = select(settings.c.value).where(settings.c.name == _REGISTRATION, settings.c.value == "closed")
    if connection.execute(closed).scalar() is not None:
        raise Refusal(ErrorCode.REGISTRATION_CLOSED, "registration is closed")
    if connection.execute(select(users.c.id).where(users.c.name == wanted.name)).scalar() is not None:
        raise Refusal(ErrorCode.NAME_TAKEN, "this name is taken")
    retired = select(retired_names.c.name).where(retired_names.c.name == wanted.name, retired_names.c.until > at)
    if connection.execute(retired).scalar() is not None:
        raise Refusal(ErrorCode.NAME_TAKEN, "this name is taken")
    user = new_id("u", at)
    connection.execute(
        insert(users).values(
            id=user,
            name=wanted.name,
            display_name=wanted.display_name,
            password_hash=wanted.password_hash,
            administrator=False,
            created_at=at,
        )
    )
    return User(user=user, name=wanted.name, display_name=wanted.display_name)


def add_token(connection: Connection, wanted: AddToken, at: int) -> Identity:
    """A new session of a user. Raises `Refusal`: `no_such_user`, `forbidden` if they are disabled.

    Nobody disables or deletes them between the look and the new token, which would outlive that.
    """
    there = select(users).where(users.c.id == wanted.user, users.c.name.is_not(None))
    owner = connection.execute(there.with_for_update(read=True)).one_or_none()
    if owner is None:
        raise _no_such_user()
    if owner.disabled_at is not None:
        raise Refusal(ErrorCode.FORBIDDEN, "this account was disabled by an operator")
    session = new_id("s", at)
    connection.execute(
        insert(tokens).values(
            id=session,
            hash=wanted.token_hash,
            user_id=wanted.user,
            device=wanted.device,
            created_at=at,
            last_used=at,
        )
    )
    user = owner_from(owner.id, owner.name, owner.display_name)
    choice = choice_from(*(getattr(owner, column.name) for column in CHOSEN))
    return Identity(user, session, wanted.device, owner.administrator, at, choice)


def revoke_token(connection: Connection, wanted: RevokeToken, at: int) -> Revocations:
    """The session whose token ended now; none if it had ended before, or never was."""
    session = connection.execute(
        select(tokens.c.id).where(tokens.c.hash == wanted.token_hash, tokens.c.ended_at.is_(None))
    ).scalar()
    if session is None:
        return Revocations((), at)
    connection.execute(update(tokens).where(tokens.c.id == session).values(ended_at=at))
    return Revocations((session,), at)


def set_password(connection: Connection, wanted: SetPassword, at: int) -> Revocations:
    """The new hash; every session of the user is over. Raises `Refusal`: `no_such_user`."""
    user = _user_of_name(connection, wanted.name)
    connection.execute(update(users).where(users.c.id == user.user).values(password_hash=wanted.password_hash))
    return end_tokens(connection, user.user, at)


def set_administrator(connection: Connection, wanted: SetAdministrator, at: int) -> User:
    """Raises `Refusal`: `no_such_user`."""
    user = _user_of_name(connection, wanted.name)
    connection.execute(update(users).where(users.c.id == user.user).values(administrator=wanted.administrator))
    return user


def set_registration(connection: Connection, wanted: SetRegistration, at: int) -> bool:
    """Whether strangers may sign up from now on."""
    connection.execute(delete(settings).where(settings.c.name == _REGISTRATION))
    connection.execute(
        insert(settings).values(name=_REGISTRATION, value="open" if wanted.open else "closed"),
    )
    return wanted.open


def touch_tokens(connection: Connection, touched: Sequence[TouchTokens]) -> None:
    """Times of last use only rise.

    A user has sessions on other nodes, which are touched at the same time: whoever is being written to is left out,
    because a time this coarse is not worth waiting for, and two that waited for each other would fail a whole batch.
    """
    for at, sessions in _in_one_go(touched):
        for first in range(0, len(sessions), _TOUCHED_AT_ONCE):
            some = {"sessions": padded(sessions[first : first + _TOUCHED_AT_ONCE]), "now": at}
            connection.execute(_touch_tokens, some)
            connection.execute(_touch_users, some)


def _in_one_go(touched: Sequence[TouchTokens]) -> Iterable[tuple[int, list[str]]]:
    """Of one minute all together, at the last time of these: a crowd that is cut off would be two statements for each
    of them, and nobody is told of seconds."""
    minutes: dict[int, tuple[int, dict[str, None]]] = {}
    for touch in touched:
        at, sessions = minutes.get(touch.at // _TOLD_APART_MS, (touch.at, {}))
        sessions.update(dict.fromkeys(touch.sessions))
        minutes[touch.at // _TOLD_APART_MS] = max(at, touch.at), sessions
    return ((at, list(sessions)) for at, sessions in minutes.values())


def _user_of_name(connection: Connection, name: str) -> User:
    row = connection.execute(select(users).where(users.c.name == name)).one_or_none()
    if row is None:
        raise _no_such_user()
    return user_from(row.id, row.name, row.display_name)


def _no_such_user() -> Refusal:
    return Refusal(ErrorCode.NO_SUCH_USER, "no such user")
