"""How far people have received and read, as it was acknowledged, until it is told and on disk: pure.

A room writes marks behind, once a second. If it crashes before that, or the writer does, its next life finds them here:
so nothing is unread again that somebody was told is read. What is here outlives rooms, and not their process.

Whoever has nothing unfinished is not in here, so it is as small as what was read within the last second.
"""

from __future__ import annotations

from msgspec import Struct

from server.store.room_messages import Mark

Told = tuple[int, int]
"""What others had been told of received and read."""


class Pending(Struct):
    """`told`: what others know of it, who are to be told; None: nobody is."""

    mark: Mark
    told: Told | None
    is_saved: bool = False


class Unfinished:
    """The marks of all rooms of a process that are not both told and on disk."""

    __slots__ = ("_rooms",)

    def __init__(self) -> None:
        self._rooms: dict[str, dict[str, Pending]] = {}

    def note(self, room: str, mark: Mark, told: Told | None) -> None:
        """This is acknowledged now."""
        self._rooms.setdefault(room, {})[mark.user] = Pending(mark, told)

    def of(self, room: str) -> list[Pending]:
        return list(self._rooms.get(room, {}).values())

    def saved(self, room: str, mark: Mark) -> None:
        """This is on disk, which a later one of the same user is not."""
        pending = self._rooms.get(room, {}).get(mark.user)
        if pending is not None and pending.mark == mark:
            pending.is_saved = True
            self._sweep(room, pending)

    def told(self, room: str, user: str) -> None:
        """Others know."""
        if (pending := self._rooms.get(room, {}).get(user)) is not None:
            pending.told = None
            self._sweep(room, pending)

    def drop(self, room: str, user: str) -> None:
        """Who is no member any more has none."""
        if (people := self._rooms.get(room)) is not None:
            people.pop(user, None)
            if not people:
                del self._rooms[room]

    def forget(self, room: str) -> None:
        """It has ended in order, and may be another process's from now on."""
        self._rooms.pop(room, None)

    def _sweep(self, room: str, pending: Pending) -> None:
        if pending.is_saved and pending.told is None:
            self.drop(room, pending.mark.user)
