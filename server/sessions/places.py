"""Where a session stands with its rooms, and the table of that: pure.

A session is *attached* to the rooms of its user, and *visits* others while a command of it is open there (to join, or
to hear that it may not). Either way it watches the room's address, because a command that was sent must be answered
even if the room does not live to do it.

There may be a hundred thousand sessions, and most have a few rooms. Of one, the table is that room's place itself; up
to `FEW` stand in a tuple, which for two is a third of a dictionary and is looked through as fast as that is asked. None
of it is in the collector's sight, which saves each object 16 bytes: it goes with its session, from which the address
parts at the end.
"""

from __future__ import annotations

from typing import Final

from msgspec import Struct, structs

from actors import Address
from server.protocol.objects import Room

FEW: Final = 4


class Attaching(Struct, gc=False):
    """An attachment that is wanted and not decided.

    Attributes
    ----------
    ref
        The reference of the `Attach` that is not answered yet; None between two tries.
    creator
        The reference of the `create_room` that it is for.
    shown
        How far the user has read for themselves, as clients were told by what the store knew.
    """

    ref: int | None
    creator: int | None = None
    shown: int | None = None


class Place(Struct, gc=False):
    """One room.

    Attributes
    ----------
    address
        The room's actor, found or started, and watched; None: there is none that could be watched.
    head
        The last entry the session has heard of without a gap; None: it does not follow the room.
    attachment
        Given by the room; None: not attached.
    read
        How far its user has read for themselves, as far as this session was told; None: not at all.
    """

    room: str
    address: Address | None = None
    head: int | None = None
    attachment: int | None = None
    read: int | None = None
    attaching: Attaching | None = None

    @property
    def awaits(self) -> int | None:
        """The reference of the `Attach` that is not answered yet."""
        return None if self.attaching is None else self.attaching.ref

    @property
    def creator(self) -> int | None:
        """The reference of the `create_room` that attaching is for."""
        return None if self.attaching is None else self.attaching.creator

    def answered(self, ref: int) -> None:
        """The `Attach` with this reference is; of another one, this says nothing."""
        if self.awaits == ref:
            self.attaching = None if self.creator is None else Attaching(None, self.creator)

    def take_creator(self) -> int | None:
        """The reference of the `create_room` that attaching was for: it can be answered now."""
        creator = self.creator
        if creator is not None:
            self.attaching = None if self.awaits is None else Attaching(self.awaits)
        return creator

    def ended(self) -> None:
        """The room's actor has, and with it what it had given, and would have answered."""
        self.attachment = None
        if self.awaits is not None:
            self.answered(self.awaits)


class Places(Struct, gc=False):
    """The places of a session, by room; in the order in which it came there."""

    _places: Place | tuple[Place, ...] | dict[str, Place] | None = None
    """None, the only one, a few, or more by their rooms."""

    def place(self, room: str) -> Place | None:
        places = self._places
        if type(places) is tuple:
            for place in places:
                if place.room == room:
                    return place
            return None
        if type(places) is dict:
            return places.get(room)
        return places if type(places) is Place and places.room == room else None

    def take_place(self, room: str) -> Place:
        """The place of a room, made if there is none."""
        found = self.place(room)
        if found is not None:
            return found
        made = Place(room)
        if type(self._places) is dict:
            self._places[room] = made
        else:
            self._keep_places((*self.each_place(), made))
        return made

    def drop_place(self, room: str) -> None:
        """Harmless where there is none."""
        if type(self._places) is dict and len(self._places) > FEW + 1:
            self._places.pop(room, None)
        else:
            self._keep_places(tuple(place for place in self.each_place() if place.room != room))

    def _keep_places(self, places: tuple[Place, ...]) -> None:
        """These are all there are now."""
        if len(places) > FEW:
            self._places = {place.room: place for place in places}
        elif len(places) > 1:
            self._places = places
        else:
            self._places = places[0] if places else None

    def each_place(self) -> tuple[Place, ...]:
        """All of them now; not touched by what becomes of the table while they are gone through."""
        places = self._places
        if type(places) is tuple:
            return places
        if type(places) is dict:
            return tuple(places.values())
        return (places,) if type(places) is Place else ()


def as_read(room: Room, read: int | None) -> Room:
    """`room` as it looks to who has read up to `read`, of which the store may not know yet: it is written behind.

    What is unread is then known from above only, until the store knows.
    """
    if read is None or (read := min(read, room.last_seq)) <= room.read_seq:
        return room
    most = room.last_seq - read
    return structs.replace(room, read_seq=read, unread=min(room.unread, most), mentions=min(room.mentions, most))
