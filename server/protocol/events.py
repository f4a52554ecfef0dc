"""What the server says: replies, log entries, and the passing events that are in no log.

Entries of a room's log (`Entry`) carry `seq`; everything else has no order against them.
"""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta, Struct, field

from server.protocol.bases import CommandId
from server.protocol.errors import ErrorCode, Refusal
from server.protocol.fields import Emoji, EntrySeq, InviteCode, LastSeq, Milliseconds, RoomId, Text, Time, UserId
from server.protocol.objects import (
    AccountSettings,
    Act,
    Channel,
    Hit,
    Invited,
    InviteLink,
    JoinRequest,
    Level,
    Member,
    Message,
    PinnedMessage,
    Role,
    Room,
    RoomInfo,
    Status,
    Thread,
    User,
)

NotRecovered = Literal["another_log", "future", "too_much"]
"""The cursor is of another log, it is ahead of the log, or more is missing than is replayed."""

Echo = Annotated[CommandId, Meta(description="As the command carried it.")]


class Event(Struct, frozen=True, kw_only=True, omit_defaults=True, tag_field="op"):
    """What the server says."""


# --- replies -------------------------------------------------------------------------------------------------


class Ok(Event, frozen=True, kw_only=True, tag="ok"):
    """The answer to a command that was done; which fields it carries depends on the command."""

    id: Echo | None = None
    room: RoomId | None = None
    seq: Annotated[EntrySeq | None, Meta(description="The entry this became.")] = None
    at: Time | None = None
    duplicate: Annotated[bool | None, Meta(description="Whether it was done before, by the same nonce.")] = None
    info: Room | None = None
    messages: Annotated[list[Message] | None, Meta(description="Ascending by `seq`.")] = None
    entries: Annotated[list[Entry] | None, Meta(description="Ascending by `seq`, without a gap.")] = None
    from_: Annotated[int | None, Meta(description="The first `seq` that was looked at.")] = field(
        default=None, name="from"
    )
    to: Annotated[
        int | None,
        Meta(
            description="The last `seq` that is told; below `from` if there is none. Of `history`: the messages are as "
            "they were after this entry."
        ),
    ] = None
    more: Annotated[bool | None, Meta(description="Whether there are further ones in the direction asked for.")] = None
    read_seq: Annotated[int | None, Meta(description="Up to here the user has read now, for themselves.")] = None
    members: list[Member] | None = None
    pins: Annotated[list[PinnedMessage] | None, Meta(description="What was pinned last comes first.")] = None
    threads: Annotated[list[Thread] | None, Meta(description="Those with the newest messages first.")] = None
    acts: Annotated[list[Act] | None, Meta(description="The newest first.")] = None
    next: Annotated[str | None, Meta(description="To ask for the next page with; absent on the last.")] = None
    rooms: list[Room] | None = None
    hits: Annotated[list[Hit] | None, Meta(description="The newest first.")] = None
    channels: list[Channel] | None = None
    invite: InviteCode | None = None
    invites: list[InviteLink] | None = None
    invited: Invited | None = None
    asked: Annotated[bool | None, Meta(description="Of `join`: somebody has to let you in.")] = None
    requests: list[JoinRequest] | None = None
    settings: AccountSettings | None = None
    last_seq: Annotated[LastSeq | None, Meta(description="Live entries of the room begin exactly after it.")] = None


class Error(Event, frozen=True, kw_only=True, tag="error"):
    """The answer to a command that was not done, and to an object that is no command.

    Programs act on `code`, people read `message`. Without `id` where the command had none that could be read.
    """

    id: Echo | None = None
    code: ErrorCode
    message: str
    retry_after: Annotated[Milliseconds | None, Meta(description="Milliseconds until a retry makes sense.")] = None


class Pong(Event, frozen=True, kw_only=True, tag="pong"):
    """The answer to `ping`."""

    id: Echo | None = None


def error_from(refusal: Refusal, command_id: CommandId | None = None) -> Error:
    return Error(id=command_id, code=refusal.code, message=refusal.message, retry_after=refusal.retry_after)


# --- opening -------------------------------------------------------------------------------------------------


class Limits(Struct, frozen=True, kw_only=True):
    """What a client of this server has to keep to."""

    frame: Annotated[int, Meta(description="Bytes of a websocket message.")]
    text: Annotated[int, Meta(description="Code points of a text.")]
    unanswered: Annotated[int, Meta(description="Commands without an answer; the server reads no further then.")]


class Welcome(Event, frozen=True, kw_only=True, tag="welcome"):
    """The answer to `hello`: who this is, what this server can do, and the rooms as they are now.

    Live entries of a room that was not named in `resume` begin exactly after its `last_seq` here.
    """

    id: Echo | None = None
    me: User
    session: Annotated[str, Meta(description="This user on this device: opaque.")]
    node: Annotated[str, Meta(description="The process that serves this connection: opaque.")]
    heartbeat: Annotated[Milliseconds, Meta(description="Milliseconds of silence until the server pings.")]
    features: Annotated[tuple[str, ...], Meta(description="The ops this server has built.")]
    limits: Limits
    rooms: list[Room]


class Resumed(Event, frozen=True, kw_only=True, tag="resumed"):
    """Ends the recovery of one room. `recovered: false` says that entries are missing, and why."""

    room: RoomId
    recovered: bool
    last_seq: LastSeq
    from_: Annotated[int | None, Meta(description="The first entry that was replayed.")] = field(
        default=None, name="from"
    )
    to: Annotated[int | None, Meta(description="The last entry that was replayed.")] = None
    reason: Annotated[NotRecovered | None, Meta(description="Why not: the client pages `history` then.")] = None


# --- entries of a room's log ---------------------------------------------------------------------------------


class MessageEntry(Message, frozen=True, kw_only=True, omit_defaults=True, tag_field="op", tag="message"):
    """A message was posted.

    Read from the log later, it has the text that it has by then, or is a tombstone: what was edited or deleted is gone.
    """


class Edited(Event, frozen=True, kw_only=True, tag="edited"):
    """The text of a message is another one now.

    Read from the log later, it has none if the message was edited again or deleted since: a later entry says so.
    """

    room: RoomId
    seq: EntrySeq
    target: Annotated[int, Meta(description="The `seq` of the message.")]
    text: Text | None = None
    by: Annotated[UserId, Meta(description="Its author.")]
    at: Time
    mentions: Annotated[tuple[UserId, ...], Meta(description="Whom the text mentions, as in a message.")] = ()


class Deleted(Event, frozen=True, kw_only=True, tag="deleted"):
    """A message is gone, for everybody: what stays is a tombstone."""

    room: RoomId
    seq: EntrySeq
    target: Annotated[int, Meta(description="The `seq` of the message.")]
    by: Annotated[UserId, Meta(description="Its author, or somebody who moderates the room.")]
    at: Time
    reason: Annotated[
        Literal["expired"] | None, Meta(description="`expired`: nobody did it, the time was up that the room gives.")
    ] = None


class Reacted(Event, frozen=True, kw_only=True, tag="reaction"):
    """Somebody reacts to a message with an emoji (`on`), or does so no more."""

    room: RoomId
    seq: EntrySeq
    target: Annotated[int, Meta(description="The `seq` of the message.")]
    emoji: Emoji
    by: UserId
    on: bool
    at: Time


class Pinned(Event, frozen=True, kw_only=True, tag="pinned"):
    """A message is pinned (`on`), or is no more. One that is deleted is no more, either, without an entry like this."""

    room: RoomId
    seq: EntrySeq
    target: Annotated[int, Meta(description="The `seq` of the message.")]
    by: UserId
    on: bool
    at: Time


class Joined(Event, frozen=True, kw_only=True, tag="joined"):
    """Somebody became a member, on their own or because somebody invited them."""

    room: RoomId
    seq: EntrySeq
    user: User
    at: Time
    by: Annotated[UserId | None, Meta(description="Who invited them.")] = None


class Left(Event, frozen=True, kw_only=True, tag="left"):
    """Somebody is a member no longer.

    `seq` is absent where a resumed room was lost: then it is no entry, only the news.
    """

    room: RoomId
    user: UserId
    at: Time | None = None
    seq: EntrySeq | None = None
    by: Annotated[UserId | None, Meta(description="Who removed them.")] = None
    reason: str | None = None


class RoomChanged(Event, frozen=True, kw_only=True, tag="room"):
    """The room itself is another now: its name, its topic, or who may do what.

    A change of rights has `quiet_until` if it concerns everybody, and otherwise `user` and what is so for them.
    """

    room: RoomId
    seq: EntrySeq
    info: Annotated[RoomInfo, Meta(description="The room as it is since, also what has not changed.")]
    at: Time
    by: Annotated[UserId, Meta(description="Who did it.")]
    user: Annotated[UserId | None, Meta(description="Whose role, or mute, has changed.")] = None
    role: Annotated[Role | None, Meta(description="Their new role.")] = None
    muted_until: Annotated[
        Time | None, Meta(description="Until then they may not post; not after `at`: they may again.")
    ] = None
    quiet_until: Annotated[
        Time | None,
        Meta(description="Until then only moderators and owners may post; not after `at`: everybody may again."),
    ] = None


Entry = MessageEntry | Edited | Deleted | Reacted | Pinned | Joined | Left | RoomChanged


# --- passing events ------------------------------------------------------------------------------------------


class Receipt(Event, frozen=True, kw_only=True, tag="receipt"):
    """How far somebody has received and read a room: told to the authors of what is newly covered, once a second."""

    room: RoomId
    user: UserId
    received: Annotated[int | None, Meta(description="Up to this `seq`.")] = None
    read: Annotated[int | None, Meta(description="Up to this `seq`.")] = None


class ReadMark(Event, frozen=True, kw_only=True, tag="read_mark"):
    """Up to where this user has read a room, said on another of their connections. It may lie before an earlier one."""

    room: RoomId
    read_seq: Annotated[int, Meta(description="Up to here, for themselves.", extra_json_schema={"minimum": 0})]


class SettingsChanged(Event, frozen=True, kw_only=True, tag="settings"):
    """This user has changed the settings of the account on another of their connections."""

    settings: AccountSettings


class TypingEvent(Event, frozen=True, kw_only=True, tag="typing"):
    """Somebody is typing. Clients let it fade after 5 s."""

    room: RoomId
    user: UserId


class Presence(Event, frozen=True, kw_only=True, tag="presence"):
    """Somebody came or went, or says something else of themselves."""

    user: UserId
    status: Status
    text: Annotated[str | None, Meta(description="What they say of themselves.")] = None
    emoji: Emoji | None = None
    last_seen: Time | None = None


class RoomStats(Event, frozen=True, kw_only=True, tag="room_stats"):
    """How many members a large channel has: told once a second at the most, in place of `joined` and `left`."""

    room: RoomId
    members: int


class Attention(Event, frozen=True, kw_only=True, tag="attention"):
    """What of a room this user wants to be called for from now on: told to all their connections."""

    room: RoomId
    level: Level


class Activity(Event, frozen=True, kw_only=True, tag="activity"):
    """How a large room stands that this client, which is `passive`, does not look at: in place of its entries."""

    room: RoomId
    last_seq: LastSeq
    unread: Annotated[int, Meta(description="As in `Room`.", extra_json_schema={"minimum": 0})]
    mentions: Annotated[int, Meta(description="As in `Room`.", extra_json_schema={"minimum": 0})]


class Heartbeat(Event, frozen=True, kw_only=True, tag="heartbeat"):
    """From now on the server pings after this much silence."""

    every: Milliseconds


class Reconnect(Event, frozen=True, kw_only=True, tag="reconnect"):
    """The server is about to stop: please reconnect at a random time in the window, and resume."""

    after: Annotated[Milliseconds, Meta(description="Milliseconds until the window begins.")]
    window: Annotated[Milliseconds, Meta(description="Milliseconds that it lasts.")]


AnyEvent = (
    Ok
    | Error
    | Pong
    | Welcome
    | Resumed
    | MessageEntry
    | Edited
    | Deleted
    | Reacted
    | Pinned
    | Joined
    | Left
    | RoomChanged
    | Receipt
    | ReadMark
    | SettingsChanged
    | TypingEvent
    | Presence
    | RoomStats
    | Activity
    | Attention
    | Heartbeat
    | Reconnect
)
