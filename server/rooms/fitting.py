"""How much of what was found goes into one reply: pure.

A page may hold less than was asked for: two hundred texts of the longest kind would be a frame of megabytes.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final, TypeVar

PAGE_CODE_POINTS: Final = 64_000

Item = TypeVar("Item")


def fitting(items: Sequence[Item], length: Callable[[Item], int], most: int = PAGE_CODE_POINTS) -> Sequence[Item]:
    """The first of `items` whose lengths add up to `most` at the most; always at least one, if there is any."""
    total = 0
    for index, item in enumerate(items):
        total += length(item)
        if total > most and index:
            return items[:index]
    return items
