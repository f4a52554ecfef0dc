"""What few rooms have: who may not come in, and who may not post, other rights, an icon. What an open room makes of it;
pure.

Most rooms have none of it, and then there is no object for it. Times are of the room's clock, in seconds: the
store says how much longer something lasts, so a wall clock that steps does not matter.
"""

from __future__ import annotations

from math import inf
from typing import Final

from msgspec import structs

from server.store.room_changes import Particulars
from server.store.room_messages import RoomRecord

SAME_SECONDS: Final = 10.0
"""A mute that ends so soon after, or before, the one that is there is its retry."""


def begun(record: RoomRecord, now: float, before: Particulars | None = None) -> RoomRecord:
    """A room as the store has told it, from now on. `before`: what was known of it, and is in no store."""
    told = record.particulars
    if told is None:
        return record
    muted = {user: now + seconds for user, seconds in told.muted.items()}
    quiet_until = now + told.quiet_until if told.quiet_until else 0.0
    posted = None if before is None else before.posted
    kept = structs.replace(told, muted=muted, quiet_until=quiet_until, posted=posted)
    return structs.replace(record, particulars=kept)


def end_of(seconds: int | None, now: float) -> float:
    """Of a mute that begins now. None: it has none. 0: it is lifted."""
    return inf if seconds is None else now + seconds


def muted_until(particulars: Particulars | None, user: str | None) -> float:
    """None: how long the room is."""
    if particulars is None:
        return 0.0
    return particulars.quiet_until if user is None else particulars.muted.get(user, 0.0)


def mute(particulars: Particulars, user: str, until: float, now: float) -> None:
    """What is over is forgotten."""
    particulars.muted = {one: its for one, its in particulars.muted.items() if its > now}
    if until > now:
        particulars.muted[user] = until
    else:
        particulars.muted.pop(user, None)


def mute_room(particulars: Particulars, until: float, told: str, now: float) -> None:
    """`told`: what people are told of `until`."""
    is_quiet = until > now
    particulars.quiet_until, particulars.quiet_told = (until, told) if is_quiet else (0.0, None)


def is_the_same(until: float, other: float, now: float) -> bool:
    """Whether to have the one after the other changes nothing."""
    if until <= now or other <= now:
        return until <= now and other <= now
    return until == other or abs(until - other) < SAME_SECONDS
