"""The clients of a crowd, without I/O: how each opens its conversation, what it makes of what it hears and reports.

A client is a slot (0, 1, 2 …) in arrays: how it stands (`standing.py`), and a place in each of its rooms (`places.py`).
What is under way (the opening, posts without an answer, half a frame) is an object in a dictionary, there for as long
as it is needed. Who it is, its token and its rooms are asked of the roster each time.

It keeps what a client has to keep through a lost connection: how far it has read each room, and its posts that were not
answered (`speeches.py`). Rooms are those that `welcome` names: who joins or leaves one while connected is left out.
(`clients/conversation.py`, which puts entries into order and asks for missing ones by itself, would hide what a server
does wrong.)
"""

from __future__ import annotations

import time
from collections.abc import Collection, Iterator
from functools import lru_cache
from itertools import islice
from typing import Final, Protocol

from clients.endpoint import Endpoint
from loadtest.crowd.entries import Entry, Reads
from loadtest.crowd.frames import Opcode, frames, masked_frame
from loadtest.crowd.places import NOWHERE, Places
from loadtest.crowd.speech import Opening
from loadtest.crowd.speeches import Speeches
from loadtest.crowd.standing import DEAF, OPENING, PARTIAL, READY, SPEAKING, Standing
from loadtest.crowd.upgrade import after_upgrade, upgrade_request
from loadtest.crowd.watcher import Roster, Watcher
from loadtest.histogram import bucket
from loadtest.ledger import Ledger
from loadtest.marks import read_mark
from server.protocol.codec import decode_event, encode_command
from server.protocol.entries import Deleted, Edited, Joined, Left, MessageEntry, Pinned, Reacted, RoomChanged
from server.protocol.events import (
    Activity,
    AskedToJoin,
    Attention,
    Heartbeat,
    Presence,
    Readers,
    ReadMark,
    Receipt,
    Reconnect,
    RoomStats,
    SettingsChanged,
    ThreadMark,
    TypingEvent,
)
from server.protocol.hello_commands import Cursor, Hello
from server.protocol.limits import RESUME_ROOMS
from server.protocol.replies import Error, Ok, Pong, Resumed, Welcome

_ROOMS_IN_HELLO: Final = 32
"""With more to resume `hello` may be longer than the 4 KB of a stranger: then the token goes ahead, in a header."""
_ROOM_IDS: Final = 64  # the large rooms; most of the small ones are asked for once


class Host(Protocol):
    """What members ask of whoever holds their sockets."""

    def is_open(self, slot: int) -> None:
        """The opening is over."""

    def retry_in(self, slot: int, seconds: float) -> None:
        """Send what `Speeches.retry` says then."""

    def leave_in(self, slot: int, after: int, window: int) -> None:
        """The server asked for it (docs/protocol.md, `reconnect`); milliseconds."""


class Members:
    """All clients of a crowd.

    Attributes
    ----------
    numbers, states, lives
        By slot: of its `Standing`.
    places
        By slot: how far it has come.
    speeches
        What they say.
    reads
        What was read before.
    codes
        By slot: the code of the server's close frame, until the connection is gone.
    delivered
        How many entries they were given.
    """

    def __init__(self, roster: Roster, standing: Standing, watcher: Watcher, ledger: Ledger, host: Host) -> None:
        self.numbers, self.states, self.lives = standing.numbers, standing.states, standing.lives
        self.places = Places(len(standing.numbers))
        self.reads = Reads()
        self.codes: dict[int, int] = {}
        self.delivered = 0
        self._openings: dict[int, Opening] = {}
        self._roster = roster
        self._watcher = watcher
        self._ledger = ledger
        self._host = host
        self._partial: dict[int, bytes] = {}
        self._strange: dict[int, str] = {}  # ids of rooms that the roster does not know of
        self._room_id = lru_cache(_ROOM_IDS)(roster.room)
        self.speeches = Speeches(standing, self._room_id, watcher, ledger, host.retry_in)

    def everywhere(self, rooms: Collection[str] | None = None) -> Iterator[tuple[int, str, int, int]]:
        """Everybody in each of their rooms: slot, the room's id, from where on they are owed it, how far they are.

        With `rooms`, in those: then no id has to be computed again, which is most of the time that it takes.
        """
        ids = None if rooms is None else {hash(room): room for room in rooms}
        for slot in range(len(self.numbers)):
            for room, at in self._rooms(slot) if ids is None else self._rooms_of(slot, ids):
                yield slot, room, self.places.begans[at], self.places.seqs[at]

    def _rooms_of(self, slot: int, ids: dict[int, str]) -> Iterator[tuple[str, int]]:
        for at in self.places.row(slot):
            room = ids.get(self.places.keys[at])
            if room is not None:
                yield room, at

    # --- its connections -----------------------------------------------------------------------------------------

    def begin(self, slot: int, endpoint: Endpoint, now: float) -> bytes:
        """A new connection was begun: what to say first."""
        self.lives[slot] += 1
        self.states[slot] = OPENING
        opening = self._openings[slot] = Opening(now)
        many = self.places.size[slot] > _ROOMS_IN_HELLO
        opening.token_went_ahead = many
        token = self._roster.token(self.numbers[slot]) if many else None
        return upgrade_request(endpoint, opening.key, token)

    def lost(self, slot: int) -> None:
        """The connection is gone, whoever ended it."""
        self.states[slot] = 0
        self._openings.pop(slot, None)
        self._partial.pop(slot, None)
        self.codes.pop(slot, None)
        self.speeches.interrupted(slot)

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
        opening = self._openings.get(slot)
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
                mark = read_mark(event.text or "")
                return (
                    self._first(slot, Entry(event.room, event.seq, event.from_.user, event.nonce, event.text, mark)),
                ), b""
            case Joined(room=room, seq=int(seq)) | Left(room=room, seq=int(seq)):
                return (self._first(slot, Entry(room, seq)),), b""
            case RoomChanged() | Edited() | Deleted() | Reacted() | Pinned():
                return (self._first(slot, Entry(event.room, event.seq)),), b""
            case Receipt() | ReadMark() | SettingsChanged() | TypingEvent() | Presence() | RoomStats():
                return (), b""
            case Activity() | Attention() | ThreadMark() | AskedToJoin() | Heartbeat() | Readers():
                return (), b""
            case Ok(id=int(count)):
                self.speeches.done(slot, count, event)
                return None, b""
            case Error(id=int(count)):
                self.speeches.refused(slot, count, event)
                return None, b""
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
        is_speaking = slot in self.speeches
        is_listening = self.states[slot] & (READY | DEAF) == READY
        for entry in entries:
            self.take(slot, entry)
            if is_speaking:
                self.speeches.was_shown(slot, entry)
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

    # --- the opening ---

    def _welcomed(self, slot: int, welcome: Welcome) -> bytes:
        opening = self._openings[slot]
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
        opening = self._openings.get(slot)
        if opening is None or opening.recovering is None:
            return b""
        opening.recovering.discard(key)
        return self._ready(slot) if not opening.recovering else b""

    def _ready(self, slot: int) -> bytes:
        opening = self._openings.pop(slot)
        self.states[slot] = (self.states[slot] & PARTIAL) | READY | (SPEAKING if slot in self.speeches else 0)
        self._watcher.welcomed(self.numbers[slot], time.monotonic() - opening.began)
        self._host.is_open(slot)
        return self.speeches.all_again(slot)

    # --- what is overdue -----------------------------------------------------------------------------------------

    def overdue(self, now: float, patience: float, give_up: float) -> list[tuple[int, float]]:
        """Who has waited for longer than `patience` for a welcome or an answer, and for how long, seconds.

        Posts that were first said longer ago than `give_up` are given up here, where they are not under way.
        """
        late = [
            (slot, now - opening.began) for slot, opening in self._openings.items() if now - opening.began > patience
        ]
        return late + self.speeches.overdue(now, patience, give_up)
