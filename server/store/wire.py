"""Rows of the database as the objects of the wire contract. Pure; times become RFC 3339 here and nowhere else."""

from __future__ import annotations

from collections.abc import Callable
from sys import intern
from typing import Any, Final, TypeVar

from sqlalchemy import Row

from server.protocol.events import Entry, Joined, Left, MessageEntry
from server.protocol.objects import Member, Message, User
from server.protocol.times import rfc3339

AnyRow = Row[*tuple[Any, ...]]
_M = TypeVar("_M", bound=Message)


def user_from(user: str, name: str | None, display_name: str | None, last_seen: int | None = None) -> User:
    """A person. Without a name: one who was deleted.

    `last_seen` belongs into lists of people only: entries of the log read the same today and tomorrow.
    """
    if name is None:
        return User(user=user, name=None, deleted=True)
    return User(
        user=user,
        name=name,
        display_name=display_name,
        last_seen=None if last_seen is None else rfc3339(last_seen),
    )


def owner_from(user: str, name: str | None, display_name: str | None) -> User:
    """Whose token it is. The id is interned: the rooms of an owner who is here hold it, too."""
    return user_from(intern(user), name, display_name)


def member_from(row: AnyRow) -> Member:
    return Member(
        user=user_from(row.user_id, row.name, row.display_name, row.last_seen),
        role=row.role,
        joined_at=rfc3339(row.joined_at),
        read_seq=row.read,
    )


def message_from(row: AnyRow) -> Message:
    return _message(Message, row)


def entry_from(row: AnyRow) -> Entry:
    """An entry exactly as it was told when it was new, but for people who were renamed or deleted since."""
    return _ENTRIES[row.kind](row)


def _message_entry(row: AnyRow) -> MessageEntry:
    return _message(MessageEntry, row)


def _message(kind: type[_M], row: AnyRow) -> _M:
    return kind(
        seq=row.seq,
        room=row.room_id,
        from_=user_from(row.user_id, row.name, row.display_name),
        text=row.text,
        at=rfc3339(row.at),
        nonce=row.nonce,
        reply_to=row.reply_to,
        reactions=(),
    )


def _joined(row: AnyRow) -> Joined:
    user = user_from(row.user_id, row.name, row.display_name)
    return Joined(room=row.room_id, seq=row.seq, user=user, at=rfc3339(row.at), by=row.by)


def _left(row: AnyRow) -> Left:
    return Left(room=row.room_id, seq=row.seq, user=row.user_id, at=rfc3339(row.at), by=row.by, reason=row.reason)


_ENTRIES: Final[dict[str, Callable[[AnyRow], Entry]]] = {
    "message": _message_entry,
    "joined": _joined,
    "left": _left,
}
