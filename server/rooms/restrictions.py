"""Who may not come into a room, and who may not post in it: what an open room makes of it; pure.

Most rooms keep nobody from anything, and then there is no object for it. Times are of the room's clock, in seconds: the
store says how much longer something lasts, so a wall clock that steps does not matter.
"""

from __future__ import annotations

from math import inf
from typing import Final

from msgspec import structs

from server.store.messages import RoomRecord
from server.store.room_changes import Restrictions

SAME_SECONDS: Final = 10.0
"""A mute that ends so soon after, or before, the one that is there is its retry."""


def begun(record: RoomRecord, now: float, before: Restrictions | None = None) -> RoomRecord:
    """A room as the store has told it, from now on. `before`: what was known of it, and is in no store."""
    told = record.restrictions
    if told is None:
        return record
    muted = {user: now + seconds for user, seconds in told.muted.items()}
    quiet_until = now + told.quiet_until if told.quiet_until else 0.0
    posted = None if before is None else before.posted
    kept = Restrictions(told.banned, muted, quiet_until, told.quiet_told, told.rights, posted)
    return structs.replace(record, restrictions=kept)


def end_of(seconds: int | None, now: float) -> float:
    """Of a mute that begins now. None: it has none. 0: it is lifted."""
    return inf if seconds is None else now + seconds


def muted_until(restrictions: Restrictions | None, user: str | None) -> float:
    """None: how long the room is."""
    if restrictions is None:
        return 0.0
    return restrictions.quiet_until if user is None else restrictions.muted.get(user, 0.0)


def mute(restrictions: Restrictions, user: str, until: float, now: float) -> None:
    """What is over is forgotten."""
    restrictions.muted = {one: its for one, its in restrictions.muted.items() if its > now}
    if until > now:
        restrictions.muted[user] = until
    else:
        restrictions.muted.pop(user, None)


def mute_room(restrictions: Restrictions, until: float, told: str, now: float) -> None:
    """`told`: what people are told of `until`."""
    is_quiet = until > now
    restrictions.quiet_until, restrictions.quiet_told = (until, told) if is_quiet else (0.0, None)


def is_the_same(until: float, other: float, now: float) -> bool:
    """Whether to have the one after the other changes nothing."""
    if until <= now or other <= now:
        return until <= now and other <= now
    return until == other or abs(until - other) < SAME_SECONDS
