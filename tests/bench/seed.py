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
    room: str


@dataclass(frozen=True, slots=True)
class People:
    """Everyone, room by room; each is a member of one room."""

    rooms: list[list[Person]]

    def arrivals(self) -> list[tuple[str, str]]:
        """Everybody's token and room."""
        return [(person.token, person.room) for room in self.rooms for person in room]


def seed(data: Path, sizes: list[int]) -> People:
    """Make a data directory with one room of each size, a channel where it is large."""
    at = int(time.time() * 1000)
    people = People([_room_of(size, at) for size in sizes])
    with open_store(data) as store, store.writing.begin() as connection:
        for number, room in enumerate(people.rooms):
            _write(connection, number, room, at)
    return people


def _room_of(size: int, at: int) -> list[Person]:
    room = new_id("r", at)
    return [Person(new_id("u", at), secrets.token_urlsafe(32), room) for _ in range(size)]


def _write(connection: Connection, number: int, people: list[Person], at: int) -> None:
    names = [f"p{number}.{n}" for n in range(len(people))]
    room, channel = people[0].room, len(people) > 2
    logged = len(people) if len(people) <= 256 else 0
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
    connection.execute(
        insert(tables.rooms),
        {
            "id": room,
            "log": new_id("l", at),
            "kind": "channel" if channel else "group",
            "name": f"room{number}",
            "last_seq": logged,
            "members": len(people),
            "creator": people[0].user,
            "nonce": f"seed-{number}",
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
        connection.execute(insert(tables.entries), [_joined(person, seq, at) for seq, person in enumerate(people, 1)])


def _joined(person: Person, seq: int, at: int) -> dict[str, Any]:
    return {"room_id": person.room, "seq": seq, "kind": "joined", "at": at, "user_id": person.user}
