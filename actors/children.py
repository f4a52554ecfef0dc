"""Children: those of a dynamic supervisor, by key, in dictionaries that never grow large.

A dictionary that is full copies itself into one of twice the size: with 700,000 entries that takes 25 ms, in
which nothing else runs. So one that holds `PIECE` is left as it is, and the next children go into another. Up to that
many children there is one dictionary, and this costs nothing; beyond, a key is looked for in each of a few.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterator
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from actors.address import Address

PIECE = 349_525
"""So many fit into a table of 2**19 places: the largest that is made in about 5 ms."""


class Children:
    """Addresses by key.

    Attributes:
        newest: where the next one goes; `Dynamic.start` puts it there itself, then calls `turn` once this holds
            `PIECE`.
        older: those with more in them; mostly none.
    """

    __slots__ = ("newest", "older")

    def __init__(self) -> None:
        self.newest: dict[Hashable, Address] = {}
        self.older: list[dict[Hashable, Address]] = []

    def __len__(self) -> int:
        return len(self.newest) + sum(map(len, self.older))

    def __iter__(self) -> Iterator[Address]:
        for piece in self.older:
            yield from piece.values()
        yield from self.newest.values()

    def find(self, key: Hashable) -> Address | None:
        """The one with this key."""
        found = self.newest.get(key)
        if found is None:
            for piece in self.older:
                found = piece.get(key)
                if found is not None:
                    break
        return found

    def pop(self, key: Hashable) -> Address | None:
        """Take out the one with this key."""
        for piece in (self.newest, *self.older):
            if key in piece:
                return piece.pop(key)
        return None

    def pop_last(self) -> Address:
        """Take out one, of those that came last. Raises KeyError if there is none."""
        while not self.newest and self.older:
            self.newest = self.older.pop()
        return self.newest.popitem()[1]

    def turn(self) -> None:
        """The newest is full: go on in the emptiest of the others if half of it is free, or in one more."""
        emptiest = min(self.older, key=len, default=self.newest)
        if len(emptiest) > PIECE // 2:
            emptiest = {}
        self.older = [piece for piece in (*self.older, self.newest) if piece is not emptiest]
        self.newest = emptiest
