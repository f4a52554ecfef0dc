"""The ledgers of all processes of a load test, put together and held against the logs: what the checker says of them.

A room at a time: all that is claimed of one, and its log, is all that has to be in memory. Times in a ledger are by the
clock of its machine; here they are seconds before its end, which all have in common.
"""

from __future__ import annotations

from array import array
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from typing import Protocol

import msgspec

from clients.checker import Checker
from clients.facts import (
    Acknowledged,
    Began,
    CaughtUp,
    Closed,
    Content,
    Delivered,
    Fact,
    Followed,
    GapTold,
    Opened,
    Posted,
    Refused,
    Shown,
    Stored,
)
from clients.findings import Finding
from loadtest import ledger
from loadtest.ledger import Caught, Export, Gap, Given, Run, Stray, Stream, digest_of
from loadtest.marks import nonce_of


class Names(Protocol):
    """Who the numbers are; `loadtest/people.py` computes it."""

    def user(self, number: int) -> str: ...


class Accounts:
    """What a number of ledgers say.

    Parameters
    ----------
    exports
        Of `Ledger.export`.
    names
        The people whose numbers stand in them.

    Raises
    ------
    msgspec.DecodeError
        It is no export.
    """

    def __init__(self, exports: Iterable[bytes], names: Names) -> None:
        self._books = [_Book(msgspec.msgpack.decode(export, type=Export), names.user) for export in exports]

    def rooms(self) -> list[str]:
        """Where anything was posted, seen or out of turn, by their ids. In the others there is nothing to be judged."""
        return sorted({room for book in self._books for room in book.busy_rooms()})

    def readers(self, room: str) -> int:
        """How many people were in a room, by their own account."""
        return sum(book.readers(room) for book in self._books)

    @property
    def posts(self) -> int:
        """How many there were; one that was said again is one."""
        return sum(book.posts for book in self._books)

    def began(self, room: str) -> int:
        """Behind which entry of a room all that is told of it here began."""
        return min((began for book in self._books for began in book.began(room)), default=0)

    def judge(self, room: str, stored: Iterable[Stored], after: int = 0) -> list[Finding]:
        """Every promise that was broken in this room.

        `stored` is its whole log behind `after`, with texts as contents. Whoever is there in the end is owed all that
        is in it.
        """
        checker = Checker()
        checker.feed(Opened(room, after))
        for book in self._books:
            for fact in book.facts(room):
                checker.feed(fact)
        end = after
        for entry in stored:
            checker.feed(replace(entry, content=content_of(entry.content)))
            end = max(end, entry.seq)
        for book in self._books:
            for reader in book.here(room):
                checker.feed(CaughtUp(reader, room, end))
        return checker.findings(now=0.0)


def content_of(content: Content) -> Content:
    """What a text is compared by."""
    return digest_of(content).hex() if isinstance(content, str) else content


class _Book:
    """One ledger, by room."""

    def __init__(self, export: Export, user: Callable[[int], str]) -> None:
        self._export = export
        self._user = user
        self._rooms = {room: number for number, room in enumerate(export.rooms)}
        self._posts: dict[int, tuple[int, int]] = {}  # author and room, by count
        self._journal: dict[int, array[int]] = defaultdict(_offsets)
        self._shown: dict[int, array[int]] = defaultdict(_offsets)
        self._readers: dict[int, array[int]] = defaultdict(_offsets)
        self._strays: dict[int, list[Stray]] = defaultdict(list)
        self._streams: dict[int, list[Stream]] = defaultdict(list)
        self._read_journal()
        for at in range(0, len(export.shown), ledger.SHOWN.size):
            self._shown[ledger.SHOWN.unpack_from(export.shown, at)[1]].append(at)
        for at in range(0, len(export.readers), ledger.READER.size):
            self._readers[ledger.READER.unpack_from(export.readers, at)[1]].append(at)
        for stray in export.strays:
            self._strays[stray.room].append(stray)
        for stream in export.streams:
            self._streams[stream.room].append(stream)

    def _read_journal(self) -> None:
        journal, at = self._export.journal, 0
        while at < len(journal):
            kind = journal[at : at + 1]
            record = ledger.RECORDS[kind]
            fields = record.unpack_from(journal, at)
            match kind:
                case b"P":
                    number, room, count = fields[1:4]
                    self._posts[count] = number, room
                case b"C" | b"O":
                    room = fields[2]
                case _:
                    _, room = self._posts[fields[1]]
            self._journal[room].append(at)
            at += record.size

    def busy_rooms(self) -> Iterator[str]:
        for number in {*self._journal, *self._shown, *self._strays, *self._streams}:
            yield self._export.rooms[number]

    @property
    def posts(self) -> int:
        return len(self._posts)

    def began(self, room: str) -> Iterator[int]:
        for _, _, began, _, count, _ in self._reader_records(room):
            if count:
                yield began
        for stream in self._streams.get(self._rooms.get(room, -1), ()):
            if stream.began is not None:
                yield stream.began

    def readers(self, room: str) -> int:
        return sum(fields[4] for fields in self._reader_records(room)) + len(
            self._streams.get(self._rooms.get(room, -1), ())
        )

    def here(self, room: str) -> Iterator[str]:
        """Who is there in the end: one for all who have come equally far, and everybody who saw something strange."""
        for number, _, _, _, _, is_here in self._reader_records(room):
            if is_here:
                yield self._user(number)

    def _reader_records(self, room: str) -> Iterator[tuple[int, ...]]:
        for at in self._readers.get(self._rooms.get(room, -1), ()):
            yield ledger.READER.unpack_from(self._export.readers, at)

    def facts(self, room: str) -> Iterator[Fact]:
        """All of one room, in the order in which each poster and each reader saw it."""
        number = self._rooms.get(room)
        if number is None:
            return
        yield from self._posted(room, number)
        yield from self._seen(room, number)
        for reader, _, began, reached, count, _ in self._reader_records(room):
            if count:
                name = self._user(reader)
                yield Began(name, room, began)
                yield Followed(name, room, began, reached, count)
        for stream in self._streams.get(number, ()):
            yield from self._stream(room, stream)

    def _posted(self, room: str, number: int) -> Iterator[Fact]:
        export = self._export
        for at in self._journal.get(number, ()):
            kind = export.journal[at : at + 1]
            match kind, ledger.RECORDS[kind].unpack_from(export.journal, at)[1:]:
                case b"P", (author, _, count, life, when, digest):
                    who = self._user(author)
                    nonce = nonce_of(export.run, author, count)
                    yield Posted(who, room, nonce, digest.hex(), (who, life), when - export.at)
                case b"A", (count, seq, duplicate):
                    who, nonce = self._post(count)
                    yield Acknowledged(who, room, nonce, seq, bool(duplicate))
                case b"R", (count, final):
                    who, nonce = self._post(count)
                    yield Refused(who, room, nonce, bool(final))
                case b"C", (author, _, life, when):
                    yield Closed((self._user(author), life), when - export.at)
                case b"O", (count, _, seq, life, when, digest):
                    who, nonce = self._post(count)
                    yield Shown(who, room, seq, who, nonce, digest.hex(), (who, life), when - export.at)

    def _post(self, count: int) -> tuple[str, str]:
        author, _ = self._posts[count]
        return self._user(author), nonce_of(self._export.run, author, count)

    def _seen(self, room: str, number: int) -> Iterator[Fact]:
        export = self._export
        for at in self._shown.get(number, ()):
            fields = ledger.SHOWN.unpack_from(export.shown, at)
            reader, _, seq, author, run, poster, count, digest = fields
            nonce = nonce_of(export.runs[run], poster, count)
            yield Shown(self._user(reader), room, seq, export.authors[author], nonce, digest.hex())
        for stray in self._strays.get(number, ()):
            content = None if stray.digest is None else stray.digest.hex()
            yield Shown(self._user(stray.number), room, stray.seq, stray.author, stray.nonce, content)

    def _stream(self, room: str, stream: Stream) -> Iterator[Fact]:
        reader = self._user(stream.number)
        if stream.began is not None:
            yield Began(reader, room, stream.began)
        for note in stream.notes:
            match note:
                case Run():
                    yield Followed(reader, room, note.after, note.through)
                case Gap():
                    yield GapTold(reader, room, note.through)
                case Caught():
                    yield CaughtUp(reader, room, note.through)
                case Given():
                    yield Delivered(reader, room, note.seq, note.author, note.nonce, content_of(note.text))


def _offsets() -> array[int]:
    return array("Q")
