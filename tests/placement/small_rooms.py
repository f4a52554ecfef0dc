"""Rooms without a store: they end as rooms do."""

from __future__ import annotations

from actors import Actor
from server.rooms.messages import HandOver, Orphaned


class SmallRoom(Actor):
    """Ends when it is handed over or orphaned, unless it is to be stubborn."""

    __slots__ = ("_stubborn",)

    def __init__(self, stubborn: set[object]) -> None:
        self._stubborn = stubborn

    def receive(self, message: object) -> None:
        if isinstance(message, HandOver | Orphaned) and self.address.name not in self._stubborn:
            self.stop()
