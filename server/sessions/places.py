"""Where a session stands with the actors of its rooms.

A session is *attached* to the rooms of its user, and *visits* others while a command of it is open there (to join, or
to hear that it may not). Either way it watches the room's address, because a command that was sent must be answered
even if the room does not live to do it.
"""

from __future__ import annotations

from msgspec import Struct, structs

from actors import Address
from server.protocol.objects import Room


class Place(Struct):
    """One room's actor.

    Attributes
    ----------
    attachment
        Given by the room; None: not attached.
    attaching
        The reference of the `Attach` that is not answered yet.
    creator
        The reference of the `create_room` that attaching is for.
    read
        How far this session said that its user has read.
    """

    address: Address
    attachment: int | None = None
    attaching: int | None = None
    creator: int | None = None
    read: int = 0


def as_read(room: Room, read: int) -> Room:
    """`room` as it looks to who has read up to `read`, of which the store may not know yet: it is written behind.

    What is unread is then known from above only, until the store knows.
    """
    read = min(read, room.last_seq)
    if read <= room.read_seq:
        return room
    return structs.replace(room, read_seq=read, unread=min(room.unread, room.last_seq - read))
