"""People who are put into a database many at a time, and the rows that they and their rooms are: pure.

The rules: what stands in the tables afterwards is what signing up and joining would have left, but for a password.
Everybody comes in the order of their numbers, with all the memberships they will have; so whatever stretch of numbers
is in the database, it is whole: a room has those of its members who have come, and counts them.

Rows are in the order of their tables' indexes, because a b-tree that grows at its end takes them several times as
fast; only the hashes of tokens cannot be.
"""

from __future__ import annotations

import secrets
from bisect import bisect_left
from collections.abc import Callable, Sequence
from typing import Final, NamedTuple, Protocol

from server.protocol.limits import SMALL_ROOM_MEMBERS
from server.protocol.objects import RoomKind
from server.store.bulk import Row
from server.store.ids import encoded, new_id

NO_PASSWORD: Final = "none"  # noqa: S105 - it is what stands where a hash would be, and no password matches it
_RANDOM_BITS: Final = 56
_NUMBER_BITS: Final = 24


class Arrivals(Protocol):
    """Who comes, by number from 0 on, and their rooms, by number. Names, ids and rooms' ids ascend with the numbers."""

    @property
    def count(self) -> int: ...

    def name(self, number: int, /) -> str: ...

    def user(self, number: int, /) -> str: ...

    def token(self, number: int, /) -> str: ...

    def rooms_of(self, number: int, /) -> Sequence[int]: ...

    def room(self, room: int, /) -> str: ...

    def room_name(self, room: int, /) -> str: ...

    def kind_of(self, room: int, /) -> RoomKind:
        """No `dm`."""
        ...

    def size_of(self, room: int, /) -> int: ...

    def members_of(self, room: int, /) -> Sequence[int]:
        """Ascending."""
        ...


class Rows(NamedTuple):
    """Of the tables, for each the columns in `seeding.py`."""

    users: list[Row]
    tokens: list[Row]
    rooms: list[Row]
    growth: list[Row]
    """Of rooms in which somebody was before: how many come, how many entries say so, and the room."""
    members: list[Row]
    entries: list[Row]


def rows_of(arrivals: Arrivals, numbers: range, hashed: Callable[[str], bytes], at: int, joined_at: int) -> Rows:
    """What it takes to bring `numbers` in, those below being there.

    Parameters
    ----------
    hashed
        What the store knows a token by.
    at, joined_at
        When they signed up, and came into their rooms: milliseconds since the epoch.
    """
    users = [(arrivals.user(n), arrivals.name(n), NO_PASSWORD, False, at) for n in numbers]
    tokens = [
        (_session(at, n), hashed(arrivals.token(n)), user[0], at, at) for n, user in zip(numbers, users, strict=True)
    ]
    rows = Rows(users, tokens, [], [], [], [])
    for room, coming in _by_room(arrivals, numbers).items():
        before = bisect_left(arrivals.members_of(room), coming[0])
        _enter(rows, arrivals, room, [users[n - numbers.start] for n in coming], before, joined_at)
    return rows


def _by_room(arrivals: Arrivals, numbers: range) -> dict[int, list[int]]:
    found: dict[int, list[int]] = {}
    for number in numbers:
        for room in arrivals.rooms_of(number):
            found.setdefault(room, []).append(number)
    return found


def _enter(rows: Rows, arrivals: Arrivals, number: int, coming: list[Row], before: int, at: int) -> None:
    """Nothing is unread for those who come: their marks are the head.

    Parameters
    ----------
    coming
        Their rows of `users`.
    before
        How many are in the room.
    """
    room = arrivals.room(number)
    logged = len(coming) if arrivals.size_of(number) <= SMALL_ROOM_MEMBERS else 0
    head = before + logged if logged else 0
    if before:
        rows.growth.append((len(coming), logged, room))
    else:
        kind, name, creator = arrivals.kind_of(number), arrivals.room_name(number), coming[0][0]
        rows.rooms.append((room, new_id("l", at), kind, name, head, len(coming), creator, f"seed-{room}", b"", at))
        rows.members.append((room, creator, coming[0][1], "owner", at, head, head))
    others = coming if before else coming[1:]
    rows.members.extend((room, user[0], user[1], "member", at, head, head) for user in others)
    if logged:
        rows.entries.extend((room, seq, "joined", at, user[0]) for seq, user in enumerate(coming, before + 1))


def _session(at: int, number: int) -> str:
    """An id of a session as others are, but for a number in the place of some of its random bits."""
    return f"s_{encoded(at << _NUMBER_BITS + _RANDOM_BITS | number << _RANDOM_BITS | secrets.randbits(_RANDOM_BITS))}"
