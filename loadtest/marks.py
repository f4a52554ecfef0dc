"""What every posted text begins with: who says it, which of their process's posts it is, when it was sent.

Whoever reads the room can tell from the text alone how old it is and who is to have written it; the same words are the
post's nonce, so that a nonce that is stored twice and a text that was never written are seen without asking anybody.

    ~8c1f0c55a1e2b374.1a2b.7~small~1f3a91e2c4~19aab3c4d5e~ and then whatever was to be said

A run's number (64 random bits), the author's number and the post's, in hexadecimal; a label, by which times are kept
apart; when it was first sent, in nanoseconds of CLOCK_MONOTONIC, which all processes of a machine share, and in
milliseconds of the wall clock, for those elsewhere. Pure; left out: anything that keeps people from writing such texts
themselves (a checker that finds one will say that nobody posted it).
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Final

_SIGN: Final = "~"
_LARGEST: Final = 2**32 - 1  # of authors' numbers and posts': what a ledger has room for
_SAME_CLOCK_NS: Final = 1_000_000_000  # by how much CLOCK_MONOTONIC and the wall clock may disagree on one machine
_LONGEST_NS: Final = 600_000_000_000


@dataclass(frozen=True, slots=True)
class Mark:
    """`run`: 16 hexadecimal digits. `sent`: nanoseconds, CLOCK_MONOTONIC. `wall`: milliseconds since 1970."""

    run: str
    author: int
    number: int
    label: str
    sent: int
    wall: int

    @property
    def nonce(self) -> str:
        return nonce_of(self.run, self.author, self.number)

    def sent_at(self, now: int, wall_now: int) -> int | None:
        """When it was sent on this machine's CLOCK_MONOTONIC, nanoseconds; None where that makes no sense.

        Where the two clocks tell different ages, the post comes from another machine: then the wall clocks count, and
        how far they differ is in every time. What is older than 10 min, or from the future, has no age.
        """
        age, wall_age = now - self.sent, (wall_now - self.wall) * 1_000_000
        if abs(age - wall_age) > _SAME_CLOCK_NS:
            age = wall_age
        return now - age if 0 <= age < _LONGEST_NS else None


def nonce_of(run: str, author: int, number: int) -> str:
    """Under which a post is said and said again."""
    return f"{run}.{author:x}.{number:x}"


def read_nonce(nonce: str) -> tuple[str, int, int] | None:
    """Run, author and number of a nonce of ours; None for others."""
    run, _, rest = nonce.partition(".")
    author, _, number = rest.partition(".")
    try:
        found = run, int(author, 16), int(number, 16)
    except ValueError:
        return None
    in_range = 0 <= found[1] <= _LARGEST and 0 <= found[2] <= _LARGEST
    return found if in_range and nonce_of(*found) == nonce else None


def mark(run: str, author: int, number: int, label: str, sent: int, wall: int) -> str:
    """The beginning of a text. `label` is without `~`."""
    return f"~{nonce_of(run, author, number)}~{label}~{sent:x}~{wall:x}~"


def now_mark(run: str, author: int, number: int, label: str = "") -> str:
    """The same, of this moment."""
    return mark(run, author, number, label, time.monotonic_ns(), time.time_ns() // 1_000_000)


def read_mark(text: str) -> Mark | None:
    """The mark that `text` begins with, if it does."""
    if not text.startswith(_SIGN):
        return None
    parts = text.split(_SIGN, 5)
    if len(parts) < 6:
        return None
    named = read_nonce(parts[1])
    if named is None:
        return None
    try:
        return Mark(*named, parts[2], int(parts[3], 16), int(parts[4], 16))
    except ValueError:
        return None
