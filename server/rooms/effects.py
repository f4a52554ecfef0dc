"""What follows from a decision of a room: the pure `Room` returns these, the actor around it carries them out.

An effect is a value. The order of a list of effects is the order in which they must be carried out; in particular
the answer to a post stands before the delivery of its message.
"""

from __future__ import annotations

from msgspec import Struct

from actors import Address
from server.relays.messages import (
    Admitted,
    Answered,
    Delivered,
    NotSubscribed,
    PassedOn,
    Removed,
    Subscribed,
)
from server.rooms.messages import Added, Answer, Attached, Delivery, Detached, NotAttached, Passing, Pulse
from server.store.log_messages import Anchor, Append, Release
from server.store.messages import Read
from server.store.questions import Asker
from server.store.room_messages import SaveMarks


class Write(Struct, frozen=True):
    """Tell the writer. An append or an anchor it does not take comes back to the room as refused."""

    message: Append | Anchor | Release | SaveMarks


class Consult(Struct, frozen=True):
    """Ask the reader. A question it does not take comes back to the room as failed."""

    question: Read


class Reply(Struct, frozen=True):
    """Answer a question that was put to the room."""

    to: Asker
    message: Answer | Attached | NotAttached | NotSubscribed


class FanOut(Struct, frozen=True):
    """Tell all of `to` the same thing, behind everything that is being fanned out already: sessions, or relays."""

    message: Delivery | Passing | Pulse | Delivered | PassedOn
    to: tuple[Address, ...]


class InTurn(Struct, frozen=True):
    """Tell one receiver something that has its place behind the deliveries before it."""

    message: Detached | Answer | Answered | Subscribed | Admitted | Removed
    to: Asker


class TellUser(Struct, frozen=True):
    """Tell all sessions of a user, whether they are attached or not, in its place behind the deliveries before it.

    `is_news`: the membership began just now, so the user's sessions on other nodes should hear of it, too.
    """

    user: str
    message: Added
    is_news: bool = False


class Watch(Struct, frozen=True):
    """The room wants to know when this session, or relay, ends."""

    session: Address


class Unwatch(Struct, frozen=True):
    session: Address


class Announce(Struct, frozen=True):
    """Have the room told `announce` in so many seconds."""

    seconds: float


class GoOn(Struct, frozen=True):
    """Have the room told `go_on`, behind what others were told meanwhile."""


class Rest(Struct, frozen=True):
    """The room has nothing more to do here: stop, once everything is told.

    `clean`: what it has not answered it never saw, and whoever sent it may send it again as if for the first time.
    """

    clean: bool = True


Effect = Write | Consult | Reply | FanOut | InTurn | TellUser | Watch | Unwatch | Announce | GoOn | Rest
