"""What a conversation tells its shell, beside the events of the wire themselves.

Events of the wire (`server.protocol.events`) are handed on as they are; these are the conclusions a client draws
from them. All are frozen values.
"""

from __future__ import annotations

from dataclasses import dataclass

from server.protocol.commands import AnyCommand
from server.protocol.entries import Entry, Left
from server.protocol.events import (
    Activity,
    AskedToJoin,
    Attention,
    Heartbeat,
    Presence,
    Readers,
    ReadMark,
    Receipt,
    Reconnect,
    RoomStats,
    SettingsChanged,
    ThreadMark,
    TypingEvent,
)
from server.protocol.replies import Error, Ok, Resumed, Welcome


@dataclass(frozen=True, slots=True)
class Answered:
    """The command with this `id` was done."""

    id: int
    command: AnyCommand
    ok: Ok


@dataclass(frozen=True, slots=True)
class Refused:
    """The command with this `id` was not done, and is not tried again by itself."""

    id: int
    command: AnyCommand
    error: Error


@dataclass(frozen=True, slots=True)
class Missed:
    """Entries behind `after`, up to `through`, will not be delivered; `history` may still show their messages."""

    room: str
    after: int
    through: int
    reason: str


@dataclass(frozen=True, slots=True)
class UnknownEntry:
    """An entry of a kind this version does not know. It takes its `seq`, so it has to be counted."""

    room: str
    seq: int
    op: str


@dataclass(frozen=True, slots=True)
class Offline:
    """The connection is gone, or could not be made. `retry_in` seconds from now the next one is tried. Not told of one
    that the server has asked to leave, as long as there is another one.

    `welcome` says that the conversation goes on. Shells make this one; the core does not know the network.
    """

    reason: str
    retry_in: float


LogEntry = Entry | UnknownEntry
Event = (
    LogEntry
    | Left
    | Missed
    | Offline
    | Welcome
    | Resumed
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
    | Error
)
"""What somebody who follows a conversation sees. An `Error` here answers no command this client knows of."""

Happening = Event | Answered | Refused
