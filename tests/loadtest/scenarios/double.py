"""A chat server's double that speaks just enough of the protocol to be a scenario's target, and may lie once.

It keeps everything in lists and answers from one thread. Told the truth about, it is a server that a verdict finds
nothing wrong with; each `Lie` breaks one promise, with one post.
"""

from __future__ import annotations

import selectors
import socket
import threading
from base64 import b64encode
from collections.abc import Iterator
from enum import Enum
from hashlib import sha1

from wsproto.connection import Connection, ConnectionType
from wsproto.events import CloseConnection, TextMessage
from wsproto.frame_protocol import FrameProtocol

from clients.endpoint import Endpoint
from loadtest.people import People
from server.protocol.bases import Command
from server.protocol.codec import JSON
from server.protocol.commands import AnyCommand
from server.protocol.entries import Entry, MessageEntry
from server.protocol.errors import ErrorCode
from server.protocol.events import AnyEvent
from server.protocol.hello_commands import Hello
from server.protocol.message_commands import Post
from server.protocol.objects import Room, User
from server.protocol.page_commands import Log
from server.protocol.replies import Error, Limits, Ok, Resumed, Welcome

_GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
_AT = "2026-01-01T00:00:00.000Z"


class Lie(Enum):
    NONE = "tells the truth"
    FORGETS = "acknowledges and does not store"
    STORES_TWICE = "stores twice for one nonce"
    DELIVERS_UNSTORED = "delivers what is not stored"
    CHANGES = "changes the content"
    SKIPS = "does not deliver to one, and goes on"
    REORDERS = "delivers to one the later one first"
    DELIVERS_TWICE = "delivers twice to one"
    NEVER_ANSWERS = "stores, delivers, and does not answer"
    REFUSES_AND_STORES = "refuses for good, and stores"
    SAYS_DUPLICATE = "says of a new post that it was there before"
    HIDES = "answers `log` with an error"


class Seat:
    """One connection."""

    def __init__(self, sock: socket.socket) -> None:
        self.sock = sock
        self.received = b""
        self.websocket: Connection | None = None
        self.number = -1
        self.held: bytes = b""


class Double:
    """Serves from the beginning of the block to its end. `lies_with`: which post, from 1; the others it treats well."""

    def __init__(self, people: People, lie: Lie = Lie.NONE, lies_with: int = 3) -> None:
        self._people = people
        self._lie = lie
        self._lies_with = lies_with
        self._logs: dict[str, list[MessageEntry]] = {people.room(room): [] for room in range(people.room_count)}
        self._nonces: dict[tuple[str, str], int] = {}
        self._numbers = {people.token(number): number for number in range(people.count)}
        self._seats: dict[int, Seat] = {}
        self._posts = 0
        self._frames = FrameProtocol(client=False, extensions=[])
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=512)
        self._selector = selectors.DefaultSelector()
        self._selector.register(self._listener, selectors.EVENT_READ)
        self._going = True
        self._thread = threading.Thread(target=self._serve)

    @property
    def endpoint(self) -> Endpoint:
        return Endpoint("127.0.0.1", self._listener.getsockname()[1], tls=False)

    def __enter__(self) -> Double:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._going = False
        self._thread.join()
        for seat in list(self._seats.values()):
            seat.sock.close()
        self._selector.close()
        self._listener.close()

    # --- bytes ---------------------------------------------------------------------------------------------------

    def _serve(self) -> None:
        while self._going:
            for key, _ in self._selector.select(0.05):
                if key.fileobj is self._listener:
                    sock, _ = self._listener.accept()
                    self._seats[sock.fileno()] = Seat(sock)
                    self._selector.register(sock, selectors.EVENT_READ)
                else:
                    self._hear(self._seats[key.fd])

    def _hear(self, seat: Seat) -> None:
        try:
            data = seat.sock.recv(65_536)
        except ConnectionError:
            data = b""
        if not data:
            self._leave(seat)
        elif seat.websocket is None:
            self._upgrade(seat, data)
        else:
            self._read(seat, seat.websocket, data)

    def _leave(self, seat: Seat) -> None:
        self._selector.unregister(seat.sock)
        del self._seats[seat.sock.fileno()]
        seat.sock.close()

    def _upgrade(self, seat: Seat, data: bytes) -> None:
        seat.received += data
        head, end, rest = seat.received.partition(b"\r\n\r\n")
        if not end:
            return
        names_and_values = (line.partition(b":")[::2] for line in head.split(b"\r\n"))
        (key,) = (value.strip() for name, value in names_and_values if name.lower() == b"sec-websocket-key")
        accepted = b64encode(sha1(key + _GUID, usedforsecurity=False).digest())
        lines = (
            b"HTTP/1.1 101 Switching Protocols", b"Upgrade: websocket", b"Connection: Upgrade",
            b"Sec-WebSocket-Protocol: hubbub.v1.json", b"Sec-WebSocket-Accept: " + accepted, b"", b"",
        )  # fmt: skip
        seat.sock.sendall(b"\r\n".join(lines))
        seat.websocket = Connection(ConnectionType.SERVER)
        if rest:
            self._read(seat, seat.websocket, rest)

    def _read(self, seat: Seat, websocket: Connection, data: bytes) -> None:
        websocket.receive_data(data)
        for event in list(websocket.events()):
            if isinstance(event, TextMessage):
                self._said(seat, JSON.decode_command(event.data))
            elif isinstance(event, CloseConnection):
                return

    def _frame(self, event: AnyEvent) -> bytes:
        return bytes(self._frames.send_data(JSON.encode_event(event).decode(), fin=True))

    def _tell(self, seat: Seat, *events: AnyEvent) -> None:
        self._send(seat, b"".join(map(self._frame, events)))

    def _send(self, seat: Seat, data: bytes) -> None:
        try:
            seat.sock.sendall(data)
        except OSError:
            return  # it leaves by itself

    # --- commands ------------------------------------------------------------------------------------------------

    def _said(self, seat: Seat, command: AnyCommand) -> None:
        match command:
            case Hello(token=str(token)):
                seat.number = self._numbers[token]
                self._tell(seat, self._welcome(seat.number), *self._recoveries(command))
            case Post():
                self._posts += 1
                self._post(seat, command, self._lie if self._posts == self._lies_with else Lie.NONE)
            case Log():
                self._tell(seat, self._page(command))
            case Command(id=None):
                pass
            case _:
                self._tell(seat, Ok(id=command.id))

    def _welcome(self, number: int) -> Welcome:
        rooms = [self._people.room(room) for room in self._people.rooms_of(number)]
        return Welcome(
            me=self._user(number), session="s", node="n", heartbeat=30_000, features=(),
            limits=Limits(frame=1 << 20, text=4_000, unanswered=100), rooms=list(map(self._room, rooms)),
        )  # fmt: skip

    def _user(self, number: int) -> User:
        return User(user=self._people.user(number), name=self._people.name(number))

    def _room(self, room: str) -> Room:
        return Room(
            room=room, log="l", kind="group", members=2, last_seq=len(self._logs[room]), read_seq=0, role="member",
            unread=0, mentions=0,
        )  # fmt: skip

    def _recoveries(self, hello: Hello) -> Iterator[AnyEvent]:
        for room, cursor in (hello.resume or {}).items():
            log = self._logs[room]
            yield from log[cursor.seq :]
            yield Resumed(room=room, recovered=True, from_=cursor.seq + 1, to=len(log), last_seq=len(log))

    def _page(self, log: Log) -> Ok | Error:
        if self._lie is Lie.HIDES:
            return Error(id=log.id, code=ErrorCode.FORBIDDEN, message="no")
        entries: list[Entry] = [*self._logs[log.room][log.after : log.after + log.limit]]
        return Ok(id=log.id, entries=entries, more=log.after + len(entries) < len(self._logs[log.room]))

    # --- posts ---------------------------------------------------------------------------------------------------

    def _post(self, seat: Seat, post: Post, lie: Lie) -> None:
        log = self._logs[post.room]
        known = self._nonces.get((post.room, post.nonce))
        if known is not None:
            self._tell(seat, Ok(id=post.id, room=post.room, seq=known, at=_AT, duplicate=True))
            return
        seq = len(log) + 1
        text = "something else" if lie is Lie.CHANGES else post.text
        entry = MessageEntry(
            seq=seq, room=post.room, from_=self._user(seat.number), text=text, at=_AT, nonce=post.nonce, reactions=()
        )
        stored = {Lie.FORGETS: 0, Lie.DELIVERS_UNSTORED: 0, Lie.STORES_TWICE: 2}.get(lie, 1)
        for copy in range(stored):
            log.append(_at(entry, seq + copy))
        if stored:
            self._nonces[post.room, post.nonce] = seq
        self._answer(seat, post, seq, lie)
        for shown in [_at(entry, seq + copy) for copy in range(stored)] or [entry]:
            if lie is not Lie.FORGETS:
                self._deliver(shown, lie)

    def _answer(self, seat: Seat, post: Post, seq: int, lie: Lie) -> None:
        if lie is Lie.REFUSES_AND_STORES or lie is Lie.DELIVERS_UNSTORED:
            self._tell(seat, Error(id=post.id, code=ErrorCode.FORBIDDEN, message="no"))
        elif lie is not Lie.NEVER_ANSWERS:
            duplicate = True if lie is Lie.SAYS_DUPLICATE else None
            self._tell(seat, Ok(id=post.id, room=post.room, seq=seq, at=_AT, duplicate=duplicate))

    def _deliver(self, entry: MessageEntry, lie: Lie) -> None:
        frame = self._frame(entry)
        members = [seat for _, seat in sorted(self._seats.items()) if entry.room in self._rooms_of(seat)]
        for nth, seat in enumerate(members):
            before, seat.held = seat.held, b""
            match lie if nth == 0 else Lie.NONE:
                case Lie.SKIPS:
                    continue
                case Lie.REORDERS:
                    seat.held = frame
                case Lie.DELIVERS_TWICE:
                    self._send(seat, frame + frame)
                case _:
                    self._send(seat, frame + before)

    def _rooms_of(self, seat: Seat) -> set[str]:
        known = seat.number >= 0
        return {self._people.room(room) for room in self._people.rooms_of(seat.number)} if known else set()


def _at(entry: MessageEntry, seq: int) -> MessageEntry:
    return MessageEntry(
        seq=seq, room=entry.room, from_=entry.from_, text=entry.text, at=entry.at, nonce=entry.nonce, reactions=()
    )
