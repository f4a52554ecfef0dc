"""How those look who are in a room and do not just look online, by the place they are at: pure.

A place is this node or a subscription of another one. There is one of these only while somebody looks otherwise.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from server.protocol.showing import PLAIN, Shown, merged

HERE: Final = 0
"""This node. Subscriptions have higher numbers."""

Said = tuple[tuple[str, Shown], ...]
"""How these users look at one place, as nodes tell each other."""


class Appearances:
    """Of one room."""

    __slots__ = ("_shown",)

    def __init__(self) -> None:
        self._shown: dict[tuple[int, str], Shown] = {}

    def __bool__(self) -> bool:
        return bool(self._shown)

    def put(self, place: int, user: str, shown: Shown) -> None:
        if shown == PLAIN:
            self._shown.pop((place, user), None)
        else:
            self._shown[place, user] = shown

    def at(self, place: int, user: str) -> Shown:
        return self._shown.get((place, user), PLAIN)

    def of(self, user: str, places: Iterable[int]) -> Shown:
        """Somebody who is at these places."""
        return merged([self.at(place, user) for place in places])

    def said(self, place: int) -> Said:
        """All who do not just look online there."""
        return tuple((user, shown) for (at, user), shown in self._shown.items() if at == place)

    def users(self) -> set[str]:
        """All who do not just look online somewhere."""
        return {user for _, user in self._shown}

    def leaves(self, place: int, user: str) -> None:
        self._shown.pop((place, user), None)
