"""What the server says: all of it, and the passing events that are in no log.

Entries of a room's log (`entries.py`) carry `seq`; everything else, replies (`replies.py`) as well, has no order
against them.
"""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta

from server.protocol.bases import Event
from server.protocol.entries import Deleted, Edited, Joined, Left, MessageEntry, Pinned, Reacted, RoomChanged
from server.protocol.fields import Emoji, LastSeq, Milliseconds, RoomId, Time, UserId
from server.protocol.objects import AccountSettings, Level, Status
from server.protocol.replies import Error, Ok, Pong, Resumed, Welcome


class Receipt(Event, frozen=True, kw_only=True, tag="receipt"):
    """How far somebody has received and read a room: told to the authors of what is newly covered, once a second."""

    room: RoomId
    user: UserId
    received: Annotated[int | None, Meta(description="Up to this `seq`.")] = None
    read: Annotated[int | None, Meta(description="Up to this `seq`.")] = None


class Readers(Event, frozen=True, kw_only=True, tag="readers"):
    """How many others have read a message in a large room, at least: told to its author only, once in some seconds."""

    room: RoomId
    read: Annotated[int, Meta(description="The `seq` of the message.", extra_json_schema={"minimum": 1})]
    readers: Annotated[int, Meta(extra_json_schema={"minimum": 1})]


class ReadMark(Event, frozen=True, kw_only=True, tag="read_mark"):
    """Up to where this user has read a room, said on another of their connections. It may lie before an earlier one."""

    room: RoomId
    read_seq: Annotated[int, Meta(description="Up to here, for themselves.", extra_json_schema={"minimum": 0})]


class ThreadMark(Event, frozen=True, kw_only=True, tag="thread_mark"):
    """Up to where this user has read a thread: told to all their connections when it has moved."""

    room: RoomId
    thread: Annotated[int, Meta(description="The `seq` of the message that it begins with.")]
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
    """How many members a large room has, and how many of them are online: in place of `joined` and `left` in a
    channel, once a second at the most, and of `presence` everywhere, some time after who came and who went."""

    room: RoomId
    members: int
    online: Annotated[
        int | None, Meta(description="Without those who are invisible.", extra_json_schema={"minimum": 0})
    ] = None


class Attention(Event, frozen=True, kw_only=True, tag="attention"):
    """What of a room this user wants to be called for from now on: told to all their connections."""

    room: RoomId
    level: Level


class AskedToJoin(Event, frozen=True, kw_only=True, tag="join_requested"):
    """Somebody asks to come in, or several do: told once a second at the most, and only to who may let them in.

    `join_requests` has who they are.
    """

    room: RoomId


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
    | Readers
    | ReadMark
    | ThreadMark
    | SettingsChanged
    | TypingEvent
    | Presence
    | RoomStats
    | Activity
    | Attention
    | AskedToJoin
    | Heartbeat
    | Reconnect
)
