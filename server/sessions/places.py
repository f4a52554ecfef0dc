"""Where a session stands with the actors of its rooms.

A session is *attached* to the rooms of its user, and *visits* others while a command of it is open there (to join, or
to hear that it may not). Either way it watches the room's address, because a command that was sent must be answered
even if the room does not live to do it.
"""

from __future__ import annotations

from msgspec import Struct

from actors import Address


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
    """

    address: Address
    attachment: int | None = None
    attaching: int | None = None
    creator: int | None = None
