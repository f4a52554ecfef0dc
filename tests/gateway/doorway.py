"""A gateway with everything real but the store and the sessions behind it, and plain sockets in front of it."""

from __future__ import annotations

import base64
import json
import os
import socket
import ssl
import struct
from collections.abc import AsyncIterator, Callable, Hashable, Sized
from contextlib import asynccontextmanager
from dataclasses import astuple, dataclass, field
from functools import partial
from typing import Any

import trio

from actors import (
    Actor,
    Address,
    Down,
    DynamicSpec,
    Mailbox,
    Restart,
    SupervisorSpec,
    System,
    TaskSpec,
    open_system,
)
from server.accounts.tokens import token_hash
from server.corridors import Corridors
from server.gateway.arrivals import Arrivals
from server.gateway.asgi import AsgiApp, Message, Receive, Send
from server.gateway.certificates import Certificate
from server.gateway.connection import Connection
from server.gateway.deflate import inflated
from server.gateway.draining import Draining
from server.gateway.gateway import Gateway
from server.gateway.gathering import Gathering
from server.gateway.heartbeats import Heartbeats
from server.gateway.limits import GatewayLimits
from server.gateway.listener import Listener
from server.gateway.parsing import ParserPool
from server.gateway.peer import NOBODY, Proxies
from server.gateway.reactor import Reactor
from server.pacing import Pace, without_limit
from server.protocol.commands import is_answered
from server.protocol.events import AnyEvent
from server.protocol.objects import User
from server.protocol.outgoing import Outgoing
from server.protocol.replies import Limits, Ok, Welcome
from server.sessions.messages import Congested, Drained, NotifyDrained, Open, Said
from server.store.questions import Done
from server.store.user_messages import FindIdentity, Identity, NoIdentity
from server.turns import Door as TurnDoor
from server.turns import Turns
from tests.harness.authority import Authority

TOKEN = "token-of-ann"
REVOKED = "token-of-before"
ANN = User(user="u_ANN", name="ann")
PATIENCE = 10.0

everyones_authority: Authority | None = None
"""Set by tests that do everything under TLS, too."""

everybody_is_kept = False
"""Set by tests that do everything without descriptors, too."""


class TokenReader:
    """Answers `FindIdentity` at once, as the store's reader would after a while."""

    def __init__(self) -> None:
        self.asked = 0
        self.is_full = False
        self.revoked = token_hash(REVOKED)
        self.gathers_in: str | None = None
        """In which room Ann is gathered with others."""

    def tell(self, question: object, /) -> bool:
        assert isinstance(question, FindIdentity)
        self.asked += 1
        if self.is_full:
            return False
        answer: object = NoIdentity(revoked=question.token_hash == self.revoked)
        if question.token_hash == token_hash(TOKEN) != self.revoked:
            room = self.gathers_in if question.gathers else None
            answer = Identity(user=ANN, session="s_ann", device=None, administrator=False, gathers_in=room)
        return question.reply_to.answer(Done(question.ref, answer))


class SmallSession(Actor):
    """Welcomes, and answers every command with `ok`. Notes what it was told, for tests to look at."""

    __slots__ = ("connections", "identity", "notes")

    def __init__(self, notes: list[object], identity: Identity) -> None:
        self.notes = notes
        self.identity = identity
        self.connections: dict[Address, None] = {}

    def receive(self, message: object) -> None:
        self.notes.append(message)
        match message:
            case Open():
                self.connections[message.connection] = None
                self.watch(message.connection)
                message.connection.tell(Outgoing([welcome_for(self.identity, message)]))
            case Said():
                self.said(message)
            case Down():
                self.connections.pop(message.address, None)
                if not self.connections:
                    self.stop()
            case _:
                self.told(message)

    def said(self, said: Said) -> None:
        if is_answered(said.command):
            said.connection.tell(Outgoing([Ok(id=said.command.id)], answers=1))

    def told(self, message: object) -> None:
        pass


class MuteSession(SmallSession):
    """Never answers a command by itself."""

    __slots__ = ()

    def said(self, said: Said) -> None:
        pass


class CatchingUpSession(SmallSession):
    """Holds back when asked to, and feeds its connection page by page: what a real session does."""

    __slots__ = ("feed",)

    def __init__(self, notes: list[object], identity: Identity) -> None:
        super().__init__(notes, identity)
        self.feed: list[Outgoing] = []

    def told(self, message: object) -> None:
        match message:
            case Congested():
                message.connection.tell(NotifyDrained())
            case Drained() if self.feed:
                message.connection.tell(self.feed.pop(0))
                message.connection.tell(NotifyDrained())
            case _:
                pass


def welcome_for(identity: Identity, opened: Open) -> Welcome:
    return Welcome(
        id=opened.command_id,
        me=identity.user,
        session=identity.session,
        node="test",
        heartbeat=30_000,
        features=(),
        limits=Limits(frame=65_536, text=4_000, unanswered=32),
        rooms=[],
    )


async def small_app(scope: Message, receive: Receive, send: Send) -> None:
    """Says back what it was sent, and whatever the path asks for."""
    body = b""
    while (part := await receive())["type"] == "http.request":
        body += part["body"]
        if not part["more_body"]:
            break
    if scope["path"] == "/crash":
        raise RuntimeError("as ordered")
    if scope["path"] == "/silence":
        return
    if scope["path"] == "/fixed":
        body = b"always the same"
    headers = [(b"content-type", b"text/plain"), (b"x-path", scope["path"].encode())]
    if scope["path"] != "/chunked":
        headers.append((b"content-length", b"%d" % len(body)))
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    if scope["path"] == "/crash-late":
        await send({"type": "http.response.body", "body": body[:1], "more_body": True})
        raise RuntimeError("as ordered")
    await send({"type": "http.response.body", "body": body})


@dataclass
class Door:
    """A running gateway."""

    system: System
    gateway: Gateway
    heartbeats: Heartbeats
    listening: socket.socket
    reader: TokenReader
    notes: list[object] = field(default_factory=list)
    """What sessions were told."""
    clients: list[Client] = field(default_factory=list)
    tls: ssl.SSLContext | None = None
    """How clients speak TLS; without, they do not."""

    @property
    def port(self) -> int:
        return int(self.listening.getsockname()[1])

    def noted(self, kind: type[Any]) -> list[Any]:
        return [note for note in self.notes if isinstance(note, kind)]

    @property
    def connections(self) -> list[Address]:
        return list(self.system.dynamic("connections").children())

    @property
    def session(self) -> Address:
        found = self.system.dynamic("sessions").find("s_ann")
        assert found is not None
        return found

    async def client(self, receive_buffer: int | None = None) -> Client:
        sock = trio.socket.socket()
        if receive_buffer is not None:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        await sock.connect(("127.0.0.1", self.port))
        plain = trio.SocketStream(sock)
        stream: trio.SocketStream | trio.SSLStream[trio.SocketStream] = plain
        if self.tls is not None:
            stream = trio.SSLStream(plain, self.tls, server_hostname="localhost", https_compatible=True)
        client = Client(stream, sock)
        self.clients.append(client)
        if isinstance(stream, trio.SSLStream):
            with trio.fail_after(PATIENCE):
                await stream.do_handshake()
        return client

    def early_client(self, said: bytes) -> Client:
        """One whose first bytes stand in the kernel before the server has accepted it: it gets no turn meanwhile."""
        sock = socket.socket()
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 2**20)
        sock.settimeout(PATIENCE)
        sock.connect(("127.0.0.1", self.port))
        sock.sendall(said)
        stream = trio.SocketStream(trio.socket.from_stdlib_socket(sock))
        client = Client(stream, stream.socket)
        self.clients.append(client)
        return client

    async def websocket(self, headers: str = "", receive_buffer: int | None = None) -> Client:
        client = await self.client(receive_buffer)
        head = await client.upgrade(headers)
        assert head.startswith(b"HTTP/1.1 101 "), head
        return client

    async def welcomed(self, receive_buffer: int | None = None) -> Client:
        client = await self.websocket(receive_buffer=receive_buffer)
        await client.say({"op": "hello", "token": TOKEN})
        assert (await client.hear())["op"] == "welcome"
        return client


class Client:
    """Speaks HTTP and RFC 6455 byte by byte, rightly or wrongly, as a test wants it."""

    def __init__(
        self, stream: trio.SocketStream | trio.SSLStream[trio.SocketStream], sock: trio.socket.SocketType
    ) -> None:
        self.stream = stream
        self.socket = sock
        self.compressed = 0
        """Messages of the server that were."""
        self._buffer = bytearray()

    async def send(self, data: bytes) -> None:
        await self.stream.send_all(data)

    async def upgrade(self, headers: str = "", key: str | None = None) -> bytes:
        await self.send(upgrade_request(headers, key))
        return await self.head()

    async def head(self) -> bytes:
        """The head of an HTTP response."""
        while b"\r\n\r\n" not in self._buffer:
            await self._more()
        head, _, rest = bytes(self._buffer).partition(b"\r\n\r\n")
        self._buffer = bytearray(rest)
        return head

    async def status(self) -> int:
        return int((await self.head()).split()[1])

    async def say(self, command: dict[str, Any]) -> None:
        await self.send(text(json.dumps(command)))

    async def frame(self) -> tuple[int, bytes]:
        """The next frame of the server: opcode and payload, inflated where it was compressed."""
        first, second = await self._take(2)
        assert not second & 0x80, "a server's frames are not masked"
        assert first & 0x80, "and not fragmented"
        length = second
        if second == 126:
            (length,) = struct.unpack("!H", await self._take(2))
        elif second == 127:
            (length,) = struct.unpack("!Q", await self._take(8))
        payload = await self._take(length)
        if first & 0x40:
            self.compressed += 1
            payload = inflated(payload, 2**20)
        return first & 0x0F, payload

    async def hear(self) -> Any:
        opcode, payload = await self.frame()
        assert opcode == 1, (opcode, payload)
        return json.loads(payload)

    async def close_code(self) -> int:
        """Read until the close frame; then end our side, as a good client does."""
        while True:
            opcode, payload = await self.frame()
            if opcode == 8:
                self.socket.shutdown(socket.SHUT_WR)
                await self.ends()
                return int(struct.unpack_from("!H", payload)[0])

    async def ends(self) -> bytes:
        """Read to the end of the stream: what still came."""
        rest = bytes(self._buffer)
        self._buffer.clear()
        with trio.fail_after(PATIENCE):
            try:
                while data := await self.stream.receive_some(65_536):
                    rest += data
            except trio.BrokenResourceError:
                pass
        return rest

    def reset(self) -> None:
        """Vanish without a goodbye."""
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.socket.close()

    async def _take(self, count: int) -> bytes:
        while len(self._buffer) < count:
            await self._more()
        taken = bytes(self._buffer[:count])
        del self._buffer[:count]
        return taken

    async def _more(self) -> None:
        with trio.fail_after(PATIENCE):
            data = await self.stream.receive_some(65_536)
        assert data, f"the server ended the connection, behind {bytes(self._buffer)!r}"
        self._buffer += data


def upgrade_request(headers: str = "", key: str | None = None) -> bytes:
    key = key or base64.b64encode(os.urandom(16)).decode()
    return (
        f"GET /v1/ws HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        f"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {key}\r\n{headers}\r\n"
    ).encode()


def frame(opcode: int, payload: bytes, *, fin: bool = True, masked: bool = True, rsv: int = 0) -> bytes:
    """A client's frame."""
    first = bytes(((0x80 if fin else 0) | rsv << 4 | opcode,))
    mask_bit = 0x80 if masked else 0
    if len(payload) < 126:
        head = first + bytes((mask_bit | len(payload),))
    elif len(payload) < 65_536:
        head = first + struct.pack("!BH", mask_bit | 126, len(payload))
    else:
        head = first + struct.pack("!BQ", mask_bit | 127, len(payload))
    if not masked:
        return head + payload
    key = b"\x01\x02\x03\x04"
    body = bytes(byte ^ key[i & 3] for i, byte in enumerate(payload))
    return head + key + body


def text(payload: str | bytes, *, fin: bool = True) -> bytes:
    return frame(1, payload.encode() if isinstance(payload, str) else payload, fin=fin)


def event_frames(*events: AnyEvent) -> Outgoing:
    return Outgoing(events)


@dataclass
class Worker:
    """Which of several a gateway is. All of them are open."""

    index: int
    turns: Turns
    corridors: Corridors

    def __post_init__(self) -> None:
        self.turns.is_open[self.index] = self.turns.is_reached[self.index] = True

    @property
    def gathering(self) -> Gathering:
        return Gathering(self.index, self.turns, self.corridors)

    def arrivals(self, gateway: Gateway) -> Arrivals:
        with socket.socket() as unused:
            door = TurnDoor(self.turns, self.index, unused)
        return Arrivals(gateway, self.corridors, self.index, door)


@asynccontextmanager
async def open_door(
    limits: GatewayLimits | None = None,
    session: Callable[..., Actor] = SmallSession,
    app: AsgiApp = small_app,
    connection: Callable[..., Actor] = Connection,
    origins: frozenset[str] = frozenset(),
    compression: bool = False,
    pace: Pace[Hashable] | None = None,
    authority: Authority | None = None,
    proxies: Proxies = NOBODY,
    unsettled: Sized = (),
    worker: Worker | None = None,
) -> AsyncIterator[Door]:
    """A gateway on a port of its own, with `session` behind it; under TLS where there is an authority."""
    authority = authority or everyones_authority
    certificate = None if authority is None else Certificate(*astuple(authority.issue()))
    limits = limits or GatewayLimits(stop_seconds=0.5, close_seconds=0.5)
    reader, notes = TokenReader(), list[object]()
    reactor = Reactor(keeps=everybody_is_kept)
    gateway = Gateway(
        limits=limits, reactor=reactor, parsers=ParserPool(limits.partial_bytes), reader=reader, app=app,
        origins=origins, compression=compression, pace=without_limit() if pace is None else pace,
        certificate=certificate, proxies=proxies, unsettled=unsettled,
        gathering=None if worker is None else worker.gathering,
    )  # fmt: skip
    heartbeats = Heartbeats(reactor, limits)
    with socket.create_server(("127.0.0.1", 0)) as listening:
        tree = SupervisorSpec(
            "gateway",
            [
                DynamicSpec("sessions", partial(session, notes)),
                TaskSpec("reactor", reactor.run),
                TaskSpec("heartbeats", heartbeats.run),
                DynamicSpec(
                    "connections",
                    partial(connection, gateway),
                    mailbox=Mailbox(1_000),
                    restart=Restart.TEMPORARY,
                    breaker=None,
                ),
                *(() if worker is None else (TaskSpec("arrivals", worker.arrivals(gateway).run),)),
                TaskSpec("listener", Listener(gateway, [listening]).run),
                TaskSpec("draining", Draining(gateway).run, shutdown=60.0),
            ],
        )
        async with open_system(tree) as system:
            door = Door(
                system,
                gateway,
                heartbeats,
                listening,
                reader,
                notes,
                tls=None if authority is None else authority.trusting(),
            )
            try:
                yield door
            finally:
                for client in door.clients:
                    client.socket.close()


async def until(condition: Callable[[], object], what: str = "") -> None:
    """Wait until it holds; sooner or later, not at a certain time."""
    with trio.move_on_after(PATIENCE):
        while not condition():  # noqa: ASYNC110 - what is waited for is seen from outside only
            await trio.sleep(0.005)
        return
    raise AssertionError(f"never came true: {what or condition}")
