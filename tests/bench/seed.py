"""People and rooms put into a fresh store in bulk, with tokens but no passwords: hashing those takes hours.

What stands in the tables afterwards is what registering and joining would have left.
"""

from __future__ import annotations

import hashlib
import secrets
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, insert

from server.store import tables
from server.store.ids import new_id
from server.store.opening import open_store


@dataclass(frozen=True, slots=True)
class Person:
    user: str
    token: str
    rooms: tuple[str, ...]
    """All of them with the same people; most figures need the first only."""

    @property
    def room(self) -> str:
        return self.rooms[0]


@dataclass(frozen=True, slots=True)
class People:
    """Everyone, by those who are in rooms together."""

    rooms: list[list[Person]]

    def arrivals(self) -> list[tuple[str, str]]:
        """Everybody's token and room."""
        return [(person.token, person.room) for room in self.rooms for person in room]


def seed(data: Path, sizes: list[int], rooms_each: int = 1, database: str = "") -> People:
    """Make a data directory with so many rooms of each size, with the same people; channels where they are large.

    With `database`, the URL of one, into that.
    """
    at = int(time.time() * 1000)
    people = People([_people(size, rooms_each, at) for size in sizes])
    with open_store(data, database=database) as store, store.writing.begin() as connection:
        for number, members in enumerate(people.rooms):
            names = [f"p{number}.{n}" for n in range(len(members))]
            _write_people(connection, names, members, at)
            for nth, room in enumerate(members[0].rooms):
                _write_room(connection, room, f"room{number}-{nth}", names, members, at)
    return people


def _people(size: int, rooms_each: int, at: int) -> list[Person]:
    rooms = tuple(new_id("r", at) for _ in range(rooms_each))
    return [Person(new_id("u", at), secrets.token_urlsafe(32), rooms) for _ in range(size)]


def _write_people(connection: Connection, names: list[str], people: list[Person], at: int) -> None:
    connection.execute(
        insert(tables.users),
        [
            {"id": person.user, "name": name, "password_hash": "none", "administrator": False, "created_at": at}
            for person, name in zip(people, names, strict=True)
        ],
    )
    connection.execute(
        insert(tables.tokens),
        [
            {
                "id": new_id("s", at),
                "hash": hashlib.sha256(person.token.encode()).digest(),
                "user_id": person.user,
                "created_at": at,
                "last_used": at,
            }
            for person in people
        ],
    )


def _write_room(connection: Connection, room: str, title: str, names: list[str], people: list[Person], at: int) -> None:
    channel, logged = len(people) > 2, len(people) if len(people) <= 256 else 0
    connection.execute(
        insert(tables.rooms),
        {
            "id": room,
            "log": new_id("l", at),
            "kind": "channel" if channel else "group",
            "name": title,
            "last_seq": logged,
            "members": len(people),
            "creator": people[0].user,
            "nonce": f"seed-{title}",
            "digest": b"",
            "created_at": at,
        },
    )
    connection.execute(
        insert(tables.members),
        [
            {
                "room_id": room,
                "user_id": person.user,
                "name": name,
                "role": "member",
                "joined_at": at,
                "received": 0,
                "read": 0,
            }
            for person, name in zip(people, names, strict=True)
        ],
    )
    if logged:
        joined = [_joined(room, person, seq, at) for seq, person in enumerate(people, 1)]
        connection.execute(insert(tables.entries), joined)


def _joined(room: str, person: Person, seq: int, at: int) -> dict[str, Any]:
    return {"room_id": room, "seq": seq, "kind": "joined", "at": at, "user_id": person.user}
