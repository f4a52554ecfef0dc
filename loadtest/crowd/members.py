"""The clients of a crowd, without I/O: what each has to say, what it makes of what it hears, what it reports.

A client is a slot (0, 1, 2 …) in arrays: a byte for how it stands, a number for how many connections it has had, and a
place in each of its rooms. What is under way (the opening, posts without an answer, half a frame) is an object in a
dictionary, there for as long as it is needed. Who it is, its token and its rooms are asked of the roster each time.

It keeps what a client has to keep through a lost connection: how far it has read each room, and its posts that were not
answered, which it says again under the same nonce. Rooms are those that `welcome` names: who joins or leaves one while
connected is left out. (`clients/conversation.py`, which puts entries into order and asks for missing ones by itself,
would hide what a server does wrong.)
"""

from __future__ import annotations

import itertools
import time
from array import array
from collections.abc import Callable, Iterator, Sequence
from functools import lru_cache
from itertools import islice
from typing import Final, Protocol

from msgspec import structs

from clients.endpoint import Endpoint
from loadtest.crowd.entries import Entry, Reads
from loadtest.crowd.frames import Opcode, frames, masked_frame
from loadtest.crowd.places import NOWHERE, Places
from loadtest.crowd.speech import Opening, Question, Said, Speech
from loadtest.crowd.upgrade import after_upgrade, upgrade_request
from loadtest.crowd.watcher import Roster, Watcher
from loadtest.histogram import bucket
from loadtest.ledger import Ledger
from loadtest.marks import nonce_of, now_mark, read_mark
from server.protocol.codec import decode_event, encode_command
from server.protocol.commands import AnyCommand, Cursor, Hello, Post
from server.protocol.errors import FOR_NOW
from server.protocol.events import (
    Error,
    Heartbeat,
    Joined,
    Left,
    MessageEntry,
    Ok,
    Pong,
    Presence,
    Receipt,
    Reconnect,
    Resumed,
    RoomChanged,
    RoomStats,
    TypingEvent,
    Welcome,
)
from server.protocol.limits import RESUME_ROOMS

READY: Final = 1
"""Welcome, and with all that was missed. Nothing but this flag: what is read is an entry, most likely."""
OPENING: Final = 2
"""There is a socket, and the conversation on it has not begun."""
SPEAKING: Final = 4
"""There are commands without an answer."""
PARTIAL: Final = 8
"""Half a frame was read."""
DEAF: Final = 16
"""It does not read."""
QUEUED: Final = 32
"""It will connect when it is its turn."""

_ROOMS_IN_HELLO: Final = 32
"""With more to resume `hello` may be longer than the 4 KB of a stranger: then the token goes ahead, in a header."""
_RETRY_SECONDS: Final = 0.5  # where the server names no time
_ROOM_IDS: Final = 64  # the large rooms; most of the small ones are asked for once


class Host(Protocol):
    """What members ask of whoever holds their sockets."""

    def is_open(self, slot: int) -> None:
        """The opening is over."""

    def retry_in(self, slot: int, seconds: float) -> None:
        """Call `Members.retry` then."""

    def leave_in(self, slot: int, after: int, window: int) -> None:
        """The server asked for it (docs/protocol.md, `reconnect`); milliseconds."""


class Members:
    """All clients of a crowd.

    Attributes
    ----------
    states
        By slot: how it stands, flags of this module.
    places
        By slot: how far it has come.
    reads
        What was read before.
    codes
        By slot: the code of the server's close frame, until the connection is gone.
    delivered
        How many entries they were given.
    """

    def __init__(self, roster: Roster, numbers: Sequence[int], watcher: Watcher, ledger: Ledger, host: Host) -> None:
        self.numbers = numbers
        self.states = bytearray(len(numbers) + 1)  # the last is nobody's: of a descriptor that was closed meanwhile
        self.lives = array("H", bytes(2 * len(numbers)))
        self.places = Places(len(numbers))
        self.reads = Reads()
        self.codes: dict[int, int] = {}
        self.delivered = 0
        self.speeches: dict[int, Speech] = {}
        self.openings: dict[int, Opening] = {}
        self._roster = roster
        self._watcher = watcher
        self._ledger = ledger
        self._host = host
        self._partial: dict[int, bytes] = {}
        self._strange: dict[int, str] = {}  # ids of rooms that the roster does not know of
        self._room_id = lru_cache(_ROOM_IDS)(roster.room)
        self._ids = itertools.count(1)

    def everywhere(self) -> Iterator[tuple[int, str, int, int]]:
        """Everybody in each of their rooms: slot, the room's id, from where on they are owed it, how far they are."""
        for slot in range(len(self.numbers)):
            for room, at in self._rooms(slot):
                yield slot, room, self.places.begans[at], self.places.seqs[at]

    # --- its connections -----------------------------------------------------------------------------------------

    def begin(self, slot: int, endpoint: Endpoint, now: float) -> bytes:
        """A new connection was begun: what to say first."""
        self.lives[slot] += 1
        self.states[slot] = OPENING
        opening = self.openings[slot] = Opening(now)
        many = self.places.size[slot] > _ROOMS_IN_HELLO
        opening.token_went_ahead = many
        token = self._roster.token(self.numbers[slot]) if many else None
        return upgrade_request(endpoint, opening.key, token)

    def lost(self, slot: int) -> None:
        """The connection is gone, whoever ended it."""
        self.states[slot] = 0
        self.openings.pop(slot, None)
        self._partial.pop(slot, None)
        self.codes.pop(slot, None)
        speech = self.speeches.get(slot)
        if speech is not None:
            self._interrupted(slot, speech)

    def _interrupted(self, slot: int, speech: Speech) -> None:
        rooms = {said.room for said in speech.posts() if said.life == self.lives[slot]}
        for room in sorted(rooms):  # the checker has to know only where somebody waited for an answer
            self._ledger.was_closed(self.numbers[slot], self.lives[slot], room, time.monotonic())
        for question in speech.interrupt():
            question.then(None)
        if not speech.said:
            del self.speeches[slot]

    # --- what it says --------------------------------------------------------------------------------------------

    def post(self, slot: int, room: int, text: str, label: str) -> bytes:
        """Say something; said again after each lost connection until it is answered.

        What it returns is empty while it is not ready: then it goes out by itself once it is.
        """
        count = next(self._ids)
        author, run = self.numbers[slot], self._ledger.run
        room_id = self._room_id(room)
        whole = now_mark(run, author, count, label) + text
        command = Post(id=count, room=room_id, nonce=nonce_of(run, author, count), text=whole)
        said = Said(room_id, whole, encode_command(command), time.monotonic())
        return self._add(slot, count, said)

    def ask(self, slot: int, command: AnyCommand, then: Callable[[Ok | Error | None], None] | None) -> bytes:
        """Say any other command, if it is ready; `then` is given the answer, or None where none comes any more."""
        if not self.states[slot] & READY:
            if then is not None:
                then(None)
            return b""
        if then is None:
            return masked_frame(Opcode.TEXT, encode_command(command))
        count = next(self._ids)
        asked = encode_command(structs.replace(command, id=count))
        return self._add(slot, count, Question(asked, then, time.monotonic()))

    def _add(self, slot: int, count: int, said: Said | Question) -> bytes:
        speech = self.speeches.get(slot)
        if speech is None:
            speech = self.speeches[slot] = Speech()
        speech.said[count] = said
        if not self.states[slot] & READY:
            return b""
        self.states[slot] |= SPEAKING
        return self._say(slot, count, said)

    def retry(self, slot: int) -> bytes:
        """Say again what was refused for the moment, in its order."""
        speech = self.speeches.get(slot)
        if speech is None:
            return b""
        speech.retrying = False
        if not self.states[slot] & READY:
            return b""
        refused = [(count, said) for count, said in speech.said.items() if isinstance(said, Said) and said.refused]
        return b"".join(self._say(slot, count, said) for count, said in refused)

    def unanswered(self, slot: int) -> int:
        """Posts without an answer."""
        speech = self.speeches.get(slot)
        return 0 if speech is None else sum(1 for _ in speech.posts())

    def _say(self, slot: int, count: int, said: Said | Question) -> bytes:
        said.at = time.monotonic()
        if isinstance(said, Said):
            said.refused = False
            said.life = self.lives[slot]
            number = self.numbers[slot]
            self._ledger.was_posted(number, said.room, count, said.text, said.life, said.at)
            self._watcher.posted(number, said.room)
        return masked_frame(Opcode.TEXT, said.command)

    def _hello(self, slot: int, opening: Opening) -> bytes:
        places = self.places
        resume = {room: Cursor(places.log(at), places.seqs[at]) for room, at in islice(self._rooms(slot), RESUME_ROOMS)}
        opening.recovering = {hash(room) for room in resume}
        token = None if opening.token_went_ahead else self._roster.token(self.numbers[slot])
        return masked_frame(Opcode.TEXT, encode_command(Hello(token=token, resume=resume or None)))

    def _rooms(self, slot: int) -> Iterator[tuple[str, int]]:
        """The id of each of its rooms, and its place there."""
        keys = self.places.keys
        row = self.places.row(slot)
        if row:
            ids = {hash(room): room for room in map(self._room_id, self._roster.rooms_of(self.numbers[slot]))}
            for at in row:
                yield ids.get(keys[at]) or self._strange[keys[at]], at

    # --- what it hears -------------------------------------------------------------------------------------------

    def receive(self, slot: int, data: bytes) -> bytes:
        """What to answer to bytes that came, if anything.

        Raises
        ------
        TurnedAway
            The upgrade was refused.
        BrokenFrames, msgspec.DecodeError
            The server does not speak the protocol.
        """
        opening = self.openings.get(slot)
        if opening is not None and opening.recovering is None:
            opening.received += data
            rest = after_upgrade(opening.received, opening.key)
            if rest is None:
                return b""
            opening.received = b""
            self._watcher.connected(self.numbers[slot], time.monotonic() - opening.began)
            hello = self._hello(slot, opening)
            return hello + self._read(slot, rest) if rest else hello
        if self.states[slot] & PARTIAL:
            self.states[slot] &= ~PARTIAL
            data = self._partial.pop(slot) + data
        entries = self.reads.find(data)
        if entries is not None:
            self._given(slot, entries)
            return b""
        return self._read(slot, data)

    def _read(self, slot: int, data: bytes) -> bytes:
        """Frame by frame. What was for many is kept: each frame, and all of them together."""
        answer = b""
        together: list[Entry] | None = []
        end = 0
        for opcode, begin, start, end in frames(data):
            frame = data[begin:end]
            entries = self.reads.find(frame) if opcode is Opcode.TEXT else None
            if entries is None:
                entries, said = self._heard(slot, opcode, data[start:end])
                answer += said
                if entries is not None:
                    self.reads.keep(frame, entries)
            if entries is None:
                together = None
                continue
            self._given(slot, entries)
            if together is not None:
                together += entries
        if end < len(data):
            self.states[slot] |= PARTIAL
            self._partial[slot] = data[end:]
        elif together is not None:
            self.reads.keep(data, tuple(together))
        return answer

    def _heard(self, slot: int, opcode: Opcode, payload: bytes) -> tuple[tuple[Entry, ...] | None, bytes]:
        """Entries, if it is a frame that is the same for many; and what to answer."""
        match opcode:
            case Opcode.TEXT:
                return self._event(slot, payload)
            case Opcode.PING:
                return None, masked_frame(Opcode.PONG, payload)
            case Opcode.CLOSE:
                self.codes[slot] = int.from_bytes(payload[:2], "big") or 1005
                return None, masked_frame(Opcode.CLOSE, payload[:2])
            case Opcode.PONG:
                return (), b""

    def _event(self, slot: int, payload: bytes) -> tuple[tuple[Entry, ...] | None, bytes]:
        event = decode_event(payload)
        match event:
            case MessageEntry():
                mark = read_mark(event.text)
                return (
                    self._first(slot, Entry(event.room, event.seq, event.from_.user, event.nonce, event.text, mark)),
                ), b""
            case Joined(room=room, seq=int(seq)) | Left(room=room, seq=int(seq)) | RoomChanged(room=room, seq=seq):
                return (self._first(slot, Entry(room, seq)),), b""
            case Receipt() | TypingEvent() | Presence() | RoomStats() | Heartbeat():
                return (), b""
            case Ok(id=int(count)):
                return None, self._done(slot, count, event)
            case Error(id=int(count)):
                return None, self._was_refused(slot, count, event)
            case Welcome():
                return None, self._welcomed(slot, event)
            case Resumed():
                return None, self._recovered(slot, event)
            case Left():
                return None, self._recovery_is_over(slot, hash(event.room))
            case Reconnect():
                self._host.leave_in(slot, event.after, event.window)
                return None, b""
            case Ok() | Error() | Pong() | Joined():
                return None, b""

    def _first(self, slot: int, entry: Entry) -> Entry:
        """Nobody of the crowd has seen it before."""
        if entry.mark is not None:
            entry.sent = entry.mark.sent_at(time.monotonic_ns(), time.time_ns() // 1_000_000) or 0
        tally = self._watcher.entry(entry)
        entry.tally = tally if entry.sent else None
        self._ledger.was_shown(self.numbers[slot], entry)
        return entry

    def _given(self, slot: int, entries: tuple[Entry, ...]) -> None:
        """As in `Crowd._deliver`, where most entries go by; here whatever is not as it mostly is.

        How long an entry took is recorded of those only who were there for it: not of what is recovered, nor of who
        does not read.
        """
        now = time.monotonic_ns()
        speech = self.speeches.get(slot)
        is_listening = self.states[slot] & (READY | DEAF) == READY
        for entry in entries:
            self.take(slot, entry)
            if speech is not None and entry.mark is not None and entry.mark.number in speech.said:
                self._saw_own(slot, speech, entry)
            entry.readers += 1
            entry.last_at = now
            if is_listening and entry.tally is not None:
                entry.tally.counts[bucket((now - entry.sent) // 1000)] += 1
        self.delivered += len(entries)

    def take(self, slot: int, entry: Entry) -> None:
        """It was given an entry: the next one in this room, or it contradicts what came before."""
        places = self.places
        at = places.find(slot, entry.key)
        if at == NOWHERE:
            self._ledger.out_of_turn(self.numbers[slot], entry, None, 0)
            return
        reached = places.seqs[at]
        if entry.seq != reached + 1:
            self._ledger.out_of_turn(self.numbers[slot], entry, places.begans[at], reached)
        if entry.seq > reached:
            places.seqs[at] = entry.seq

    def _saw_own(self, slot: int, speech: Speech, entry: Entry) -> None:
        """Its own message, which is still not answered on the connection that said it."""
        assert entry.mark is not None
        said = speech.said[entry.mark.number]
        if isinstance(said, Said) and entry.mark.run == self._ledger.run and said.life == self.lives[slot]:
            self._ledger.saw_own(entry, said.life, time.monotonic())

    # --- the opening ---

    def _welcomed(self, slot: int, welcome: Welcome) -> bytes:
        opening = self.openings[slot]
        assert opening.recovering is not None
        rooms = {room.room: room for room in welcome.rooms}
        known = map(self._room_id, self._roster.rooms_of(self.numbers[slot]))
        ordered = [rooms.pop(room) for room in known if room in rooms]
        for room in (*ordered, *rooms.values()):
            key = hash(room.room)
            if room.room in rooms:
                self._strange[key] = room.room
            if key not in opening.recovering:
                self.places.begin(slot, key, room.log, room.last_seq)
        return self._ready(slot) if not opening.recovering else b""

    def _recovered(self, slot: int, resumed: Resumed) -> bytes:
        key = hash(resumed.room)
        at = self.places.find(slot, key)
        began, reached = self.places.begans[at], self.places.seqs[at]
        if resumed.recovered:
            through = resumed.to or 0
            self._ledger.was_caught_up(self.numbers[slot], resumed.room, began, reached, through)
        else:
            through = resumed.last_seq
            self._ledger.was_told_of_gap(self.numbers[slot], resumed.room, began, reached, through)
        self.places.seqs[at] = max(reached, through)
        return self._recovery_is_over(slot, key)

    def _recovery_is_over(self, slot: int, key: int) -> bytes:
        opening = self.openings.get(slot)
        if opening is None or opening.recovering is None:
            return b""
        opening.recovering.discard(key)
        return self._ready(slot) if not opening.recovering else b""

    def _ready(self, slot: int) -> bytes:
        opening = self.openings.pop(slot)
        speech = self.speeches.get(slot)
        self.states[slot] = (self.states[slot] & PARTIAL) | READY | (0 if speech is None else SPEAKING)
        self._watcher.welcomed(self.numbers[slot], time.monotonic() - opening.began)
        self._host.is_open(slot)
        return b"" if speech is None else b"".join(self._say(slot, *each) for each in speech.said.items())

    # --- answers ---

    def _done(self, slot: int, count: int, ok: Ok) -> bytes:
        said = self._answered(slot, count)
        if isinstance(said, Question):
            said.then(ok)
        elif said is not None and ok.seq is not None:
            self._ledger.was_acknowledged(count, ok.seq, duplicate=bool(ok.duplicate))
            self._watcher.acknowledged(self.numbers[slot], said.room, time.monotonic() - said.first)
        return b""

    def _was_refused(self, slot: int, count: int, error: Error) -> bytes:
        speech = self.speeches.get(slot)
        said = None if speech is None else speech.said.get(count)
        if isinstance(said, Question):
            self._answered(slot, count)
            said.then(error)
        elif said is not None and speech is not None:
            final = error.code not in FOR_NOW
            self._ledger.was_refused(count, final=final)
            self._watcher.denied(self.numbers[slot], said.room, final)
            if final:
                self._answered(slot, count)
                return b""
            said.refused = True
            if not speech.retrying:
                speech.retrying = True
                self._host.retry_in(slot, _RETRY_SECONDS if error.retry_after is None else error.retry_after / 1000)
        return b""

    def _answered(self, slot: int, count: int) -> Said | Question | None:
        speech = self.speeches.get(slot)
        if speech is None:
            return None
        said = speech.said.pop(count, None)
        if not speech.said:
            del self.speeches[slot]
            self.states[slot] &= ~SPEAKING
        return said

    # --- what is overdue -----------------------------------------------------------------------------------------

    def overdue(self, now: float, patience: float, give_up: float) -> list[tuple[int, float]]:
        """Who has waited for longer than `patience` for a welcome or an answer, and for how long, seconds.

        Posts that were first said longer ago than `give_up` are given up here, where they are not under way.
        """
        late = [
            (slot, now - opening.began) for slot, opening in self.openings.items() if now - opening.began > patience
        ]
        for slot, speech in list(self.speeches.items()):
            if self.states[slot] & READY and (waited := speech.waited(now)) > patience:
                late.append((slot, waited))
                continue
            for count, said in list(speech.said.items()):
                if isinstance(said, Said) and now - said.first > give_up and not said.is_under_way(self.lives[slot]):
                    self._answered(slot, count)
                    self._watcher.abandoned(self.numbers[slot], said.room)
        return late
