"""Rooms of which the writer knows that something is not in the index: kept in memory only, and looked for in the
database by whoever begins."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

import trio

AT_ONCE: Final = 50


class TailsHere:
    """In the order in which they came.

    Attributes
    ----------
    commits
        How many the writer has told of.
    """

    __slots__ = ("_come", "_rooms", "commits")

    def __init__(self) -> None:
        self.commits = 0
        self._rooms: dict[str, None] = {}
        self._come: trio.Event | None = None

    def __len__(self) -> int:
        return len(self._rooms)

    def committed(self, rooms: Iterable[str]) -> None:
        """Something was appended there: on the way of every commit, so it does nothing but remember it."""
        self.commits += 1
        self.remember(rooms)

    def remember(self, rooms: Iterable[str]) -> None:
        """They have tails."""
        self._rooms.update(dict.fromkeys(rooms))
        if self._come is not None:
            self._come.set()

    async def some(self) -> tuple[str, ...]:
        """A few of them, as soon as there are any. They are to be told again if they are not done: who takes them and
        dies leaves them to whoever looks in the database."""
        await trio.lowlevel.checkpoint()
        while not self._rooms:
            self._come = trio.Event()
            await self._come.wait()
        self._come = None
        rooms = tuple(self._rooms)[:AT_ONCE]
        for room in rooms:
            del self._rooms[room]
        return rooms
