"""How far somebody has read a room, whether they look at it now, and what of it they want to be called for."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta

from server.protocol.bases import Command, Seq
from server.protocol.fields import RoomId
from server.protocol.objects import Level


class Received(Command, frozen=True, kw_only=True, tag="received"):
    """Everything up to `seq` has reached this user. Cumulative: the larger wins."""

    room: RoomId
    seq: Seq


class Read(Command, frozen=True, kw_only=True, tag="read"):
    """Everything up to `seq` was read by this user. Cumulative: the larger wins.

    With `thread` everything of that one, for which there is a mark of its own.
    """

    room: RoomId
    seq: Seq
    thread: Annotated[Seq | None, Meta(description="The `seq` of the message that begins the thread.")] = None


class MarkUnread(Command, frozen=True, kw_only=True, tag="mark_unread"):
    """Everything from `seq` on is unread again, for this user and on all their devices. Nobody else is told.

    `read` cannot say this: it is cumulative, so that what several devices say may arrive late and in any order. The
    next `read` ends it, as far as it goes.
    """

    room: RoomId
    seq: Seq


class Typing(Command, frozen=True, kw_only=True, tag="typing"):
    """Shows that this user is typing; at most one in 3 s is passed on. Answered only if it carries an `id`."""

    room: RoomId


class Focus(Command, frozen=True, kw_only=True, tag="focus"):
    """The client looks at this room now, and at no other; without `room`, at none.

    Live entries begin exactly after the `last_seq` of the `ok`. It matters to clients that are `passive`, and only in
    large rooms: of those they do not look at they are told `activity`.
    """

    room: RoomId | None = None


class Attend(Command, frozen=True, kw_only=True, tag="attend"):
    """Says what of a room this user wants to be called for: all of it, mentions, or nothing. On all devices.

    It changes nothing of what is told, and what is unread; clients go by it when they call their user.
    """

    room: RoomId
    level: Level
