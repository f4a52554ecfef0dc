"""One client of a crowd, without I/O: what it has to say, what it makes of what it hears, what it reports.

It keeps what a client has to keep through a lost connection: its token, how far it has read each room, and its posts
that were not answered, which it says again under the same nonce. Beside that an idle one is a few hundred bytes
(`clients/conversation.py`, which puts entries into order and asks for missing ones by itself, would hide what a server
does wrong).
"""

from __future__ import annotations

import secrets
from collections.abc import Callable
from enum import Enum

from clients.checker import Acknowledged, Began, CaughtUp, Delivered, Fact, GapTold, Posted, Refused
from clients.checker import Closed as ConnectionEnded
from clients.endpoint import Endpoint
from loadtest.crowd.frames import FrameReader, Opcode, masked_frame
from loadtest.crowd.upgrade import after_upgrade, new_key, upgrade_request
from server.protocol.codec import decode_event, encode_command
from server.protocol.commands import Cursor, Hello, Post
from server.protocol.errors import FOR_NOW
from server.protocol.events import AnyEvent, Error, Joined, Left, MessageEntry, Ok, Resumed, RoomChanged, Welcome

Report = Callable[[Fact], None]


class Stage(Enum):
    """How far a client has come with its present connection."""

    AWAY = "away"
    UPGRADING = "upgrading"
    OPENING = "opening"  # `hello` was said, or rooms are still being recovered
    READY = "ready"


class Member:
    """A user on a device.

    Parameters
    ----------
    who
        The user's id, as the log names authors.
    report
        Is told every fact, in order.
    clock
        Seconds, for when something was posted.
    """

    __slots__ = (
        "_cursors", "_key", "_number", "_posts", "_reader", "_recovering", "_refused", "_report", "_token",
        "clock", "closed_with", "lives", "stage", "who",
    )  # fmt: skip

    def __init__(self, who: str, token: str, report: Report, clock: Callable[[], float]) -> None:
        self.who = who
        self.clock = clock
        self.stage = Stage.AWAY
        self.closed_with: int | None = None
        """The code of the server's close frame, if it sent one on this connection."""
        self._token = token
        self._report = report
        self.lives = 0
        """How many connections it has had."""
        self._number = 0
        self._cursors: dict[str, Cursor] = {}
        self._posts: dict[int, Post] | None = None  # unanswered, by id; most members of a crowd never post
        self._refused: list[Post] = []
        self._recovering: set[str] | None = None  # rooms that were named in `hello`, until they are recovered
        self._key = b""
        self._reader: FrameReader | bytes = b""  # what came of the answer to the upgrade, then what reads frames

    # --- its connections -----------------------------------------------------------------------------------------

    def begin(self, endpoint: Endpoint) -> bytes:
        """A new connection is there: what to say first."""
        self.lives += 1
        self._key = new_key()
        self._reader = b""
        self.closed_with = None
        self.stage = Stage.UPGRADING
        return upgrade_request(endpoint, self._key)

    def receive(self, data: bytes) -> bytes:
        """What to answer to bytes that came, if anything.

        Raises
        ------
        TurnedAway
            The upgrade was refused.
        BrokenFrames, msgspec.DecodeError
            The server does not speak the protocol.
        """
        if isinstance(self._reader, FrameReader):
            return self._hear(self._reader, data)
        self._reader += data
        rest = after_upgrade(self._reader, self._key)
        if rest is None:
            return b""
        self._reader = reader = FrameReader()
        self._key = b""
        return self._hello() + self._hear(reader, rest)

    def lost(self) -> None:
        """The connection is gone, whoever ended it."""
        if self._posts:  # the checker has to know only where somebody waited for an answer
            self._report(ConnectionEnded(self._connection, self.clock()))
        self._recovering = None
        self._reader = b""
        self.stage = Stage.AWAY

    @property
    def _connection(self) -> tuple[str, int]:
        return self.who, self.lives

    # --- what it says --------------------------------------------------------------------------------------------

    def post(self, room: str, text: str) -> bytes:
        """Say something in `room`; said again after each lost connection until it is answered.

        What it returns is empty while it is not ready: then it goes out by itself once it is.
        """
        self._number += 1
        post = Post(id=self._number, room=room, nonce=secrets.token_hex(8), text=text)
        self._posts = {} if self._posts is None else self._posts
        self._posts[self._number] = post
        return self._say(post) if self.stage is Stage.READY else b""

    def retry(self) -> bytes:
        """Say again what was refused for the moment."""
        refused, self._refused = self._refused, []
        return b"".join(map(self._say, refused)) if self.stage is Stage.READY else b""

    @property
    def unanswered(self) -> int:
        """Posts without an answer."""
        return len(self._posts or ())

    @property
    def was_refused(self) -> bool:
        """Whether there is something to `retry`."""
        return bool(self._refused)

    def has_all(self, heads: dict[object, int]) -> bool:
        """Whether it has come as far as this in each of its rooms."""
        return all(cursor.seq >= heads.get(room, 0) for room, cursor in self._cursors.items())

    def _hello(self) -> bytes:
        resume = dict(self._cursors) or None
        self._recovering = set(self._cursors)
        self.stage = Stage.OPENING
        return masked_frame(Opcode.TEXT, encode_command(Hello(token=self._token, resume=resume)))

    def _say(self, post: Post) -> bytes:
        self._report(Posted(self.who, post.room, post.nonce, post.text, self._connection, self.clock()))
        return masked_frame(Opcode.TEXT, encode_command(post))

    # --- what it hears -------------------------------------------------------------------------------------------

    def _hear(self, reader: FrameReader, data: bytes) -> bytes:
        answer = b""
        for opcode, payload in reader.receive(data):
            match opcode:
                case Opcode.TEXT:
                    answer += self._heard(decode_event(payload))
                case Opcode.PING:
                    answer += masked_frame(Opcode.PONG, payload)
                case Opcode.CLOSE:
                    self.closed_with = int.from_bytes(payload[:2], "big")
                    answer += masked_frame(Opcode.CLOSE, payload[:2])
                case Opcode.PONG:
                    pass
        return answer

    def _heard(self, event: AnyEvent) -> bytes:
        match event:
            case MessageEntry():
                own = self._connection if event.from_.user == self.who else None
                nonce, author = event.nonce, event.from_.user
                self._entry(Delivered(self.who, event.room, event.seq, author, nonce, event.text, own, self.clock()))
            case Joined(room=room, seq=int(seq)) | Left(room=room, seq=int(seq)) | RoomChanged(room=room, seq=seq):
                self._entry(Delivered(self.who, room, seq))
            case Ok(id=int(number)):
                self._acknowledged(number, event)
            case Error(id=int(number)):
                self._was_refused(number, event)
            case Welcome():
                return self._welcomed(event)
            case Resumed():
                return self._recovered(event)
        return b""

    def _welcomed(self, welcome: Welcome) -> bytes:
        assert self._recovering is not None
        for room in welcome.rooms:
            if room.room not in self._recovering:
                self._cursors[room.room] = Cursor(room.log, room.last_seq)
                self._report(Began(self.who, room.room, room.last_seq))
        return self._ready() if not self._recovering else b""

    def _recovered(self, resumed: Resumed) -> bytes:
        assert self._recovering is not None
        self._recovering.discard(resumed.room)
        if resumed.recovered:
            self._report(CaughtUp(self.who, resumed.room, resumed.to or 0))
        else:
            self._report(GapTold(self.who, resumed.room, resumed.last_seq))
            self._reached(resumed.room, resumed.last_seq)
        return self._ready() if not self._recovering else b""

    def _ready(self) -> bytes:
        self._recovering = None
        self._refused = []
        self.stage = Stage.READY
        return b"".join(map(self._say, (self._posts or {}).values()))

    def _entry(self, delivered: Delivered) -> None:
        self._report(delivered)
        self._reached(str(delivered.room), delivered.seq)

    def _reached(self, room: str, seq: int) -> None:
        cursor = self._cursors[room]
        if seq > cursor.seq:
            self._cursors[room] = Cursor(cursor.log, seq)

    def _acknowledged(self, number: int, ok: Ok) -> None:
        post = (self._posts or {}).pop(number, None)
        if post is not None and ok.seq is not None:
            self._report(Acknowledged(self.who, post.room, post.nonce, ok.seq, duplicate=bool(ok.duplicate)))

    def _was_refused(self, number: int, error: Error) -> None:
        post = (self._posts or {}).get(number)
        if post is None:
            return
        final = error.code not in FOR_NOW
        self._report(Refused(self.who, post.room, post.nonce, final=final))
        if final:
            assert self._posts is not None
            del self._posts[number]
        else:
            self._refused.append(post)
