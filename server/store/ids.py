"""Ids of users, rooms, logs and sessions: a letter that tells what it is, and 26 characters of Crockford's base 32.

The 128 bits are a ULID's (github.com/ulid/spec): 48 of milliseconds, 80 of randomness. Ids made one after the other
lie side by side in the b-trees, and nobody can guess one. What they say about time is a hint for the database, not a
fact to read back. Upper case on purpose: no name of a user or channel can look like an id.
"""

from __future__ import annotations

import secrets
from typing import Final, Literal

Prefix = Literal["u", "r", "s", "l"]

_ALPHABET: Final = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_PAIRS: Final = [first + second for first in _ALPHABET for second in _ALPHABET]
_SHIFTS: Final = range(120, -1, -10)  # two characters at a time: half the work
_RANDOM_BITS: Final = 80


def encoded(number: int) -> str:
    """`number`, below 2**130, as 26 characters whose order is the numbers' order."""
    return "".join([_PAIRS[number >> shift & 1023] for shift in _SHIFTS])


def new_id(prefix: Prefix, at: int) -> str:
    """A fresh id of a user (`u`), room (`r`), session (`s`) or log (`l`), made at `at` ms since the epoch."""
    return f"{prefix}_{encoded(at << _RANDOM_BITS | secrets.randbits(_RANDOM_BITS))}"
