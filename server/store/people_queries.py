"""What the reader asks of users, tokens and settings. Every function reads within the caller's snapshot."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from sqlalchemy import Connection, bindparam, or_, select

from server.protocol.objects import User
from server.store.blocking import check_may_invite
from server.store.choices import CHOSEN, choice_from
from server.store.in_lists import padded
from server.store.lately import Lately
from server.store.tables import tokens, users
from server.store.user_messages import (
    Credentials,
    EndedLately,
    FindCredentials,
    FindUser,
    Identity,
    ListUsers,
    NoIdentity,
    ReadRevocations,
    UserRow,
)
from server.store.wire import owner_from, user_from

_find_identities: Final = (
    select(
        tokens.c.hash,
        tokens.c.id.label("session"),
        tokens.c.device,
        tokens.c.last_used,
        tokens.c.ended_at,
        users.c.id,
        users.c.name,
        users.c.display_name,
        users.c.administrator,
        *CHOSEN,
    )
    .join(users, users.c.id == tokens.c.user_id)
    .where(tokens.c.hash.in_(bindparam("hashes", expanding=True)))
)
_find_user: Final = select(users).where(
    users.c.name.is_not(None), or_(users.c.id == bindparam("who"), users.c.name == bindparam("who"))
)
_find_credentials: Final = select(users).where(users.c.name == bindparam("who"))
_list_users: Final = (
    select(users).where(users.c.name > bindparam("after")).order_by(users.c.name).limit(bindparam("most"))
)
_ended_lately: Final = Lately(tokens, tokens.c.ended_at, (tokens.c.id,))


def find_identities(
    connection: Connection, hashes: Iterable[bytes], used_since: int
) -> dict[bytes, Identity | NoIdentity]:
    """Whose tokens these are, in one query; a hash that nobody ever had is missing.

    Parameters
    ----------
    used_since
        Milliseconds since the epoch: a token that was last used before has expired.
    """
    found: dict[bytes, Identity | NoIdentity] = {}
    # Taken apart in one go: to look each column up by its name takes twice as long, and a crowd asks for thousands.
    rows = connection.execute(_find_identities, {"hashes": padded(hashes)}).all()
    for token_hash, session, device, last_used, ended_at, user, name, display_name, administrator, *chosen in rows:
        if ended_at is not None or last_used < used_since or name is None:
            found[token_hash] = NoIdentity(revoked=True)
        else:
            owner = owner_from(user, name, display_name)
            found[token_hash] = Identity(owner, session, device, administrator, last_used, choice_from(*chosen))
    return found


def find_user(connection: Connection, question: FindUser) -> User | None:
    row = connection.execute(_find_user, {"who": question.who}).one_or_none()
    if row is None:
        return None
    if question.invited_by is not None:
        check_may_invite(connection, question.invited_by, row.id)
    return user_from(row.id, row.name, row.display_name)


def find_credentials(connection: Connection, question: FindCredentials) -> Credentials | None:
    row = connection.execute(_find_credentials, {"who": question.name}).one_or_none()
    return None if row is None else Credentials(user_from(row.id, row.name, row.display_name), row.password_hash)


def list_users(connection: Connection, question: ListUsers) -> tuple[UserRow, ...]:
    rows = connection.execute(_list_users, {"after": question.after, "most": question.limit})
    return tuple(UserRow(row.id, row.name, row.administrator, row.created_at, row.last_seen) for row in rows)


def read_revocations(connection: Connection, question: ReadRevocations) -> EndedLately:
    rows, left = _ended_lately.found(connection, question.spans)
    return EndedLately(tuple(session for (session,) in rows), left)
