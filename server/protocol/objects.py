"""The things the wire talks about: users, rooms, members, messages.

An optional field is left out of the encoding while it has its default; a field without a default is always
there, empty or null. Ids are opaque strings. Nothing here validates: these values are made by the server.
"""

from __future__ import annotations

from typing import Literal

from msgspec import Struct, field

RoomKind = Literal["channel", "group", "dm"]
Role = Literal["owner", "moderator", "member", "guest"]
Status = Literal["online", "away", "busy", "offline"]


class User(Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """A person. A deleted one keeps the id and loses the name."""

    user: str
    name: str | None
    display_name: str | None = None
    status: Status | None = None
    last_seen: str | None = None
    deleted: bool = False


class Room(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A room as one of its members sees it: `role`, `read_seq`, `unread` and `mentions` are the reader's own."""

    room: str
    log: str
    kind: RoomKind
    name: str | None = None
    topic: str | None = None
    members: int
    last_seq: int
    read_seq: int
    role: Role
    unread: int
    mentions: int
    peer: User | None = None


class Member(Struct, frozen=True, kw_only=True, omit_defaults=True):
    user: User
    role: Role
    joined_at: str
    read_seq: int | None = None


class Reaction(Struct, frozen=True, kw_only=True, gc=False):
    emoji: str
    count: int
    me: bool


class Message(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A message in its present state. `nonce` goes to everyone, so that everyone gets the same bytes."""

    seq: int
    room: str
    from_: User = field(name="from")
    text: str
    at: str
    nonce: str | None = None
    reply_to: int | None = None
    reactions: tuple[Reaction, ...]
