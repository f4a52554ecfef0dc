"""How far each client has come in each of its rooms: numbers in arrays, a row of them for each client.

A room is found in a row by the hash of its id (64 bits), because ids are long and can be computed again
(`Roster.rooms_of`); those that cannot are kept. The id of a room's log goes with each cursor: it is kept once for a
room whose members come one after the other, and again where a crowd saw a thousand other rooms in between.

A row never shrinks. Who comes into a further room gets a new, longer row, and the old one is left behind.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterable
from typing import Final

NOWHERE: Final = -1
NO_ROOM: Final = 0
"""Stands where the row of a client in no room begins: at 0."""

_RECENT_ROOMS: Final = 1_024


class Places:
    """Rows of places, by the clients' slots (0, 1, 2 …).

    `first` and `size` of a slot say where its row is in `keys`, `seqs` (how far it has come) and `begans`.
    """

    __slots__ = ("_log_at", "_logs", "_recent", "begans", "first", "keys", "seqs", "size")

    def __init__(self, slots: int) -> None:
        self.first = array("i", bytes(4 * slots))
        self.size = array("H", bytes(2 * slots))
        self.keys = array("q", [NO_ROOM])
        self.seqs = array("q", [0])
        self.begans = array("q", [0])
        self._log_at = array("I", [0])
        self._logs = bytearray()
        self._recent: dict[int, int] = {}

    def find(self, slot: int, key: int) -> int:
        """Where in the arrays the place of a client in a room is, or `NOWHERE`."""
        begin = self.first[slot]
        for at in range(begin, begin + self.size[slot]):
            if self.keys[at] == key:
                return at
        return NOWHERE

    def begin(self, slot: int, key: int, log: str, seq: int) -> None:
        """From here on the client is owed what follows `seq`."""
        at = self.find(slot, key)
        if at == NOWHERE:
            at = self._lengthen(slot)
        self.keys[at] = key
        self.seqs[at] = self.begans[at] = seq
        self._log_at[at] = self._keep(key, log)

    def log(self, at: int) -> str:
        """The id of the log that a place is in."""
        begin = self._log_at[at]
        return self._logs[begin + 1 : begin + 1 + self._logs[begin]].decode()

    def row(self, slot: int) -> range:
        begin = self.first[slot]
        return range(begin, begin + self.size[slot])

    def behind(self, wanted: dict[int, int], slots: Iterable[int] | None) -> int:
        """How many places, of these clients or of all, are not as far as this, by key. About 0.2 us for each place."""
        if not wanted:
            return 0
        keys, seqs = self.keys, self.seqs
        if slots is None:
            return sum(seq < wanted.get(key, 0) for key, seq in zip(keys, seqs, strict=True))
        return sum(seqs[at] < wanted.get(keys[at], 0) for slot in slots for at in self.row(slot))

    def _lengthen(self, slot: int) -> int:
        """Room for one more at the end of a row."""
        begin, size = self.first[slot], self.size[slot]
        end = len(self.keys)
        if begin + size != end:
            for column in (self.keys, self.seqs, self.begans, self._log_at):
                column.extend(column[begin : begin + size])
            self.first[slot] = len(self.keys) - size
            end = len(self.keys)
        for column in (self.keys, self.seqs, self.begans, self._log_at):
            column.append(0)
        self.size[slot] = size + 1
        return end

    def _keep(self, key: int, log: str) -> int:
        data = log.encode()
        at = self._recent.get(key)
        if at is not None and self._logs[at + 1 : at + 1 + self._logs[at]] == data:
            return at
        if len(self._recent) >= _RECENT_ROOMS:
            self._recent.clear()
        at = self._recent[key] = len(self._logs)
        self._logs.append(len(data))
        self._logs += data
        return at
