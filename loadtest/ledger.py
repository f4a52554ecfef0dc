"""What a process of a load test saw, condensed while it runs, for `clients/checker.py` in the end.

A hundred thousand readers of one post are a hundred thousand deliveries, and two facts: what the entry was, and how far
they all have come. So:

- posts and their answers are kept in full, in the order in which their poster saw them, but packed: 38 bytes a post;
- an entry is kept once for each frame that brought it (`Shown`), with a digest of its text: 38 bytes;
- who was given each entry of a room in its turn is a range, told at the end (`Reader`), one for all with the same;
- who was not is kept with everything that it saw out of turn, so that the checker sees what it would have seen.

Nothing is judged here, and nothing of a delivery in its turn comes here at all. Numbers stand for people as their
roster has them; `loadtest/accounts.py` puts the ledgers of all processes together, and asks the checker.
"""

from __future__ import annotations

import hashlib
import secrets
import struct
import time
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

import msgspec

from loadtest.crowd.entries import Entry
from loadtest.marks import read_nonce

POSTED: Final = struct.Struct("<cIIIHd8s")  # number, room, count, life, at, digest
ACKNOWLEDGED: Final = struct.Struct("<cIqB")  # count, seq, duplicate
REFUSED: Final = struct.Struct("<cIB")  # count, final
CLOSED: Final = struct.Struct("<cIIHd")  # number, room, life, at
OWN: Final = struct.Struct("<cIIqHd8s")  # count, room, seq, life, at, digest
SHOWN: Final = struct.Struct("<IIqIHII8s")  # reader, room, seq, author, run, number, count, digest
READER: Final = struct.Struct("<IIqqIB")  # number, room, began, reached, how many, whether they are here

RECORDS: Final = {
    b"P": POSTED,
    b"A": ACKNOWLEDGED,
    b"R": REFUSED,
    b"C": CLOSED,
    b"O": OWN,
}
"""What the journal is made of, by the first byte."""


def digest_of(text: str) -> bytes:
    """What stands for a text: 64 bits of BLAKE2b."""
    return hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=8).digest()


@dataclass(frozen=True, slots=True)
class Reader:
    """Somebody in a room was given what follows `began`, up to `reached`. `is_here`: with an open ear in the end."""

    number: int
    room: str
    began: int
    reached: int
    is_here: bool = True


class Run(msgspec.Struct, frozen=True, array_like=True, tag=True):
    """Entries that came in their turn, behind `after` and up to `through`."""

    after: int
    through: int


class Given(msgspec.Struct, frozen=True, array_like=True, tag=True):
    """An entry that was not the next one."""

    seq: int
    author: str | None
    nonce: str | None
    text: str | None


class Gap(msgspec.Struct, frozen=True, array_like=True, tag=True):
    """The server said that nothing up to here will come."""

    through: int


class Caught(msgspec.Struct, frozen=True, array_like=True, tag=True):
    """The server said that all up to here has come."""

    through: int


Note = Run | Given | Gap | Caught


class Stream(msgspec.Struct, array_like=True):
    """What one reader saw of a room, where something was out of turn. `began`: None if never told of the room."""

    number: int
    room: int
    began: int | None
    notes: list[Note]


class Stray(msgspec.Struct, array_like=True):
    """An entry that is no post of a crowd: whoever saw it, and all it says."""

    number: int
    room: int
    seq: int
    author: str | None
    nonce: str | None
    digest: bytes | None


class Export(msgspec.Struct, array_like=True):
    """A ledger on its way. Records are those of this module; rooms, authors and runs are places in its tables."""

    run: str
    at: float
    rooms: list[str]
    authors: list[str]
    runs: list[str]
    journal: bytes
    shown: bytes
    strays: list[Stray]
    streams: list[Stream]
    readers: bytes


class _Table(dict[str, int]):
    """Words, and the number of each."""

    def __missing__(self, word: str) -> int:
        number = self[word] = len(self)
        return number


class Ledger:
    """Takes notes for one process.

    Attributes
    ----------
    run
        64 random bits that its posts' nonces begin with, hexadecimal.
    posted, acknowledged, refused, gaps, contradictions
        How many of these there were so far: posts that are said again count again, gaps are those that were told of,
        contradictions are entries out of turn.
    heads
        The highest `seq` that was acknowledged, by room.
    """

    def __init__(self) -> None:
        self.run = secrets.token_hex(8)
        self.posted = self.acknowledged = self.refused = self.gaps = self.contradictions = 0
        self.heads: dict[str, int] = {}
        self._rooms = _Table()
        self._authors = _Table()
        self._runs = _Table()
        self._journal = bytearray()
        self._shown = bytearray()
        self._strays: list[Stray] = []
        self._streams: dict[tuple[int, str], Stream] = {}
        self._room_of: dict[int, str] = {}  # of posts without an answer, by count

    def busy(self) -> dict[str, int]:
        """Every room in which anything happened so far, with its head; 0 where nothing was acknowledged."""
        return {room: self.heads.get(room, 0) for room in self._rooms}

    # --- posts ---------------------------------------------------------------------------------------------------

    def was_posted(self, number: int, room: str, count: int, text: str, life: int, at: float) -> None:
        """For each time that it is said. `life`: which connection of that client; `at`: seconds, CLOCK_MONOTONIC."""
        self.posted += 1
        self._room_of[count] = room
        self._journal += POSTED.pack(b"P", number, self._rooms[room], count, life, at, digest_of(text))

    def was_acknowledged(self, count: int, seq: int, *, duplicate: bool) -> None:
        self.acknowledged += 1
        self._journal += ACKNOWLEDGED.pack(b"A", count, seq, duplicate)
        room = self._room_of.pop(count, None)
        if room is not None and seq > self.heads.get(room, 0):
            self.heads[room] = seq

    def was_refused(self, count: int, *, final: bool) -> None:
        """`final`: saying it again is no use."""
        self.refused += 1
        self._journal += REFUSED.pack(b"R", count, final)
        if final:
            self._room_of.pop(count, None)

    def was_closed(self, number: int, life: int, room: str, at: float) -> None:
        """Its connection ended, while it waited for answers in this room."""
        self._journal += CLOSED.pack(b"C", number, self._rooms[room], life, at)

    def saw_own(self, entry: Entry, life: int, at: float) -> None:
        """Its poster was given it on the connection that posted it, and has no answer."""
        assert entry.mark is not None
        assert entry.text is not None
        digest = digest_of(entry.text)
        self._journal += OWN.pack(b"O", entry.mark.number, self._rooms[entry.room], entry.seq, life, at, digest)

    # --- entries -------------------------------------------------------------------------------------------------

    def was_shown(self, number: int, entry: Entry) -> None:
        """An entry is seen by the first of this process."""
        named = None if entry.nonce is None else read_nonce(entry.nonce)
        if named is None or entry.text is None:
            digest = None if entry.text is None else digest_of(entry.text)
            room = self._rooms[entry.room]
            self._strays.append(Stray(number, room, entry.seq, entry.author, entry.nonce, digest))
            return
        run, author, count = named
        place = self._rooms[entry.room], entry.seq, self._authors[entry.author or ""]
        self._shown += SHOWN.pack(number, *place, self._runs[run], author, count, digest_of(entry.text))

    def out_of_turn(self, number: int, entry: Entry, began: int | None, reached: int) -> None:
        """It was given an entry that does not follow `reached`. `began`: None if it was never told of the room."""
        self.contradictions += 1
        self._note(number, entry.room, began, reached, Given(entry.seq, entry.author, entry.nonce, entry.text))

    def was_caught_up(self, number: int, room: str, began: int, reached: int, through: int) -> None:
        """The server said that it has given it all up to `through`."""
        if through > reached:
            self.contradictions += 1
            self._note(number, room, began, reached, Caught(through))

    def was_told_of_gap(self, number: int, room: str, began: int, reached: int, through: int) -> None:
        """The server said that it will not give it what it lacks up to `through`."""
        self.gaps += 1
        self._note(number, room, began, reached, Gap(through))

    def _note(self, number: int, room: str, began: int | None, reached: int, note: Note) -> None:
        stream = self._streams.get((number, room))
        if stream is None:
            stream = self._streams[number, room] = Stream(number, self._rooms[room], began, [])
        _run_on(stream, reached)
        stream.notes.append(note)

    # --- the end -------------------------------------------------------------------------------------------------

    def export(self, readers: Iterable[Reader]) -> bytes:
        """All of it, with where everybody stands now; it may go on afterwards, and be exported again."""
        alike: dict[tuple[int, int, int, bool], list[int]] = {}
        here: list[tuple[int, int]] = []
        for reader in readers:
            room = self._rooms[reader.room]
            stream = self._streams.get((reader.number, reader.room))
            if stream is not None:
                _run_on(stream, reader.reached)
                if reader.is_here:
                    here.append((reader.number, room))
                continue
            found = alike.setdefault((room, reader.began, reader.reached, reader.is_here), [reader.number, 0])
            found[1] += 1
        grouped = b"".join(
            READER.pack(number, room, began, reached, count, is_here)
            for (room, began, reached, is_here), (number, count) in alike.items()
        )
        streams = list(self._streams.values())
        ends = b"".join(READER.pack(number, room, -1, -1, 0, 1) for number, room in here)
        return msgspec.msgpack.encode(
            Export(
                self.run, time.monotonic(), list(self._rooms), list(self._authors), list(self._runs),
                bytes(self._journal), bytes(self._shown), self._strays, streams, grouped + ends,
            )
        )  # fmt: skip


def _run_on(stream: Stream, reached: int) -> None:
    """What came in its turn since the last note."""
    before = _reached(stream)
    if reached > before:
        stream.notes.append(Run(before, reached))


def _reached(stream: Stream) -> int:
    """How far its reader has come by its notes."""
    reached = stream.began or 0
    for note in stream.notes:
        reached = max(reached, note.seq if isinstance(note, Given) else note.through)
    return reached
