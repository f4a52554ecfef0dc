"""What the server says: replies, log entries, and the passing events that are in no log.

Entries of a room's log (`Entry`) carry `seq`; everything else has no order against them.
"""

from __future__ import annotations

from msgspec import Struct, field

from server.protocol.commands import CommandId
from server.protocol.errors import ErrorCode, Refusal
from server.protocol.objects import Member, Message, Room, Status, User


class Event(Struct, frozen=True, kw_only=True, omit_defaults=True, tag_field="op"):
    pass


# --- replies -------------------------------------------------------------------------------------------------


class Ok(Event, frozen=True, kw_only=True, tag="ok"):
    """The answer to a command that was done; which fields it carries depends on the command."""

    id: CommandId | None = None
    room: str | None = None
    seq: int | None = None
    at: str | None = None
    duplicate: bool | None = None
    info: Room | None = None
    messages: list[Message] | None = None
    entries: list[Entry] | None = None
    from_: int | None = field(default=None, name="from")
    to: int | None = None
    more: bool | None = None
    members: list[Member] | None = None
    next: str | None = None
    rooms: list[Room] | None = None


class Error(Event, frozen=True, kw_only=True, tag="error"):
    id: CommandId | None = None
    code: ErrorCode
    message: str
    retry_after: int | None = None


class Pong(Event, frozen=True, kw_only=True, tag="pong"):
    id: CommandId | None = None


def error_from(refusal: Refusal, command_id: CommandId | None = None) -> Error:
    return Error(id=command_id, code=refusal.code, message=refusal.message, retry_after=refusal.retry_after)


# --- opening -------------------------------------------------------------------------------------------------


class Limits(Struct, frozen=True, kw_only=True):
    """What a client has to keep to: bytes of a frame, code points of a text, commands without an answer."""

    frame: int
    text: int
    unanswered: int


class Welcome(Event, frozen=True, kw_only=True, tag="welcome"):
    id: CommandId | None = None
    me: User
    session: str
    node: str
    heartbeat: int
    features: tuple[str, ...]
    limits: Limits
    rooms: list[Room]


class Resumed(Event, frozen=True, kw_only=True, tag="resumed"):
    """Ends the recovery of one room. `recovered: false` says that entries are missing, and why."""

    room: str
    recovered: bool
    last_seq: int
    from_: int | None = field(default=None, name="from")
    to: int | None = None
    reason: str | None = None


# --- entries of a room's log ---------------------------------------------------------------------------------


class MessageEntry(Message, frozen=True, kw_only=True, omit_defaults=True, tag_field="op", tag="message"):
    """A Message, as an event."""


class Joined(Event, frozen=True, kw_only=True, tag="joined"):
    room: str
    seq: int
    user: User
    at: str
    by: str | None = None


class Left(Event, frozen=True, kw_only=True, tag="left"):
    """`seq` is absent where a resumed room was lost: then it is no entry, only the news."""

    room: str
    user: str
    at: str | None = None
    seq: int | None = None
    by: str | None = None
    reason: str | None = None


class RoomChanged(Event, frozen=True, kw_only=True, tag="room"):
    room: str
    seq: int
    info: Room
    at: str


Entry = MessageEntry | Joined | Left | RoomChanged


# --- passing events ------------------------------------------------------------------------------------------


class Receipt(Event, frozen=True, kw_only=True, tag="receipt"):
    room: str
    user: str
    received: int | None = None
    read: int | None = None


class TypingEvent(Event, frozen=True, kw_only=True, tag="typing"):
    room: str
    user: str


class Presence(Event, frozen=True, kw_only=True, tag="presence"):
    user: str
    status: Status
    last_seen: str | None = None


class RoomStats(Event, frozen=True, kw_only=True, tag="room_stats"):
    room: str
    members: int


class Heartbeat(Event, frozen=True, kw_only=True, tag="heartbeat"):
    every: int


class Reconnect(Event, frozen=True, kw_only=True, tag="reconnect"):
    after: int
    window: int


AnyEvent = (
    Ok
    | Error
    | Pong
    | Welcome
    | Resumed
    | MessageEntry
    | Joined
    | Left
    | RoomChanged
    | Receipt
    | TypingEvent
    | Presence
    | RoomStats
    | Heartbeat
    | Reconnect
)
