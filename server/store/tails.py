"""Rooms of which the writer knows that something is not in the index: kept in memory only, and looked for in the
database by whoever begins."""

from __future__ import annotations

from collections.abc import Iterable

import trio


class TailsHere:
    """In the order in which they came.

    Attributes
    ----------
    commits
        How many the writer has told of.
    """

    __slots__ = ("_awaited", "_come", "_entries", "_rooms", "commits")

    def __init__(self) -> None:
        self.commits = 0
        self._rooms: dict[str, None] = {}
        self._entries = 0  # in all of these rooms, as far as anybody said
        self._awaited = 1
        self._come: trio.Event | None = None

    def __len__(self) -> int:
        return len(self._rooms)

    def committed(self, rooms: Iterable[str], entries: int) -> None:
        """Something was appended there: on the way of every commit, so it does nothing but remember it."""
        self.commits += 1
        self.remember(rooms, entries)

    def remember(self, rooms: Iterable[str], entries: int) -> None:
        """They have tails, of so many entries altogether."""
        self._rooms.update(dict.fromkeys(rooms))
        self._entries += entries
        if self._come is not None and self._rooms and self._entries >= self._awaited:
            self._come.set()

    async def come(self, entries: int, seconds: float) -> None:
        """Until there are so many entries, or the first has waited so many seconds."""
        await trio.lowlevel.checkpoint()
        await self._until(0)
        with trio.move_on_after(seconds):
            await self._until(entries)

    async def lull(self, seconds: float, entries: int) -> None:
        """Until nothing was committed for so many seconds, or so many entries are too many to wait any longer."""
        while self._entries < entries:
            commits = self.commits
            await trio.sleep(seconds)
            if self.commits == commits:
                return

    def taken(self, most: int) -> tuple[str, ...]:
        """`most` of them. They are to be told again if they are not done: who takes them and dies leaves them to
        whoever looks in the database."""
        rooms = tuple(self._rooms)[:most]
        if rooms:
            self._entries -= self._entries * len(rooms) // len(self._rooms)
        for room in rooms:
            del self._rooms[room]
        return rooms

    async def _until(self, entries: int) -> None:
        while not self._rooms or self._entries < entries:
            self._awaited, self._come = entries, trio.Event()
            await self._come.wait()
        self._come = None
