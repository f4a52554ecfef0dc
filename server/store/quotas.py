"""How much there may be of what people make: checked inside the transaction that would exceed it."""

from __future__ import annotations

from typing import Final

from msgspec import Struct

from server.protocol.errors import ErrorCode, Refusal
from server.protocol.limits import RESUME_ROOMS

UNLIMITED: Final = 2**53
"""More of anything than there will ever be."""


class Quotas(Struct, frozen=True, kw_only=True):
    """See the top of this file.

    Attributes
    ----------
    rooms
        That one user may be in; by default as many as `hello` can resume.
    members
        Of one room. The room itself sees to it, but for its first ones.
    """

    rooms: int = RESUME_ROOMS
    members: int = 100_000


def too_many_rooms(*, who_asks: bool) -> Refusal:
    """`who_asks`: whether it is the one who asks that is in so many rooms, or somebody who was to be added."""
    return Refusal(
        ErrorCode.LIMIT_REACHED,
        "you are in as many rooms as you may be" if who_asks else "somebody named is in as many rooms as they may be",
    )


def too_many_members() -> Refusal:
    return Refusal(ErrorCode.LIMIT_REACHED, "the room would have more members than it may")
