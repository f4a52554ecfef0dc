"""A place in the log of a room: what is new, what was seen, what is missing.

A place in a log moves by one entry at a time. An entry that was seen is dropped; one that comes too early is held
back while the missing ones are fetched with `log`, so that whoever reads sees each entry once, in order, or is
told that some are missing. Pure.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from clients.happenings import LogEntry
from server.protocol.hello_commands import Cursor

HELD_BACK: Final = 1_000  # entries of a room; what does not fit is fetched again


class Place:
    """A reader's place in the log of one room.

    `seq` is the last entry that was handed on, `newest` the highest that is known to exist.
    """

    __slots__ = ("_held", "ask_at", "asking", "log", "newest", "seq")

    def __init__(self, log: str, seq: int) -> None:
        self.log = log
        self.seq = seq
        self.newest = seq
        self.asking = False
        self.ask_at = 0.0
        self._held: dict[int, LogEntry] = {}

    @property
    def behind(self) -> bool:
        return self.newest > self.seq

    def take(self, entry: LogEntry, seq: int) -> list[LogEntry]:
        """Hand on what is in order now: nothing, the entry, or the entry and what was held back behind it."""
        self.newest = max(self.newest, seq)
        if seq > self.seq and (seq == self.seq + 1 or len(self._held) < HELD_BACK):
            self._held[seq] = entry
        return self._in_order()

    def skip(self, through: int) -> list[LogEntry]:
        """What is missing up to `through` will not come; hand on what was held back behind it.

        `through` may lie before `seq`: then the log is not the one that was read.
        """
        if through < self.seq:
            self._held.clear()
        self.seq = through
        self.newest = max([through, *self._held])
        return self._in_order()

    def skip_missing(self) -> tuple[int, list[LogEntry]]:
        """The log does not give what is missing: skip to the first entry that is there, and hand on from it."""
        through = min((seq for seq in self._held if seq > self.seq), default=self.newest + 1) - 1
        return through, self.skip(through)

    def _in_order(self) -> list[LogEntry]:
        found = []
        while (entry := self._held.pop(self.seq + 1, None)) is not None:
            self.seq += 1
            found.append(entry)
        return found


def resume(places: Mapping[str, Place], rooms: int, size: int) -> dict[str, Cursor]:
    """What to name in `hello`: as many places as fit.

    Parameters
    ----------
    rooms
        The most rooms.
    size
        The most bytes of JSON.
    """
    named: dict[str, Cursor] = {}
    for room, place in places.items():
        size -= len(room) + len(place.log) + len('"":{"log":"","seq":},') + len(str(place.seq))
        if len(named) == rooms or size < 0:
            break
        if place.log:
            named[room] = Cursor(place.log, place.seq)
    return named
