"""What a harness writes down of a run: what was sent, answered and delivered, and what the log of each room holds.

A fact is what one side claims; `checker.py` says which of them cannot all be true. As there, nothing but the standard
library is imported.
"""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass

Name = Hashable
Content = Hashable
"""A digest, a number or the text itself: all that matters is whether two are equal."""


@dataclass(frozen=True, slots=True)
class Posted:
    """`who` sent this post. A retry is fed again: one fact for each time it was sent."""

    who: Name
    room: Name
    nonce: Name
    content: Content
    connection: Name = None
    at: float = 0.0


@dataclass(frozen=True, slots=True)
class Acknowledged:
    who: Name
    room: Name
    nonce: Name
    seq: int
    duplicate: bool = False


@dataclass(frozen=True, slots=True)
class Refused:
    """`final`: the answer said that nothing was done and a retry is no use; not so `unavailable`."""

    who: Name
    room: Name
    nonce: Name
    final: bool = False


@dataclass(frozen=True, slots=True)
class Closed:
    """The connection ended, so what it still waited for need not be answered any more."""

    connection: Name
    at: float


@dataclass(frozen=True, slots=True)
class Began:
    """From here on `reader` is owed every entry of the room behind `after`.

    A reader is a lineage of connections: one that comes back and resumes is the same reader.
    """

    reader: Name
    room: Name
    after: int


@dataclass(frozen=True, slots=True)
class LookedAway:
    """From here on `reader` is owed nothing of the room, until it `Began` again: it is told how it stands instead."""

    reader: Name
    room: Name


@dataclass(frozen=True, slots=True)
class Delivered:
    """`reader` was given an entry. Entries that are no messages have no author, nonce and content."""

    reader: Name
    room: Name
    seq: int
    who: Name = None
    nonce: Name = None
    content: Content = None
    connection: Name = None
    at: float = 0.0


@dataclass(frozen=True, slots=True)
class Shown:
    """What an entry was that `reader`, among others, was given. That each came in its turn is told by `Followed`.

    Together they say what a `Delivered` for each of many readers would, in as few facts as there are entries.
    """

    reader: Name
    room: Name
    seq: int
    who: Name = None
    nonce: Name = None
    content: Content = None
    connection: Name = None
    at: float = 0.0


@dataclass(frozen=True, slots=True)
class Followed:
    """`reader` was given every entry behind `after` up to `through`, each once and in order.

    So were as many other ones as `readers` says, counting this one: `reader` stands for all of them.
    """

    reader: Name
    room: Name
    after: int
    through: int
    readers: int = 1


@dataclass(frozen=True, slots=True)
class GapTold:
    """`reader` was told that it will not be given what it lacks up to `through`."""

    reader: Name
    room: Name
    through: int


@dataclass(frozen=True, slots=True)
class CaughtUp:
    """`reader` was told that it has everything up to `through` (a recovery that ended, the end of a run)."""

    reader: Name
    room: Name
    through: int


@dataclass(frozen=True, slots=True)
class Stored:
    """The log holds this entry. Every entry of a room is fed once, messages or not: the log has no gaps."""

    room: Name
    seq: int
    who: Name = None
    nonce: Name = None
    content: Content = None


@dataclass(frozen=True, slots=True)
class Opened:
    """The log was read from behind `after` only: of what it holds up to there nothing is known, and nothing is said."""

    room: Name
    after: int


Fact = (
    Posted
    | Acknowledged
    | Refused
    | Closed
    | Began
    | LookedAway
    | Delivered
    | Shown
    | Followed
    | GapTold
    | CaughtUp
    | Stored
    | Opened
)
