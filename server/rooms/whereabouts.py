"""With which subscriptions the users of one large room are: a dictionary in parts.

A dictionary that grows copies all it has at once. With 700,000 users that was a quarter of a second in which nobody
else of the node had a turn, and enough for the room to be taken for a runaway. Of many parts each copies its own.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain
from typing import Final

from actors.few import Few

WHOLE: Final = 8_192
"""Up to so many users it is one dictionary: 256 empty ones are 18 KB."""

_PARTS: Final = 256
_SHIFT: Final = 32  # a dictionary goes by the lower bits of a hash, so the parts go by higher ones


class Whereabouts:
    """The numbers of the subscriptions that users are with; who is with none is not in it."""

    __slots__ = ("_count", "_parts")

    def __init__(self) -> None:
        self._count = 0
        self._parts: tuple[dict[str, Few[int]], ...] = ({},)

    def __len__(self) -> int:
        return self._count

    def __contains__(self, user: str) -> bool:
        return user in self._part(user)

    def __iter__(self) -> Iterator[str]:
        return chain.from_iterable(self._parts)

    def items(self) -> Iterator[tuple[str, Few[int]]]:
        return chain.from_iterable(part.items() for part in self._parts)

    def get(self, user: str) -> Few[int]:
        """None: with none."""
        return self._part(user).get(user)

    def put(self, user: str, numbers: Few[int]) -> None:
        """`numbers`: all there are now; None: none."""
        part = self._part(user)
        before = len(part)
        if numbers is None:
            part.pop(user, None)
        else:
            part[user] = numbers
        self._count += len(part) - before
        if self._count > WHOLE and len(self._parts) == 1:
            self._divide()

    def _divide(self) -> None:
        (whole,) = self._parts
        self._parts = tuple({} for _ in range(_PARTS))
        for user, numbers in whole.items():
            self._part(user)[user] = numbers

    def _part(self, user: str) -> dict[str, Few[int]]:
        parts = self._parts
        return parts[0] if len(parts) == 1 else parts[hash(user) >> _SHIFT & _PARTS - 1]
