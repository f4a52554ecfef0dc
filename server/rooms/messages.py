"""What a room is told, and what it tells those who are attached to it.

A session attaches with its address and gets every later entry of the log as a `Delivery`, in order, until it ends
or is detached. Commands come in one envelope, `Request`, around the wire's own command, and each is
answered once by `Answer`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from msgspec import Struct, field

from actors import Address
from server.protocol.commands import RoomCommand, Unspoken
from server.protocol.entries import Entry, Left
from server.protocol.errors import Refusal
from server.protocol.events import Activity, AnyEvent
from server.protocol.objects import User
from server.protocol.outgoing import Outgoing
from server.protocol.replies import Error, Ok
from server.protocol.room_commands import Join
from server.protocol.showing import PLAIN, Shown
from server.store.choices import Choice
from server.store.questions import Asker
from server.store.tally import Tally

# --- to a room -----------------------------------------------------------------------------------------------


class Terms(Struct, frozen=True, gc=False):
    """How a session listens that has connections which are not looking at the room: it is told `Pulse`.

    `heard`: as far as they know how it stands. `every`: not more often than once in so many seconds. `live`: it gets
    the entries as well, because another connection does look.
    """

    heard: int
    every: float
    live: bool


class Attach(Struct, frozen=True):
    """`session` wants the entries of this room, in the name of `user`. Answered `Attached` or `NotAttached`.

    Attaching again replaces the earlier attachment. `passive`: it does not want just the entries. `shown`: how the user
    looks at this node; None: as is known, or will be said.
    """

    ref: int
    session: Address
    user: str
    passive: Terms | None = None
    shown: Shown | None = None


class Appears(Struct, frozen=True):
    """`user`, who has a session attached here, looks so at this node from now on."""

    user: str
    shown: Shown


class Remind(Struct, frozen=True):
    """`session`, which hears `Pulse`, wants to hear it soon: what it was told is not so any more."""

    session: Address


class Request(Struct, frozen=True):
    """A command of `user`. Answered `Answer(ref, …)`.

    `attachment` is what `Attached` gave, or None for a caller that is not attached (HTTP). A request that carries
    the attachment of an earlier incarnation is answered `unavailable`: its sender was already told so of the
    commands before it, and doing this one would put it ahead of them.
    `session` is the address to attach when the command is a `join`: it is told `Attached` with this `ref`, unless it
    is attached already, and then the answer. A `join` of someone who is a member already is answered without `info`.
    `hides`: the user keeps to themselves how far they have read, and is not told how far others have.
    """

    ref: int
    reply_to: Asker
    user: User
    command: RoomCommand | Join | Unspoken
    attachment: int | None = None
    session: Address | None = None
    hides: bool = False


class HandOver(Struct, frozen=True):
    """The room is about to be another node's: take nothing new, let land what is on its way, and stop.

    It stops `NORMAL` where everything that it has begun was answered, and else with `MOVED`. A relay is told so when
    the room has become its own node's.
    """


class Orphaned(Struct, frozen=True):
    """To a relay: the node that had its room is dead by its lease. Whoever has the room next is to be looked for."""


# --- from a room ---------------------------------------------------------------------------------------------


class _Moved:
    """See `MOVED`."""

    __slots__ = ()

    def __repr__(self) -> str:
        return "MOVED"


MOVED: Final = _Moved()
"""Why a room has stopped that is another node's now, and may have left something undone: to those who wait for an
answer the same as a crash, but nobody's fault."""


class Attached(Struct, frozen=True):
    """Entries above `last_seq` follow as `Delivery`. `attachment` goes with every `Request`.

    `peer`: the other person of a `dm`, if anybody listens for them, on whichever node; and how they look.
    """

    ref: int
    room: str
    attachment: int
    members: int
    last_seq: int
    read_seq: int
    peer: str | None = None
    shown: Shown = PLAIN


class NotAttached(Struct, frozen=True):
    ref: int
    room: str
    refusal: Refusal


class Answer(Struct, frozen=True):
    ref: int
    reply: Ok | Error


class Detached(Struct, frozen=True):
    """Nothing more of this room follows: the user left it, or was removed.

    That is so for attachments up to `attachment`; who was attached again since has a higher one.

    `left` is what says so to clients: the entry, where there is one; it is not in any `Delivery` to this session.
    """

    room: str
    attachment: int
    left: Left


class Added(Struct, frozen=True):
    """To all sessions of a user, who are in the group named by the user's id: this room is theirs now, from the entry
    `seq` on.

    Whoever is attached already ignores it.
    """

    room: str
    seq: int


class News(Struct, frozen=True):
    """A membership began just now: `added` concerns the sessions of `user` on all nodes but this one, too."""

    user: str
    added: Added


class Named(Struct, frozen=True):
    """To all sessions of a user, who are in the group named by the user's id: this is how others see them from now on.

    One that does not hear of it goes by the old name until its user connects anew.
    """

    user: User


class Chose(Struct, frozen=True):
    """To all sessions of a user, who are in the group named by the user's id: what they have chosen from now on.

    Told to the users' actor, it concerns those on all other nodes.
    """

    user: str
    choice: Choice


class Delivery(Outgoing):
    """Entries `first` to `last` of a room's log, without a gap between them."""

    __slots__ = ("first", "last", "room")

    def __init__(self, room: str, entries: Sequence[Entry]) -> None:
        super().__init__(entries)
        self.room = room
        self.first: int = entries[0].seq or 0
        self.last: int = entries[-1].seq or 0


class Pulse(Struct, frozen=True):
    """How a room stands, to those who are not looking at it. Each counts for itself what is unread.

    `made`: what was made of it, by its numbers: most of those who do not look have the same, and get the same bytes.
    """

    room: str
    tally: Tally
    made: dict[tuple[int, int], Outgoing] = field(default_factory=dict)

    def told(self, unread: int, mentions: int) -> Outgoing:
        made = self.made.get((unread, mentions))
        if made is None:
            activity = Activity(room=self.room, last_seq=self.tally.head, unread=unread, mentions=mentions)
            made = self.made[unread, mentions] = Outgoing((activity,))
        return made


class Passing(Outgoing):
    """Events without a place in the log: typing, presence, receipts, counts. May be dropped under pressure."""

    __slots__ = ("room",)

    def __init__(self, room: str, events: Sequence[AnyEvent]) -> None:
        super().__init__(events)
        self.room = room
