"""What each command is answered with: the table that `ok` alone, which is one type for all of them, does not tell.

Every command can besides be refused with a code of `ALWAYS`, and one on a room with those of `OF_A_ROOM`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, get_args

from server.protocol.account_commands import SetPresence, Settings, SubscribePresence
from server.protocol.attention_commands import Attend, Focus, MarkUnread, Read, Received, Typing
from server.protocol.commands import AnyCommand, RoomCommand
from server.protocol.errors import ErrorCode
from server.protocol.events import AnyEvent
from server.protocol.governing_commands import Audit, Ban, DeleteRoom, Kick, Mute, Rename, SetRights, SetRole, Unban
from server.protocol.hello_commands import Hello, Ping
from server.protocol.invite_commands import (
    Approve,
    CreateInvite,
    Invite,
    InviteInfo,
    Invites,
    JoinRequests,
    Refuse,
    RevokeInvite,
)
from server.protocol.message_commands import Delete, Edit, Pin, Post, React
from server.protocol.page_commands import History, Log, Pins, Search, Threads
from server.protocol.replies import Pong, Welcome
from server.protocol.room_commands import Channels, CreateRoom, Join, Leave, Members, Rooms

ALWAYS: Final = (ErrorCode.BAD_REQUEST, ErrorCode.NOT_READY, ErrorCode.RATE_LIMITED, ErrorCode.UNAVAILABLE)
OF_A_ROOM: Final = (ErrorCode.NO_SUCH_ROOM, ErrorCode.NOT_A_MEMBER)


@dataclass(frozen=True, slots=True)
class Answer:
    """How a command is answered.

    Parameters
    ----------
    carries
        Fields of `ok` that are always there, by their names on the wire.
    may_carry
        Those that may be absent.
    refuses
        The codes of this command alone.
    instead
        The event that answers it in place of `ok`.
    """

    carries: tuple[str, ...] = ()
    may_carry: tuple[str, ...] = ()
    refuses: tuple[ErrorCode, ...] = ()
    instead: type[AnyEvent] | None = None


ANSWERS: Final[dict[type[AnyCommand], Answer]] = {
    Hello: Answer(instead=Welcome),
    CreateRoom: Answer(
        carries=("room", "info"),
        refuses=(ErrorCode.NO_SUCH_USER, ErrorCode.NO_SUCH_ROOM, ErrorCode.CONFLICT, ErrorCode.LIMIT_REACHED),
    ),
    Join: Answer(
        may_carry=("room", "info", "asked"),
        refuses=(ErrorCode.NO_SUCH_ROOM, ErrorCode.NO_SUCH_INVITE, ErrorCode.LIMIT_REACHED),
    ),
    Leave: Answer(carries=("room",), refuses=(ErrorCode.FORBIDDEN,)),
    Post: Answer(
        carries=("room", "seq", "at", "duplicate"),
        refuses=(
            ErrorCode.FORBIDDEN,
            ErrorCode.TOO_LONG,
            ErrorCode.NO_SUCH_MESSAGE,
            ErrorCode.CONFLICT,
            ErrorCode.LIMIT_REACHED,
        ),
    ),
    Edit: Answer(
        may_carry=("seq",),
        refuses=(ErrorCode.TOO_LONG, ErrorCode.NO_SUCH_MESSAGE, ErrorCode.FORBIDDEN, ErrorCode.LIMIT_REACHED),
    ),
    Delete: Answer(may_carry=("seq",), refuses=(ErrorCode.NO_SUCH_MESSAGE, ErrorCode.FORBIDDEN)),
    React: Answer(may_carry=("seq",), refuses=(ErrorCode.NO_SUCH_MESSAGE, ErrorCode.LIMIT_REACHED)),
    History: Answer(carries=("messages", "more", "to")),
    Threads: Answer(carries=("threads", "more")),
    Pin: Answer(may_carry=("seq",), refuses=(ErrorCode.NO_SUCH_MESSAGE, ErrorCode.FORBIDDEN, ErrorCode.LIMIT_REACHED)),
    Pins: Answer(carries=("pins", "more", "to")),
    Log: Answer(carries=("entries", "from", "to", "more")),
    Received: Answer(),
    Read: Answer(may_carry=("read_seq",), refuses=(ErrorCode.NO_SUCH_MESSAGE,)),
    MarkUnread: Answer(carries=("read_seq",)),
    Typing: Answer(),
    Focus: Answer(may_carry=("room", "last_seq")),
    Attend: Answer(),
    Members: Answer(carries=("members",), may_carry=("next",)),
    Invite: Answer(may_carry=("seq",), refuses=(ErrorCode.FORBIDDEN, ErrorCode.NO_SUCH_USER, ErrorCode.LIMIT_REACHED)),
    Kick: Answer(may_carry=("seq",), refuses=(ErrorCode.FORBIDDEN, ErrorCode.NO_SUCH_USER)),
    Ban: Answer(may_carry=("seq",), refuses=(ErrorCode.FORBIDDEN, ErrorCode.NO_SUCH_USER, ErrorCode.LIMIT_REACHED)),
    Unban: Answer(refuses=(ErrorCode.FORBIDDEN, ErrorCode.NO_SUCH_USER)),
    SetRole: Answer(may_carry=("seq",), refuses=(ErrorCode.FORBIDDEN, ErrorCode.NO_SUCH_USER)),
    Rename: Answer(may_carry=("seq",), refuses=(ErrorCode.FORBIDDEN, ErrorCode.CONFLICT)),
    Mute: Answer(may_carry=("seq",), refuses=(ErrorCode.FORBIDDEN, ErrorCode.NO_SUCH_USER)),
    SetRights: Answer(may_carry=("seq",), refuses=(ErrorCode.FORBIDDEN,)),
    CreateInvite: Answer(carries=("invite",), refuses=(ErrorCode.FORBIDDEN, ErrorCode.LIMIT_REACHED)),
    Invites: Answer(carries=("invites",), refuses=(ErrorCode.FORBIDDEN,)),
    RevokeInvite: Answer(refuses=(ErrorCode.FORBIDDEN, ErrorCode.NO_SUCH_INVITE)),
    JoinRequests: Answer(carries=("requests",), refuses=(ErrorCode.FORBIDDEN,)),
    Approve: Answer(may_carry=("seq",), refuses=(ErrorCode.FORBIDDEN, ErrorCode.NO_SUCH_USER, ErrorCode.LIMIT_REACHED)),
    Refuse: Answer(refuses=(ErrorCode.FORBIDDEN, ErrorCode.NO_SUCH_USER)),
    InviteInfo: Answer(carries=("invited",), refuses=(ErrorCode.NO_SUCH_INVITE,)),
    Audit: Answer(carries=("acts",), may_carry=("next",), refuses=(ErrorCode.FORBIDDEN,)),
    DeleteRoom: Answer(refuses=(ErrorCode.FORBIDDEN,)),
    Channels: Answer(carries=("channels",), may_carry=("next",)),
    Search: Answer(
        carries=("hits",),
        may_carry=("next",),
        refuses=(ErrorCode.TOO_LONG, ErrorCode.NO_SUCH_USER),
    ),
    SetPresence: Answer(carries=("settings",), refuses=(ErrorCode.NO_SUCH_USER,)),
    SubscribePresence: Answer(refuses=(ErrorCode.LIMIT_REACHED,)),
    Settings: Answer(carries=("settings",)),
    Rooms: Answer(carries=("rooms",)),
    Ping: Answer(instead=Pong),
}


def refusals_of(command: type[AnyCommand]) -> Iterator[ErrorCode]:
    """Every code a command can be refused with."""
    yield from ALWAYS
    if command in get_args(RoomCommand):
        yield from OF_A_ROOM
    yield from ANSWERS[command].refuses


def commands() -> tuple[type[AnyCommand], ...]:
    return get_args(AnyCommand)


def events() -> tuple[type[AnyEvent], ...]:
    return get_args(AnyEvent)
