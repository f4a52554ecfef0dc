"""Who comes to a load test: names, ids, tokens and rooms of any number of people, all of them computed.

A manifest of a few hundred bytes is all there is (`people.json`): a secret, how many people, and the plan of their
rooms. What anybody's name or token is follows from their number by a keyed hash, so that no process has to hold a
million tokens, `hubbub admin seed` and the clients agree without talking, and the same people can be put into another
database.

The rules: the manifest is as good as all the tokens, so it is for its owner alone, and nothing that is printed or
reported may hold its secret. Numbers, of people and rooms, begin at 0. Ids are as `server/store/ids.py` makes them, a
letter and 128 bits, which begin with the time of the manifest and the number: they ascend with it, and so do names,
because a database takes rows in the order of its indexes three times as fast.
"""

from __future__ import annotations

import os
import secrets
import time
from base64 import urlsafe_b64encode
from collections.abc import Sequence
from hashlib import blake2b
from pathlib import Path
from typing import Annotated, Final, Literal

import msgspec
from msgspec import Meta, Struct

from loadtest.plans import BadPlan, Plan
from server.protocol.limits import SMALL_ROOM_MEMBERS
from server.protocol.objects import RoomKind

_OWNER_ONLY: Final = 0o600
_SECRET_BYTES: Final = 32
_TOKEN_BYTES: Final = 32
_NUMBER_BITS: Final = 24
_HASH_BITS: Final = 56
_TIME_BITS: Final = 48
_ALPHABET: Final = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_PAIRS: Final = [first + second for first in _ALPHABET for second in _ALPHABET]  # ten bits
_SHIFTS: Final = range(120, -1, -10)

Millisecond = Annotated[int, Meta(ge=0, lt=2**_TIME_BITS)]


class BadPeople(ValueError):
    """One line that says what is wrong with a manifest."""


class Manifest(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What `people.json` holds.

    Attributes
    ----------
    secret
        Hexadecimal digits of 32 bytes.
    users
        How many people there are.
    rooms
        The plan (`plans.py`).
    made_at
        Milliseconds since the epoch; ids begin with it.
    """

    version: Literal[1] = 1
    secret: Annotated[str, Meta(pattern=f"^[0-9a-f]{{{2 * _SECRET_BYTES}}}$")]
    users: int
    rooms: str
    made_at: Millisecond


class People:
    """See the top of this file.

    Attributes
    ----------
    count, room_count
        How many people there are, and how many rooms.
    most_rooms
        In how many somebody is, at most.
    made_at
        When the manifest was made, in milliseconds since the epoch.
    tag
        Six characters in the names of these people and rooms, by which they are told from others.

    Raises
    ------
    BadPlan
    """

    __slots__ = (
        "_ids",
        "_manifest",
        "_plan",
        "_times",
        "_tokens",
        "count",
        "made_at",
        "most_rooms",
        "room_count",
        "tag",
    )

    def __init__(self, manifest: Manifest) -> None:
        self._manifest: Final = manifest
        self._plan: Final = Plan(manifest.rooms, manifest.users)
        secret = bytes.fromhex(manifest.secret)
        # Keyed once: a copy of a hash that has taken its key is made in half the time.
        self._tokens: Final = blake2b(key=secret, digest_size=_TOKEN_BYTES, person=b"token")
        self._ids: Final = blake2b(key=secret, digest_size=_HASH_BITS // 8, person=b"id")
        self._times: Final = manifest.made_at << _NUMBER_BITS + _HASH_BITS
        self.count: Final = manifest.users
        self.room_count: Final = self._plan.rooms
        self.most_rooms: Final = self._plan.most_rooms
        self.made_at: Final = manifest.made_at
        self.tag: Final = _characters(int.from_bytes(blake2b(key=secret, person=b"tag").digest()[:16]))[-6:].lower()

    @classmethod
    def made(cls, users: int, rooms: str) -> People:
        """New people, whom no database knows. Raises `BadPlan`."""
        return cls(
            Manifest(
                secret=secrets.token_hex(_SECRET_BYTES),
                users=users,
                rooms=rooms,
                made_at=time.time_ns() // 1_000_000,
            )
        )

    @classmethod
    def read(cls, path: Path) -> People:
        """Those of a manifest. Raises `BadPeople`, `BadPlan`, and `OSError` if it cannot be read."""
        try:
            return cls(msgspec.json.decode(path.read_bytes(), type=Manifest))
        except BadPlan as wrong:
            raise BadPlan(f"{path}: {wrong}") from None
        except (msgspec.DecodeError, UnicodeDecodeError) as wrong:
            raise BadPeople(f"{path} is no manifest of people: {wrong}") from None

    def write(self, path: Path) -> None:
        """As a new file that its owner alone can read. Raises `FileExistsError`, `OSError`."""
        written = msgspec.json.format(msgspec.json.encode(self._manifest)) + b"\n"
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, _OWNER_ONLY)
        with open(descriptor, "wb") as stream:
            stream.write(written)
            stream.flush()
            os.fsync(descriptor)

    @property
    def plan(self) -> str:
        return self._plan.text

    def name(self, number: int) -> str:
        return f"p-{self.tag}-{number:08d}"

    def user(self, number: int) -> str:
        return f"u_{self._id(number, b'u')}"

    def token(self, number: int) -> str:
        """256 bits, as the server's own."""
        return urlsafe_b64encode(_digest(self._tokens, b"%d" % number)).rstrip(b"=").decode()

    def room(self, room: int) -> str:
        return f"r_{self._id(room, b'r')}"

    def room_name(self, room: int) -> str:
        return f"r-{self.tag}-{room:08d}"

    def rooms_of(self, number: int) -> Sequence[int]:
        """Ascending; the first is the largest."""
        return self._plan.rooms_of(number)

    def members_of(self, room: int) -> Sequence[int]:
        """Ascending; a range, unless the room reaches around the end of the circle (`plans.py`)."""
        return self._plan.members_of(room)

    def size_of(self, room: int) -> int:
        return self._plan.size_of(room)

    def kind_of(self, room: int) -> RoomKind:
        """A channel where it is too large for a group, or has everybody in it."""
        size = self._plan.size_of(room)
        return "channel" if size > SMALL_ROOM_MEMBERS or size == self.count else "group"

    def _id(self, number: int, kind: bytes) -> str:
        hashed = int.from_bytes(_digest(self._ids, b"%b%d" % (kind, number)))
        return _characters(self._times | number << _HASH_BITS | hashed)


def _digest(keyed: blake2b, said: bytes) -> bytes:
    hashing = keyed.copy()
    hashing.update(said)
    return hashing.digest()


def _characters(number: int) -> str:
    """`number`, below 2**130, as 26 characters whose order is the numbers' order."""
    return "".join([_PAIRS[number >> shift & 1023] for shift in _SHIFTS])
