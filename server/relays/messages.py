"""What passes between the owner of a room and the relays of it on other nodes: these values cross from node to node.

The rules:
- Whoever sends names itself by a number that the other end gave it (`subscription`, `ref`): an answer that comes too
  late, or is meant for another life, is known as such and dropped.
- What an owner tells by itself carries the epoch of the room's shard, and is one object for all relays.
- An entry of the log is true whoever tells it: it is on disk. Everything else a relay takes from the owner it is
  subscribed to, and from nobody else.

A relay that wants to end just does: its owner watches it.
"""

from __future__ import annotations

from msgspec import Struct

from actors import Address
from server.protocol.commands import RoomCommand, Unspoken
from server.protocol.entries import Entry, Left
from server.protocol.events import (
    AskedToJoin,
    Attention,
    Presence,
    Readers,
    ReadMark,
    Receipt,
    RoomStats,
    ThreadMark,
    TypingEvent,
)
from server.protocol.objects import Role, RoomKind, User
from server.protocol.replies import Error, Ok
from server.protocol.room_commands import Join
from server.protocol.showing import PLAIN, Shown
from server.rooms.appearances import Said

PassingEvent = Receipt | Readers | ReadMark | ThreadMark | TypingEvent | Presence | RoomStats | Attention | AskedToJoin


class NodeMessage(Struct, frozen=True, array_like=True):
    """What may cross. Fields are told apart by their place: new ones come last, and have a default."""


# --- a relay to the room's owner ---------------------------------------------------------------------------------


class Subscribe(NodeMessage, frozen=True):
    """`relay` wants everything that happens in this room. Answered `Subscribed` or `NotSubscribed`, with this `ref`.

    `epoch_seen`: the highest one it knows; an owner with a lower one is none. `users`: who is attached there, and
    `more`: the rest of them follows, with the same `ref`. `admit`: may these listen, too? As in `Admit`; with the last
    of several. Subscribing again replaces the earlier subscription. `said`: how those of them look who do not just look
    online.
    """

    ref: int
    relay: Address
    epoch_seen: int
    users: tuple[str, ...]
    more: bool = False
    admit: tuple[str, ...] = ()
    said: Said = ()


class Here(NodeMessage, frozen=True):
    """Who has come to the relay, and who has gone from it, since it said so last; and who looks otherwise."""

    subscription: int
    came: tuple[str, ...]
    went: tuple[str, ...]
    said: Said = ()


class Admit(NodeMessage, frozen=True):
    """May these users listen? Answered `Admitted`, in turn with what is delivered.

    Who may counts as being there from then on, and no `Here` says so. `said`: as in `Subscribe`.
    """

    subscription: int
    ref: int
    users: tuple[str, ...]
    said: Said = ()


class Forwarded(NodeMessage, frozen=True):
    """A command of `user`. Answered `Answered`, unless it is one that nobody waits for: `ref` is 0 then.

    `asker` tells the sessions of one relay apart, whose posts must not overtake each other; None: nobody is attached.
    `number`: 1, 2, 3 … within a subscription. One that is missing did not fit into the room's mailbox. `hides`: as in
    `Request`.
    """

    subscription: int
    ref: int
    asker: int | None
    user: User
    command: RoomCommand | Join | Unspoken
    number: int
    hides: bool = False


# --- the room's owner to a relay ---------------------------------------------------------------------------------


class Admission(NodeMessage, frozen=True):
    """What `Attached` says of one user."""

    role: Role
    read_seq: int
    peer: str | None = None
    shown: Shown = PLAIN


class Admitted(NodeMessage, frozen=True):
    """What `Attached` says: the answer to `Admit`, or ahead of the answer to a `join` with this `ref`.

    `admissions`: of the users in the order in which it was asked for them; None: not a member.
    """

    ref: int
    members: int
    last_seq: int
    admissions: tuple[Admission | None, ...]


class Subscribed(NodeMessage, frozen=True):
    """Entries above `last_seq` follow as `Delivered`. What the room is, `log` and `kind`, no relay keeps.

    `gone`: those of the relay's users who are no members any more. `admitted`: of whom it asked to `admit`, with the
    same `ref`.
    """

    ref: int
    subscription: int
    epoch: int
    log: str
    kind: RoomKind
    last_seq: int
    gone: tuple[str, ...] = ()
    admitted: Admitted | None = None


class NotSubscribed(NodeMessage, frozen=True):
    """There is no such room, or it has its owner elsewhere (`unavailable`). Told of a subscription, it has ended."""

    ref: int
    error: Error


class Answered(NodeMessage, frozen=True):
    """The answer to the command forwarded as `ref`. `behind`: it has its place behind this entry of the log."""

    ref: int
    reply: Ok | Error
    behind: int = 0


class Delivered(NodeMessage, frozen=True):
    """Entries of the log, without a gap between them."""

    epoch: int
    entries: tuple[Entry, ...]


class PassedOn(NodeMessage, frozen=True):
    """Events without a place in the log, for the sessions of these users; None: of all, `but` this one's own."""

    epoch: int
    events: tuple[PassingEvent, ...]
    to: tuple[str, ...] | None = None
    but: str | None = None


class Removed(NodeMessage, frozen=True):
    """This user is a member no more, and no entry says so: in large channels membership is not in the log."""

    epoch: int
    user: str
    left: Left


# --- between the nodes -------------------------------------------------------------------------------------------


class HeadOf(NodeMessage, frozen=True):
    """How far the log of one room reaches."""

    room: str
    epoch: int
    last_seq: int


class Heads(NodeMessage, frozen=True):
    """The rooms in which something happened lately, of which the told node has relays: once a second."""

    heads: tuple[HeadOf, ...]
