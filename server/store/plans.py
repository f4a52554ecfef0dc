"""What is known of the database when appends are planned, and what a plan collects.

The rules: planning changes a `Plan` and nothing else; when the rows of one were taken, the `Knowledge` learns it, and
the next plan of the same transaction goes on from there.
"""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import Struct, field

from server.protocol.objects import Level, Role
from server.store.acts import ActRow
from server.store.amending import Amendments, Messages
from server.store.fencing import Fence
from server.store.links import KnownLinks, Links
from server.store.log_messages import Outcome
from server.store.rows import BanRow, EntryRow, ExpiringRow, FullMessageRow, MemberRow, MentionRow, MessageRow
from server.store.waiting import Pair, Waiting

NonceKey = tuple[str, str, str]
"""Room, author, nonce."""


class Place(Struct, frozen=True, gc=False):
    """Where the message of a nonce stands, and what it said. `digest` is None where that is gone: it was edited, or
    deleted."""

    seq: int
    at: int
    digest: bytes | None


class Knowledge(Struct):
    """What is known of the database within a transaction.

    `heads` has every room that may be appended to; appends to any other one are lost. `rooms_of` are the numbers of
    rooms that users are in, of which nobody may have more than `most_rooms`. `fences` are still to be locked.
    `levels`: what members want to be called for who are about to say so. `deleted`: rooms that were there, and are no
    more.
    """

    heads: dict[str, int]
    most_rooms: int
    fences: Sequence[Fence] = ()
    places: dict[NonceKey, Place] = field(default_factory=dict)
    memberships: dict[Pair, bool] = field(default_factory=dict)
    rooms_of: dict[str, int] = field(default_factory=dict)
    messages: Messages = field(default_factory=Messages)
    links: KnownLinks = field(default_factory=KnownLinks)
    waits: dict[Pair, bool] = field(default_factory=dict)
    levels: dict[Pair, Level] = field(default_factory=dict)
    deleted: set[str] = field(default_factory=set)

    def learn(self, planned: Plan) -> None:
        """The rows of the plan were taken."""
        self.heads.update(planned.heads)
        self.places.update(planned.places)
        if planned.is_of_new_messages:
            return
        self.memberships.update(planned.memberships)
        self.messages.learn(planned.amended)
        self.levels.update(planned.governed.levels)
        planned.waiting.learned(self.waits)
        planned.links.learned(self.links)
        for room in planned.deleted:
            del self.heads[room]
        self.deleted |= planned.deleted
        for user, change in planned.moves.items():
            self.rooms_of[user] = self.rooms_of.get(user, 0) + change


class Governed(Struct):
    """What becomes of rooms and rights; of what is said of the same thing the last counts.

    Attributes
    ----------
    names
        Rooms, and the name, topic and icon of each: all of them, because one may be refused.
    rights
        As a room's row has them.
    quiet, mutes
        Until when (ms since the epoch) nobody, or somebody, may post.
    roles
        Of members who are there already.
    bans
        None: lifted.
    levels
        What of a room members want to be called for.
    """

    names: list[tuple[str, str | None, str | None, str | None]] = field(default_factory=list)
    rights: dict[str, str | None] = field(default_factory=dict)
    quiet: dict[str, int] = field(default_factory=dict)
    mutes: dict[Pair, int] = field(default_factory=dict)
    roles: dict[Pair, Role] = field(default_factory=dict)
    bans: dict[Pair, BanRow | None] = field(default_factory=dict)
    levels: dict[Pair, Level] = field(default_factory=dict)

    def __bool__(self) -> bool:
        rooms, people = self.names or self.rights or self.quiet, self.mutes or self.roles or self.bans or self.levels
        return bool(rooms or people)


class Plan(Struct):
    """Rows to write, what to answer once they are on disk, and what is known then.

    `in_doubt`: a message is denied for what it answers, whose nonce nobody looked up. If it was used before, the first
    answer is the right one.
    """

    outcomes: list[Outcome] = field(default_factory=list)
    messages: list[MessageRow] = field(default_factory=list)
    full_messages: list[FullMessageRow] = field(default_factory=list)
    mentions: list[MentionRow] = field(default_factory=list)
    entries: list[EntryRow] = field(default_factory=list)
    leaves: set[Pair] = field(default_factory=set)
    joins: dict[Pair, MemberRow] = field(default_factory=dict)
    growth: dict[str, int] = field(default_factory=dict)
    moves: dict[str, int] = field(default_factory=dict)
    heads: dict[str, int] = field(default_factory=dict)
    places: dict[NonceKey, Place] = field(default_factory=dict)
    memberships: dict[Pair, bool] = field(default_factory=dict)
    amended: Amendments = field(default_factory=Amendments)
    in_doubt: bool = False
    governed: Governed = field(default_factory=Governed)
    links: Links = field(default_factory=Links)
    waiting: Waiting = field(default_factory=Waiting)
    deleted: set[str] = field(default_factory=set)
    acts: list[ActRow] = field(default_factory=list)
    expiring: list[ExpiringRow] = field(default_factory=list)
    expired: list[tuple[str, int]] = field(default_factory=list)

    @property
    def is_of_new_messages(self) -> bool:
        """And of nothing else, as nearly all plans are: whoever carries one out need not look at the rest."""
        return not (
            self.memberships
            or self.moves
            or self.entries
            or self.amended
            or self.governed
            or self.links
            or self.waiting
            or self.deleted
            or self.acts
            or self.expired
        )


def next_seq(room: str, planned: Plan, known: Knowledge) -> int:
    """The next place in the log of the room, taken."""
    seq = planned.heads.get(room, known.heads[room]) + 1
    planned.heads[room] = seq
    return seq


def is_member(pair: Pair, planned: Plan, known: Knowledge, *, unless_known: bool) -> bool:
    """Whether somebody is one by now: by this plan, or by what is known."""
    return planned.memberships.get(pair, known.memberships.get(pair, unless_known))
