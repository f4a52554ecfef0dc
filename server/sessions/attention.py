"""Which rooms the connections of a session are looking at, of those that are too large to tell everything: pure.

A connection is *passive* if its client said so in `hello`. In a large room that it has not got the focus of, it is
*asleep*: it gets no entries, and `activity` instead. All others, and all other rooms, are none of this file's business.

What the room is to do follows from that: it tells entries while any connection looks, and how it stands while any is
asleep. A room is large or not by what was known of it when it was told last how many members there are.

There is one of these only for a session that has passive connections.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from msgspec import Struct, field

from actors import Address
from server.protocol.limits import SMALL_ROOM_MEMBERS
from server.protocol.outgoing import Outgoing
from server.rooms.messages import Pulse, Terms


class Rules(Struct, frozen=True):
    """`above`: a room with more members is large. `every`: seconds between two `activity` of a room, at the least."""

    above: int
    every: float


DEFAULT_RULES: Final = Rules(above=SMALL_ROOM_MEMBERS, every=5.0)


class Large(Struct):
    """A large room.

    Attributes
    ----------
    heard
        As far as those who are asleep know how it stands.
    read
        How far the user has read.
    mentions
        How many messages mention the user that are not read, among those up to `counted`.
    told
        What they were told last.
    asked
        Whether the room was asked for entries, and for `Pulse`: as it was attached to last.
    """

    heard: int
    read: int
    mentions: int
    counted: int
    told: Outgoing | None = None
    asked: tuple[bool, bool] = (True, False)


class Attention(Struct):
    """See the top of this file.

    Attributes
    ----------
    focus
        The passive connections, and the room that each looks at.
    wanted
        The focus that was asked for, and is not given before the room tells its entries.
    owed
        What full connections have not been told: connection and room.
    """

    rules: Rules
    focus: dict[Address, str | None] = field(default_factory=dict)
    wanted: dict[Address, str] = field(default_factory=dict)
    large: dict[str, Large] = field(default_factory=dict)
    owed: set[tuple[Address, str]] = field(default_factory=set)

    def is_asleep(self, connection: Address, room: str) -> bool:
        return room in self.large and self.focus.get(connection, room) != room

    def wish(self, room: str, connections: Iterable[Address]) -> tuple[bool, bool]:
        """Whether the room is to tell its entries, and whether `Pulse`. `connections`: all that are welcomed."""
        everyone = {*connections, *self.focus}
        asleep = [one for one in everyone if self.is_asleep(one, room) and self.wanted.get(one) != room]
        return len(asleep) < len(everyone), bool(asleep)

    def terms(self, room: str, connections: Iterable[Address]) -> Terms | None:
        """How to attach to the room now; it is taken to be done."""
        large = self.large.get(room)
        if large is None:
            return None
        large.asked = live, asleep = self.wish(room, connections)
        return Terms(large.heard, self.rules.every, live) if asleep else None

    def is_otherwise(self, room: str, connections: Iterable[Address]) -> bool:
        """Whether the room has to be attached to again, because it was asked for something else."""
        large = self.large.get(room)
        return large is not None and large.asked != self.wish(room, connections)

    # --- rooms ------------------------------------------------------------------------------------------------

    def knows(self, room: str, members: int, last_seq: int, read: int, mentions: int = 0) -> None:
        """So the room is, when somebody asked. A room that was large once stays so while it is attended."""
        if room not in self.large and members > self.rules.above:
            self.large[room] = Large(last_seq, read, mentions, last_seq)

    def has_read(self, room: str, read: int) -> bool:
        """Whether it matters how far the user has read there."""
        large = self.large.get(room)
        if large is None or large.read == read:
            return False
        large.read = read
        return True

    def is_new_to(self, room: str, seq: int) -> bool:
        """Whether others were told more than somebody who comes now, and knows the room up to `seq`: then they are told
        again."""
        large = self.large[room]
        if seq >= large.heard:
            return False
        large.told = None
        return True

    def forget(self, room: str) -> None:
        """It is not the user's any more."""
        self.large.pop(room, None)

    def counted(self, pulse: Pulse, user: str) -> Outgoing | None:
        """What is to be told of this; None: nothing that was not told, or is not news."""
        large, tally = self.large.get(pulse.room), pulse.tally
        if large is None or tally.head < large.heard:
            return None
        large.heard = tally.head
        if tally.reaches_back_to(large.read):
            large.mentions = tally.mentions(user, large.read)
        else:
            large.mentions += tally.mentions(user, large.counted)
        large.counted = tally.head
        told = pulse.told(tally.unread(user, large.read), large.mentions)
        if large.told is not None and large.told.events == told.events:
            return None
        large.told = told
        return told

    # --- connections ------------------------------------------------------------------------------------------

    def looks_at(self, connection: Address, room: str | None, head: int | None) -> None:
        """The focus is given. `head`: of the room that it had, so far that is known."""
        before = self.focus[connection]
        self.wanted.pop(connection, None)
        self.focus[connection] = room
        large = None if before is None else self.large.get(before)
        if large is not None and head is not None and before != room and not large.asked[1]:
            large.heard, large.told = head, None

    def closed(self, connection: Address) -> None:
        self.focus.pop(connection, None)
        self.wanted.pop(connection, None)
        self.owed = {(one, room) for one, room in self.owed if one is not connection}
