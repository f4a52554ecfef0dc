"""People and rooms put into a fresh store in bulk, by what seeds load tests (`server/store/seeding.py`).

Here everybody is kept, with a token, because benchmarks look people up by room; and rooms are as small as they are
asked for, and still channels, because most figures are about those.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import accumulate, islice
from pathlib import Path

from server.accounts.tokens import token_hash
from server.protocol.objects import RoomKind
from server.store.ids import new_id
from server.store.opening import open_store
from server.store.seeding import PRAGMAS
from server.store.seeding import seed as bring


@dataclass(frozen=True, slots=True)
class Person:
    user: str
    token: str
    rooms: tuple[str, ...]
    """All of them with the same people; most figures need the first only."""

    @property
    def room(self) -> str:
        return self.rooms[0]


@dataclass(frozen=True)
class People:
    """Everyone, by those who are in rooms together; as `Arrivals`, too: one after the other, and room after room."""

    rooms: list[list[Person]]
    rooms_each: int = 1

    def arrivals(self) -> list[tuple[str, str]]:
        """Everybody's token and room."""
        return [(person.token, person.room) for person in self._everybody]

    @property
    def count(self) -> int:
        return len(self._everybody)

    def name(self, number: int) -> str:
        return f"p{number:08d}"

    def user(self, number: int) -> str:
        return self._everybody[number].user

    def token(self, number: int) -> str:
        return self._everybody[number].token

    def rooms_of(self, number: int) -> Sequence[int]:
        first = self._groups[number] * self.rooms_each
        return range(first, first + self.rooms_each)

    def room(self, room: int) -> str:
        group, nth = divmod(room, self.rooms_each)
        return self.rooms[group][0].rooms[nth]

    def room_name(self, room: int) -> str:
        return f"room{room}"

    def kind_of(self, room: int) -> RoomKind:
        return "channel" if self.size_of(room) > 2 else "group"

    def size_of(self, room: int) -> int:
        return len(self.rooms[room // self.rooms_each])

    def members_of(self, room: int) -> Sequence[int]:
        first = self._firsts[room // self.rooms_each]
        return range(first, first + self.size_of(room))

    @cached_property
    def _everybody(self) -> list[Person]:
        return [person for room in self.rooms for person in room]

    @cached_property
    def _groups(self) -> list[int]:
        return [group for group, people in enumerate(self.rooms) for _ in people]

    @cached_property
    def _firsts(self) -> list[int]:
        return list(accumulate(map(len, self.rooms), initial=0))


def seed(data: Path, sizes: list[int], rooms_each: int = 1, database: str = "") -> People:
    """Make a data directory with so many rooms of each size, with the same people; channels where they are large.

    With `database`, the URL of one, into that.
    """
    at = time.time_ns() // 1_000_000
    users = iter(sorted(new_id("u", at) for _ in range(sum(sizes))))
    people = People([_people(list(islice(users, size)), rooms_each, at) for size in sizes], rooms_each)
    with open_store(data, PRAGMAS, database=database) as store:
        bring(store, people, token_hash, at)
    return people


def _people(users: list[str], rooms_each: int, at: int) -> list[Person]:
    rooms = tuple(new_id("r", at) for _ in range(rooms_each))
    return [Person(user, secrets.token_urlsafe(32), rooms) for user in users]
