"""How large a room may be, and how large until it is told differently: the numbers that all rooms share."""

from __future__ import annotations

from typing import Final

from msgspec import Struct

from server.protocol.limits import SMALL_ROOM_MEMBERS


class Sizes(Struct, frozen=True, kw_only=True):
    """In members.

    Attributes
    ----------
    small
        Up to so many, comings and goings, presence and receipts are told one by one.
    most
        More cannot come in.
    """

    small: int = SMALL_ROOM_MEMBERS
    most: int = 100_000


DEFAULT_SIZES: Final = Sizes()
