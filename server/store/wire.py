"""Rows of the database as the objects of the wire contract. Pure; times become RFC 3339 here and nowhere else."""

from __future__ import annotations

from collections.abc import Callable, Collection
from sys import intern
from typing import Any, Final, TypeVar

from sqlalchemy import Row

from server.protocol.entries import Deleted, Edited, Entry, Joined, Left, MessageEntry, Pinned, Reacted, RoomChanged
from server.protocol.objects import Member, Message, Reaction, User
from server.protocol.times import rfc3339
from server.store.amending import read_tally
from server.store.mentioning import read_people
from server.store.room_changes import entry_from_news, read_news

AnyRow = Row[*tuple[Any, ...]]
_MINUTE_MS: Final = 60_000
_M = TypeVar("_M", bound=Message)


def user_from(user: str, name: str | None, display_name: str | None, last_seen: int | None = None) -> User:
    """A person. Without a name: one who was deleted.

    `last_seen` belongs into lists of people only: entries of the log read the same today and tomorrow. Others are told
    the minute: to the millisecond it would say which of somebody's sessions ended with which of somebody else's.
    """
    if name is None:
        return User(user=user, name=None, deleted=True)
    return User(
        user=user,
        name=name,
        display_name=display_name,
        last_seen=None if last_seen is None else rfc3339(last_seen - last_seen % _MINUTE_MS),
    )


def owner_from(user: str, name: str | None, display_name: str | None) -> User:
    """Whose token it is. The id is interned: the rooms of an owner who is here hold it, too."""
    return user_from(intern(user), name, display_name)


def member_from(row: AnyRow) -> Member:
    return Member(
        user=user_from(row.user_id, row.user_name, row.display_name, row.last_seen),
        role=row.role,
        joined_at=rfc3339(row.joined_at),
        read_seq=row.read,
        muted_until=None if row.muted_until is None else rfc3339(row.muted_until),
    )


def message_from(row: AnyRow, own: Collection[tuple[int, str]]) -> Message:
    """In its present state. `own`: what the reader has reacted with, and to which `seq`."""
    if row.text is None:
        return _tombstone(Message, row)
    return _message(Message, row, tuple(
        Reaction(emoji=emoji, count=people, me=(row.seq, emoji) in own) for emoji, people in read_tally(row.reactions)
    ))  # fmt: skip


def entry_from(row: AnyRow) -> Entry:
    """An entry exactly as it was told when it was new, but for texts that were edited or deleted since, and people who
    were renamed or deleted."""
    return _ENTRIES[row.kind](row)


def _message_entry(row: AnyRow) -> MessageEntry:
    """Reactions are entries of their own."""
    return _tombstone(MessageEntry, row) if row.text is None else _message(MessageEntry, row, ())


def _message(kind: type[_M], row: AnyRow, reactions: tuple[Reaction, ...]) -> _M:
    return kind(
        seq=row.seq,
        room=row.room_id,
        from_=user_from(row.user_id, row.name, row.display_name),
        text=row.text,
        at=rfc3339(row.at),
        nonce=row.nonce,
        reply_to=row.reply_to,
        thread=row.thread,
        edited_at=None if row.edited_at is None else rfc3339(row.edited_at),
        reactions=reactions,
        mentions=read_people(row.mentions),
    )


def _tombstone(kind: type[_M], row: AnyRow) -> _M:
    author = user_from(row.user_id, row.name, row.display_name)
    return kind(
        seq=row.seq, room=row.room_id, from_=author, at=rfc3339(row.at), thread=row.thread, deleted=True, by=row.by
    )


def _edited(row: AnyRow) -> Edited:
    return Edited(
        room=row.room_id, seq=row.seq, target=row.target, text=row.text, by=row.user_id, at=rfc3339(row.at),
        mentions=read_people(row.mentions),
    )  # fmt: skip


def _deleted(row: AnyRow) -> Deleted:
    return Deleted(
        room=row.room_id, seq=row.seq, target=row.target, by=row.user_id, at=rfc3339(row.at), reason=row.reason
    )


def _reacted(row: AnyRow) -> Reacted:
    on = row.kind == "reacted"
    return Reacted(
        room=row.room_id, seq=row.seq, target=row.target, emoji=row.text, by=row.user_id, on=on, at=rfc3339(row.at)
    )  # fmt: skip


def _pinned(row: AnyRow) -> Pinned:
    on = row.kind == "pinned"
    return Pinned(room=row.room_id, seq=row.seq, target=row.target, by=row.user_id, on=on, at=rfc3339(row.at))


def _joined(row: AnyRow) -> Joined:
    user = user_from(row.user_id, row.name, row.display_name)
    return Joined(room=row.room_id, seq=row.seq, user=user, at=rfc3339(row.at), by=row.by)


def _left(row: AnyRow) -> Left:
    return Left(room=row.room_id, seq=row.seq, user=row.user_id, at=rfc3339(row.at), by=row.by, reason=row.reason)


def _room(row: AnyRow) -> RoomChanged:
    return entry_from_news(row.room_id, row.seq, row.at, row.user_id, read_news(row.news))


_ENTRIES: Final[dict[str, Callable[[AnyRow], Entry]]] = {
    "message": _message_entry,
    "edited": _edited,
    "deleted": _deleted,
    "reacted": _reacted,
    "unreacted": _reacted,
    "pinned": _pinned,
    "unpinned": _pinned,
    "joined": _joined,
    "left": _left,
    "room": _room,
}
