"""What one client saw, for a process's ledger: from the frames that it sends and those that it hears, as they are.

For clients that talk by `clients/conversation.py`, which puts entries into order and asks for missing ones by itself,
and so would hide what a server does wrong: this looks at the frames beside it. A crowd does the same in a hot loop of
its own (`crowd/`). Pure: times are given, seconds of CLOCK_MONOTONIC.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import msgspec

from loadtest.crowd.entries import Entry
from loadtest.ledger import Ledger, Reader
from loadtest.marks import nonce_of, now_mark, read_mark, read_nonce
from server.protocol.bases import CommandId
from server.protocol.entries import Deleted, Edited, Joined, Left, MessageEntry, Pinned, Reacted, RoomChanged
from server.protocol.errors import FOR_NOW
from server.protocol.events import AnyEvent
from server.protocol.hello_commands import Hello
from server.protocol.message_commands import Post
from server.protocol.replies import Error, Ok, Resumed, Welcome
from server.protocol.room_commands import CreateRoom, Join

ENTRIES_KEPT: Final = 65_536

_told = msgspec.json.Decoder(Post | Hello | Join | CreateRoom)
_TOLD: Final = tuple(f'{{"op":"{op}"'.encode() for op in ("post", "hello", "join", "create_room"))


class Witnesses:
    """All clients of a process that write into one ledger: numbers their posts, and keeps what several of them see."""

    def __init__(self) -> None:
        self.ledger = Ledger()
        self._posts = 0
        self._entries: dict[tuple[str, int], Entry] = {}

    def next_post(self, author: int, text: str, label: str = "") -> tuple[str, str]:
        """A nonce and a marked text for something that is to be posted now."""
        self._posts += 1
        said = now_mark(self.ledger.run, author, self._posts, label)
        return nonce_of(self.ledger.run, author, self._posts), said + text

    def shown(self, number: int, found: Entry) -> Entry:
        """What stands for an entry, once for all clients that were given the same."""
        known = self._entries.get((found.room, found.seq))
        if known is not None and (known.author, known.nonce, known.text) == (found.author, found.nonce, found.text):
            return known
        if len(self._entries) >= ENTRIES_KEPT:
            self._entries.clear()  # one that comes again later is written down again, which does no harm
        self._entries[found.room, found.seq] = found
        self.ledger.was_shown(number, found)
        return found


class _Place:
    """How far a client has come in a room."""

    __slots__ = ("began", "reached")

    def __init__(self, began: int) -> None:
        self.began = self.reached = began


class Testimony:
    """One client's.

    Parameters
    ----------
    number, user
        Who it is: as the people are numbered, and by the id with which logs name authors.
    """

    def __init__(self, witnesses: Witnesses, number: int, user: str) -> None:
        self._all = witnesses
        self._ledger = witnesses.ledger
        self._number = number
        self._user = user
        self._life = 0
        self._places: dict[str, _Place] = {}
        self._posts: dict[CommandId, tuple[int, str, int]] = {}  # without an answer: count, room, life
        self._entering: set[CommandId] = set()
        self._resuming: set[str] = set()
        self._is_here = False

    # --- what it does ----------------------------------------------------------------------------------------

    def sent(self, frame: bytes, at: float) -> None:
        """It sent a frame."""
        if not frame.startswith(_TOLD):
            return
        match _told.decode(frame):
            case Hello(resume=resume):
                self._life += 1
                self._is_here = True
                self._resuming = set(resume or ())
            case Post() as post:
                self._posted(post, at)
            case Join(id=number) | CreateRoom(id=number) if number is not None:
                self._entering.add(number)

    def _posted(self, post: Post, at: float) -> None:
        named = read_nonce(post.nonce)
        if named is None or post.id is None:
            return  # not by `next_post`: the entry will be a stray
        self._posts[post.id] = named[2], post.room, self._life
        self._ledger.was_posted(self._number, post.room, named[2], post.text, self._life, at)

    def lost(self, at: float) -> None:
        """Its connection has ended, whoever ended it."""
        self._is_here = False
        for room in {room for _, room, life in self._posts.values() if life == self._life}:
            self._ledger.was_closed(self._number, self._life, room, at)

    # --- what it hears ---------------------------------------------------------------------------------------

    def heard(self, event: AnyEvent, at: float) -> Entry | None:
        """It was told something; an entry of a log is what comes back."""
        match event:
            case MessageEntry():
                mark = read_mark(event.text or "")
                entry = Entry(event.room, event.seq, event.from_.user, event.nonce, event.text, mark)
                return self._entry(entry, at)
            case Joined(room=room, seq=int(seq), user=user):
                if user.user == self._user:
                    self._places.setdefault(room, _Place(seq - 1))
                return self._entry(Entry(room, seq), at)
            case Left(room=room, seq=None):
                self._places.pop(room, None)
            case Left(room=room, seq=int(seq)):
                return self._entry(Entry(room, seq), at)
            case RoomChanged() | Edited() | Deleted() | Reacted() | Pinned():
                return self._entry(Entry(event.room, event.seq), at)
            case Ok(id=number) if number is not None:
                self._answered(number, event)
            case Error(id=number) if number is not None:
                self._refused(number, event)
            case Welcome(rooms=rooms):
                for info in rooms:
                    if info.room not in self._resuming:
                        self._begin(info.room, info.last_seq)
            case Resumed():
                self._resumed(event)
        return None

    def _entry(self, found: Entry, at: float) -> Entry:
        entry = self._all.shown(self._number, found)
        place = self._places.get(entry.room)
        if place is None:
            self._ledger.out_of_turn(self._number, entry, None, 0)
            return entry
        if entry.seq == place.reached + 1:
            entry.readers += 1
        else:
            self._ledger.out_of_turn(self._number, entry, place.began, place.reached)
        place.reached = max(place.reached, entry.seq)
        if entry.author == self._user and entry.mark is not None and self._awaits(entry.mark.number):
            self._ledger.saw_own(entry, self._life, at)
        return entry

    def _awaits(self, count: int) -> bool:
        return any(posted == count and life == self._life for posted, _, life in self._posts.values())

    def _answered(self, number: CommandId, ok: Ok) -> None:
        posted = self._posts.pop(number, None)
        if posted is not None and ok.seq is not None:
            self._ledger.was_acknowledged(posted[0], ok.seq, duplicate=bool(ok.duplicate))
        if number in self._entering:
            self._entering.discard(number)
            if ok.info is not None:
                self._begin(ok.info.room, ok.info.last_seq)

    def _refused(self, number: CommandId, error: Error) -> None:
        self._entering.discard(number)
        posted = self._posts.get(number)
        if posted is None:
            return
        final = error.code not in FOR_NOW
        self._ledger.was_refused(posted[0], final=final)
        if final:
            del self._posts[number]

    def _begin(self, room: str, last_seq: int) -> None:
        """The server said that what it gives of this room from now on follows `last_seq`."""
        place = self._places.get(room)
        if place is None:
            self._places[room] = _Place(last_seq)
        elif last_seq > place.reached:
            self._gap(room, place, last_seq)

    def _resumed(self, resumed: Resumed) -> None:
        self._resuming.discard(resumed.room)
        place = self._places.get(resumed.room)
        if place is None:
            return
        if not resumed.recovered:
            self._gap(resumed.room, place, resumed.last_seq)
        elif resumed.to is not None:
            self._ledger.was_caught_up(self._number, resumed.room, place.began, place.reached, resumed.to)
            place.reached = max(place.reached, resumed.to)

    def _gap(self, room: str, place: _Place, through: int) -> None:
        self._ledger.was_told_of_gap(self._number, room, place.began, place.reached, through)
        place.reached = max(place.reached, through)

    # --- the end ---------------------------------------------------------------------------------------------

    def readers(self) -> Iterator[Reader]:
        """Where it stands in each of its rooms. Who is there with an open ear is owed the rest."""
        for room, place in self._places.items():
            yield Reader(self._number, room, place.began, place.reached, self._is_here)
