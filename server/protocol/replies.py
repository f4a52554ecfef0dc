"""What a command is answered with, and how a conversation opens: the welcome, and the end of each room's recovery."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta, Struct, field

from server.protocol.bases import CommandId, Event
from server.protocol.entries import Entry
from server.protocol.errors import ErrorCode, Refusal
from server.protocol.fields import EntrySeq, InviteCode, LastSeq, Milliseconds, RoomId, Time
from server.protocol.objects import (
    AccountSettings,
    Act,
    Channel,
    Hit,
    Invited,
    InviteLink,
    JoinRequest,
    Member,
    Message,
    PinnedMessage,
    Room,
    Thread,
    User,
)

NotRecovered = Literal["another_log", "future", "too_much"]
"""The cursor is of another log, it is ahead of the log, or more is missing than is replayed."""

Echo = Annotated[CommandId, Meta(description="As the command carried it.")]


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
