"""Where a session stands with its rooms, and the table of that: pure.

A session is *attached* to the rooms of its user, and *visits* others while a command of it is open there (to join, or
to hear that it may not). Either way it watches the room's address, because a command that was sent must be answered
even if the room does not live to do it.

There may be a hundred thousand sessions, and most have a few rooms. Up to `FEW` places are a chain, each of which knows
the next: that takes no table, and is looked through as fast as a dictionary is asked. None of it is in the collector's
sight, which saves each object 16 bytes: it goes with its session, from which the address parts at the end.
"""

from __future__ import annotations

from typing import Final

from msgspec import Struct, structs

from actors import Address
from server.protocol.objects import Room

FEW: Final = 4


class Attaching(Struct, gc=False):
    """An attachment that is wanted and not decided: it stands in the place of the one that is given.

    Attributes
    ----------
    ref
        The reference of the `Attach` that is not answered yet; None between two tries.
    creator
        The reference of the `create_room` that it is for.
    shown
        How far the user has read for themselves, as clients were told by what the store knew.
    attachment
        The one that there is meanwhile, if there is any.
    """

    ref: int | None
    creator: int | None = None
    shown: int | None = None
    attachment: int | None = None


class Place(Struct, gc=False):
    """One room.

    Attributes
    ----------
    address
        The room's actor, found or started, and watched; None: there is none that could be watched.
    head
        The last entry the session has heard of without a gap; None: it does not follow the room.
    read
        How far its user has read for themselves, as far as this session was told; None: not at all.
    attached
        The attachment, given by the room; None: not attached. Or that it is wanted.
    next
        The place behind this one, where all of a session are a chain.
    """

    room: str
    address: Address | None = None
    head: int | None = None
    read: int | None = None
    attached: int | Attaching | None = None
    next: Place | None = None

    @property
    def attachment(self) -> int | None:
        """Given by the room; None: not attached."""
        attached = self.attached
        return attached.attachment if isinstance(attached, Attaching) else attached

    @property
    def attaching(self) -> Attaching | None:
        """What is wanted; None: nothing that is not decided."""
        attached = self.attached
        return attached if isinstance(attached, Attaching) else None

    @property
    def awaits(self) -> int | None:
        """The reference of the `Attach` that is not answered yet."""
        return None if self.attaching is None else self.attaching.ref

    @property
    def creator(self) -> int | None:
        """The reference of the `create_room` that attaching is for."""
        return None if self.attaching is None else self.attaching.creator

    @property
    def shown(self) -> int | None:
        """How far clients were told that the user has read, by what the store knew before attaching."""
        return None if self.attaching is None else self.attaching.shown

    def wants(self, ref: int | None, *, creator: int | None = None, shown: int | None = None) -> None:
        """It is to be attached, or attached again. What attaching was for before, it still is."""
        creator = self.creator if creator is None else creator
        shown = self.shown if shown is None else shown
        self.attached = Attaching(ref, creator, shown, self.attachment)

    def given(self, attachment: int | None) -> None:
        """By the room; what is wanted, is so as before. None: what it had given is over."""
        if isinstance(self.attached, Attaching):
            self.attached.attachment = attachment
        else:
            self.attached = attachment

    def answered(self, ref: int) -> None:
        """The `Attach` with this reference is; of another one, this says nothing."""
        if self.awaits == ref:
            self._awaits_only(None, self.creator)

    def take_creator(self) -> int | None:
        """The reference of the `create_room` that attaching was for: it can be answered now."""
        creator = self.creator
        if creator is not None:
            self._awaits_only(self.awaits, None)
        return creator

    def _awaits_only(self, ref: int | None, creator: int | None) -> None:
        attachment = self.attachment
        is_decided = ref is None and creator is None
        self.attached = attachment if is_decided else Attaching(ref, creator, attachment=attachment)

    def ended(self) -> None:
        """The room's actor has, and with it what it had given, and would have answered."""
        self.given(None)
        if self.awaits is not None:
            self.answered(self.awaits)


class Places(Struct, gc=False):
    """The places of a session, by room; in the order in which it came there."""

    _places: Place | dict[str, Place] | None = None
    """None, the first of a few, or more by their rooms."""

    def place(self, room: str) -> Place | None:
        place = self._places
        if isinstance(place, dict):
            return place.get(room)
        while place is not None and place.room != room:
            place = place.next
        return place

    def take_place(self, room: str) -> Place:
        """The place of a room, made if there is none."""
        found = self.place(room)
        if found is not None:
            return found
        made = Place(room)
        if isinstance(self._places, dict):
            self._places[room] = made
        else:
            self._keep_places((*self.each_place(), made))
        return made

    def drop_place(self, room: str) -> None:
        """Harmless where there is none."""
        if isinstance(self._places, dict) and len(self._places) > FEW + 1:
            self._places.pop(room, None)
        else:
            self._keep_places(tuple(place for place in self.each_place() if place.room != room))

    def _keep_places(self, places: tuple[Place, ...]) -> None:
        """These are all there are now."""
        behind: Place | None = None
        for place in reversed(places):
            place.next = behind
            if len(places) <= FEW:
                behind = place
        self._places = {place.room: place for place in places} if len(places) > FEW else behind

    def each_place(self) -> tuple[Place, ...]:
        """All of them now; not touched by what becomes of the table while they are gone through."""
        place = self._places
        if isinstance(place, dict):
            return tuple(place.values())
        found: list[Place] = []
        while place is not None:
            found.append(place)
            place = place.next
        return tuple(found)


def as_read(room: Room, read: int | None) -> Room:
    """`room` as it looks to who has read up to `read`, of which the store may not know yet: it is written behind.

    What is unread is then known from above only, until the store knows.
    """
    if read is None or (read := min(read, room.last_seq)) <= room.read_seq:
        return room
    most = room.last_seq - read
    return structs.replace(room, read_seq=read, unread=min(room.unread, most), mentions=min(room.mentions, most))
