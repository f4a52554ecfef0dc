"""What people do with their own accounts: changes, each inside a transaction of its own, and what they ask.

Nobody is trusted to name somebody else's: every statement names the user along with what it changes.
"""

from __future__ import annotations

from typing import Final

from sqlalchemy import Connection, and_, bindparam, select, update

from server.protocol.errors import ErrorCode, Refusal
from server.protocol.objects import User
from server.store.account_messages import ChangePassword, DeviceRow, EndSessions, ListDevices, SetDisplayName
from server.store.tables import tokens, users
from server.store.user_messages import Revocations
from server.store.wire import user_from

_list_devices: Final = (
    select(tokens.c.id, tokens.c.device, tokens.c.created_at, tokens.c.last_used)
    .where(
        tokens.c.user_id == bindparam("user"),
        tokens.c.ended_at.is_(None),
        tokens.c.last_used >= bindparam("used_since"),
    )
    .order_by(tokens.c.last_used.desc(), tokens.c.id.desc())
    .limit(bindparam("most"))
)


def end_sessions(connection: Connection, wanted: EndSessions, at: int) -> Revocations:
    """Raises `Refusal`: `not_found`."""
    of_user = tokens.c.user_id == wanted.user
    if wanted.only is None:
        return end_tokens(connection, wanted.user, at, but=wanted.but)
    known = connection.execute(select(tokens.c.ended_at).where(tokens.c.id == wanted.only, of_user)).one_or_none()
    if known is None:
        raise Refusal(ErrorCode.NOT_FOUND, "you have no such device")
    if known.ended_at is not None:
        return Revocations((), at)
    connection.execute(update(tokens).where(tokens.c.id == wanted.only, of_user).values(ended_at=at))
    return Revocations((wanted.only,), at)


def end_tokens(connection: Connection, user: str, at: int, but: str | None = None) -> Revocations:
    """All of a user that are good, but that of one session."""
    ending = and_(tokens.c.user_id == user, tokens.c.ended_at.is_(None), tokens.c.id != (but or ""))
    sessions = tuple(connection.execute(select(tokens.c.id).where(ending)).scalars())
    connection.execute(update(tokens).where(ending).values(ended_at=at))
    return Revocations(sessions, at)


def change_password(connection: Connection, wanted: ChangePassword, at: int) -> Revocations:
    """Raises `Refusal`: `bad_credentials`."""
    changed = connection.execute(
        update(users)
        .where(users.c.id == wanted.user, users.c.password_hash == wanted.known_hash)
        .values(password_hash=wanted.password_hash)
        .execution_options(preserve_rowcount=True)
    )
    if changed.rowcount != 1:
        raise Refusal(ErrorCode.BAD_CREDENTIALS, "the password was changed meanwhile")
    return Revocations((), at) if wanted.keeps_others else end_tokens(connection, wanted.user, at, but=wanted.but)


def set_display_name(connection: Connection, wanted: SetDisplayName) -> User:
    """Raises `Refusal`: `no_such_user`."""
    is_wanted = users.c.id == wanted.user, users.c.name.is_not(None)
    connection.execute(update(users).where(*is_wanted).values(display_name=wanted.display_name))
    name = connection.execute(select(users.c.name).where(*is_wanted)).scalar()
    if name is None:
        raise Refusal(ErrorCode.NO_SUCH_USER, "no such user")
    return user_from(wanted.user, name, wanted.display_name)


def list_devices(connection: Connection, question: ListDevices, used_since: int) -> tuple[DeviceRow, ...]:
    """`used_since`: ms since the epoch; a token that was last used before has expired."""
    asked = {"user": question.user, "used_since": used_since, "most": question.limit}
    return tuple(DeviceRow(*row) for row in connection.execute(_list_devices, asked))
