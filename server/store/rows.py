"""Rows as a plan has them, and as `appending.py` writes them: each field is a column of its table.

Nothing here says when there is one, or what stands in it; that do the files named `planning…`.
"""

from __future__ import annotations

from typing import NamedTuple

from server.protocol.objects import Role


class MessageRow(NamedTuple):
    """A row of `entries` for a message. Nearly all are: so none of their columns is one that messages do not have."""

    room_id: str
    seq: int
    kind: str
    at: int
    user_id: str
    nonce: str
    digest: bytes
    text: str
    reply_to: int | None


class FullMessageRow(NamedTuple):
    """A row of `entries` for a message that has more than nearly all have."""

    room_id: str
    seq: int
    kind: str
    at: int
    user_id: str
    nonce: str
    digest: bytes
    text: str
    reply_to: int | None
    mentions: str | None
    thread: int | None


class ExpiringRow(NamedTuple):
    """A row of `expiring`; the fields are its columns, in its order."""

    room_id: str
    seq: int
    at: int


class MentionRow(NamedTuple):
    """A row of `mentions`; the fields are its columns, in its order."""

    room_id: str
    user_id: str
    seq: int
    author: str


class EntryRow(NamedTuple):
    """A row of `entries` for what is no message; the fields are its columns."""

    room_id: str
    seq: int
    kind: str
    at: int
    user_id: str
    text: str | None = None
    by: str | None = None
    reason: str | None = None
    target: int | None = None
    news: str | None = None
    mentions: str | None = None


class BanRow(NamedTuple):
    """A row of `bans`; the fields are its columns, in its order."""

    room_id: str
    user_id: str
    by: str
    reason: str | None
    at: int


class MemberRow(NamedTuple):
    """A row of `members` but for the name. Nothing is unread for someone who comes: the marks are the head then."""

    room: str
    user: str
    role: Role
    joined_at: int
    head: int
