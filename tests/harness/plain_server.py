"""A server of the protocol that does the least there is: for measuring clients, beside which it costs little.

It welcomes whoever knows a token, keeps what is posted in memory, gives each the next `seq` of its room, and tells
everybody in it. A test lets it `step`; as a program, with the manifest of its people, it prints its port and runs.
"""

from __future__ import annotations

import select
import socket
import sys
from base64 import b64encode
from collections import defaultdict
from contextlib import suppress
from hashlib import sha1
from pathlib import Path

from wsproto.frame_protocol import FrameProtocol, Opcode

from clients.endpoint import Endpoint
from loadtest.people import People
from server.protocol.codec import JSON
from server.protocol.entries import MessageEntry
from server.protocol.events import AnyEvent
from server.protocol.hello_commands import Hello
from server.protocol.message_commands import Post
from server.protocol.objects import Room, User
from server.protocol.replies import Limits, Ok, Resumed, Welcome

AT = "2026-01-01T00:00:00.000Z"
_GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
_LIMITS = Limits(frame=65_536, text=4_000, unanswered=100)


class PlainServer:
    """Everybody of `people`, as many as come."""

    def __init__(self, people: People, listener: socket.socket) -> None:
        self._people = people
        self._numbers = {people.token(number): number for number in range(people.count)}
        self._listener = listener
        self._listener.setblocking(False)
        self._epoll = select.epoll()
        self._epoll.register(listener.fileno(), select.EPOLLIN)
        self._sockets: dict[int, socket.socket] = {}
        self._readers: dict[int, FrameProtocol] = {}
        self._parts: dict[int, str] = {}
        self._who: dict[int, int] = {}
        self._in_room: dict[str, set[int]] = defaultdict(set)
        self._logs: dict[str, list[bytes]] = defaultdict(list)

    @property
    def endpoint(self) -> Endpoint:
        return Endpoint(*self._listener.getsockname(), tls=False)

    def close(self) -> None:
        for each in (self._listener, self._epoll, *self._sockets.values()):
            each.close()

    def step(self, timeout: float | None = 0) -> None:
        """What has come; None: wait for something."""
        for descriptor, _ in self._epoll.poll(timeout):
            if descriptor == self._listener.fileno():
                self._accept()
            else:
                self._read(descriptor)

    def tell(self, number: int, event: AnyEvent) -> None:
        """Say something to somebody who is here."""
        self._sockets[self._descriptor_of(number)].send(_frame(event))

    def send_away(self, number: int, code: int) -> None:
        """Close somebody's connection."""
        descriptor = self._descriptor_of(number)
        self._sockets[descriptor].send(b"\x88\x02" + code.to_bytes(2, "big"))
        self._leave(descriptor)

    def is_here(self, number: int) -> bool:
        return number in self._who.values()

    def _descriptor_of(self, number: int) -> int:
        return next(descriptor for descriptor, who in self._who.items() if who == number)

    def _accept(self) -> None:
        try:
            while True:
                accepted, _ = self._listener.accept()
                accepted.setblocking(False)
                self._sockets[accepted.fileno()] = accepted
                self._epoll.register(accepted.fileno(), select.EPOLLIN)
        except BlockingIOError:
            pass

    def _read(self, descriptor: int) -> None:
        try:
            data = self._sockets[descriptor].recv(65_536)
        except OSError:
            data = b""
        if not data:
            self._leave(descriptor)
        elif descriptor in self._readers:
            self._hear(descriptor, data)
        else:
            key = data.partition(b"Sec-WebSocket-Key: ")[2].partition(b"\r\n")[0]
            accept = b64encode(sha1(key + _GUID, usedforsecurity=False).digest())
            head = b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            self._readers[descriptor] = FrameProtocol(client=False, extensions=[])
            self._sockets[descriptor].send(head + b"Sec-WebSocket-Accept: " + accept + b"\r\n\r\n")

    def _leave(self, descriptor: int) -> None:
        number = self._who.pop(descriptor, None)
        if number is not None:
            for room in self._people.rooms_of(number):
                self._in_room[self._people.room(room)].discard(descriptor)
        self._readers.pop(descriptor, None)
        self._parts.pop(descriptor, None)
        self._sockets.pop(descriptor).close()

    def _hear(self, descriptor: int, data: bytes) -> None:
        reader = self._readers[descriptor]
        reader.receive_bytes(data)
        for frame in reader.received_frames():
            if frame.opcode is Opcode.CLOSE:
                self._leave(descriptor)
                return
            said = self._parts.pop(descriptor, "") + str(frame.payload)
            if not frame.message_finished:
                self._parts[descriptor] = said
                continue
            command = JSON.decode_command(said)
            if isinstance(command, Hello):
                self._welcome(descriptor, command)
            elif isinstance(command, Post):
                self._post(descriptor, command)

    def _welcome(self, descriptor: int, hello: Hello) -> None:
        number = self._who[descriptor] = self._numbers[hello.token or ""]
        rooms = [self._people.room(room) for room in self._people.rooms_of(number)]
        for room in rooms:
            self._in_room[room].add(descriptor)
        welcome = Welcome(
            me=self._user(number), session="s", node="n", heartbeat=30_000, features=(), limits=_LIMITS,
            rooms=[self._room(room) for room in rooms],
        )  # fmt: skip
        missed = b""
        for room, cursor in (hello.resume or {}).items():
            head = len(self._logs[room])
            missed += b"".join(self._logs[room][cursor.seq :])
            missed += _frame(Resumed(room=room, recovered=True, from_=cursor.seq + 1, to=head, last_seq=head))
        self._sockets[descriptor].send(_frame(welcome) + missed)

    def _post(self, descriptor: int, post: Post) -> None:
        log = self._logs[post.room]
        seq = len(log) + 1
        author = self._user(self._who[descriptor])
        entry = MessageEntry(
            seq=seq, room=post.room, from_=author, text=post.text, at=AT, nonce=post.nonce, reactions=()
        )
        frame = _frame(entry)
        log.append(frame)
        self._sockets[descriptor].send(_frame(Ok(id=post.id, room=post.room, seq=seq, at=AT, duplicate=False)))
        for member in self._in_room[post.room]:
            with suppress(BlockingIOError):  # who does not read will have to come again
                self._sockets[member].send(frame)

    def _user(self, number: int) -> User:
        return User(user=self._people.user(number), name=self._people.name(number))

    def _room(self, room: str) -> Room:
        return Room(
            room=room, log=f"l{room[1:]}", kind="channel", members=1, last_seq=len(self._logs[room]), read_seq=0,
            role="member", unread=0, mentions=0,
        )  # fmt: skip


def _frame(event: AnyEvent) -> bytes:
    payload = JSON.encode_event(event)
    size = len(payload)
    head = bytes((0x81, size)) if size < 126 else b"\x81\x7e" + size.to_bytes(2, "big")
    return head + payload


def main() -> None:
    listener = socket.create_server(("127.0.0.1", 0), backlog=4_096)
    print(listener.getsockname()[1], flush=True)
    server = PlainServer(People.read(Path(sys.argv[1])), listener)
    while True:
        server.step(None)


if __name__ == "__main__":
    main()
