"""Lists of keys to ask for, in few lengths, and not too many at once: pure.

Every length of an `IN (…)` is another statement, which has to be compiled, and is kept by its connection: about 10 KiB
each, and a crowd that signs in comes in portions of all sizes. So a list is made as long as a power of two, by
repeating its last key; asking for a key twice finds it once.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Final, TypeVar

K = TypeVar("K")

LOOKED_UP_AT_ONCE: Final = 300
"""Keys in one statement, whose text grows with them."""


def padded(keys: Iterable[K]) -> list[K]:
    """`keys`, and the last of them again until there are 1, 2, 4, 8 …; none, if there are none."""
    listed = list(keys)
    if not listed:
        return listed
    length = 1 << (len(listed) - 1).bit_length()
    return listed + listed[-1:] * (length - len(listed))


def portions(keys: Sequence[K]) -> Iterator[Sequence[K]]:
    """`keys`, as many at a time as one statement asks for."""
    return (keys[i : i + LOOKED_UP_AT_ONCE] for i in range(0, len(keys), LOOKED_UP_AT_ONCE))
