"""How far the logs reach that are followed on other nodes, and something happened in lately: pure, the time passed in.

Told again and again for a while, because it is what an entry that was lost on the way, and has none behind it that
would show the gap, is found by.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from msgspec import Struct

from actors import Address
from server.relays.messages import HeadOf

LATELY_SECONDS: Final = 10.0


class _Head(Struct):
    """Of one room. `until`: how long it is told; None: from when it is looked at next."""

    epoch: int
    last_seq: int
    relays: tuple[Address, ...]
    until: float | None = None


class HeadsTable:
    """The rooms of this node in which something happened lately, and their relays."""

    __slots__ = ("_heads",)

    def __init__(self) -> None:
        self._heads: dict[str, _Head] = {}

    def __bool__(self) -> bool:
        return bool(self._heads)

    def moved(self, room: str, epoch: int, last_seq: int, relays: tuple[Address, ...]) -> None:
        """Entries up to `last_seq` were told to these relays."""
        self._heads[room] = _Head(epoch, last_seq, relays)

    def due(self, now: float) -> Iterable[tuple[Address, HeadOf]]:
        """What is to be told now, to which relay. What has been told for long enough is forgotten."""
        for room, head in list(self._heads.items()):
            if head.until is None:
                head.until = now + LATELY_SECONDS
            if head.until < now:
                del self._heads[room]
                continue
            told = HeadOf(room, head.epoch, head.last_seq)
            for relay in head.relays:
                yield relay, told
