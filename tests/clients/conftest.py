"""A small server that speaks the protocol's words, honest but for the trouble a test orders.

The hub is pure: a connection takes a frame and leaves its answers in `outgoing`. `SmallServer` puts it behind
trio's memory streams and a real websocket handshake.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field

import pytest
import trio
import trio.testing
from wsproto import ConnectionType, WSConnection
from wsproto.events import AcceptConnection, CloseConnection, Ping, RejectConnection, Request, TextMessage

from clients.endpoint import Endpoint
from server.protocol.attention_commands import Read, Received, Typing
from server.protocol.codec import JSON, SUBPROTOCOL, encode_event
from server.protocol.commands import FEATURES, AnyCommand
from server.protocol.entries import Joined, MessageEntry
from server.protocol.errors import ErrorCode
from server.protocol.events import AnyEvent
from server.protocol.hello_commands import Cursor, Hello
from server.protocol.hello_commands import Ping as PingCommand
from server.protocol.invite_commands import Invite
from server.protocol.message_commands import Post
from server.protocol.objects import Member, Message, Room, User
from server.protocol.page_commands import History, Log
from server.protocol.replies import Error, Limits, Ok, Pong, Resumed, Welcome
from server.protocol.room_commands import Join, Leave, Members, Rooms

AT = "2026-01-01T00:00:00.000Z"


@dataclass
class SmallHub:
    """Users, rooms and their logs. `refuse` holds the codes with which the next posts are refused."""

    logs: dict[str, list[MessageEntry | Joined]] = field(default_factory=dict)
    refuse: deque[ErrorCode] = field(default_factory=deque)
    swallow: int = 0  # answers to posts that are lost on the way, as if the connection had broken
    log_id: str = "l_1"
    replay: int = 1_000
    connections: list[SmallConnection] = field(default_factory=list)
    hellos: list[Hello] = field(default_factory=list)

    def room(self, room: str) -> Room:
        last = len(self.logs.setdefault(room, []))
        return Room(
            room=room,
            log=self.log_id,
            kind="channel",
            name=room.removeprefix("r_"),
            members=2,
            last_seq=last,
            read_seq=0,
            role="member",
            unread=0,
            mentions=0,
        )

    def append(self, room: str, name: str, text: str, nonce: str | None = None, quiet: bool = False) -> MessageEntry:
        """A message goes into the log and to everybody; `quiet`: it is lost on the way to them."""
        log = self.logs.setdefault(room, [])
        entry = MessageEntry(seq=len(log) + 1, room=room, from_=user(name), text=text, at=AT, nonce=nonce, reactions=())
        log.append(entry)
        if not quiet:
            self.tell_all(entry)
        return entry

    def tell_all(self, event: AnyEvent) -> None:
        for connection in self.connections:
            connection.tell(event)


def user(name: str) -> User:
    return User(user=f"u_{name.upper()}", name=name, display_name=name.title())


class SmallConnection:
    """One websocket of `name`."""

    def __init__(self, hub: SmallHub, name: str) -> None:
        self.hub = hub
        self.name = name
        self.outgoing: list[bytes] = []
        self.heard: list[AnyCommand] = []
        self.refused: Post | None = None  # for now: what is pipelined behind it is refused too

    def tell(self, event: AnyEvent) -> None:
        self.outgoing.append(encode_event(event))

    def take(self, frame: bytes | str) -> None:
        command = JSON.decode_command(frame)
        self.heard.append(command)
        match command:
            case Hello():
                self._hello(command)
            case Post():
                self._post(command)
            case Join(name=name) if name is not None:
                info = self.hub.room(f"r_{name}")
                self.tell(Ok(id=command.id, room=info.room, info=info))
            case Log():
                entries = self.hub.logs[command.room][command.after :][: command.limit]
                more = command.after + len(entries) < len(self.hub.logs[command.room])
                self.tell(Ok(id=command.id, room=command.room, entries=list(entries), more=more))
            case History():
                self._history(command)
            case Rooms():
                self.tell(Ok(id=command.id, rooms=[self.hub.room(room) for room in self.hub.logs]))
            case PingCommand():
                self.tell(Pong(id=command.id))
            case Leave() | Read() | Received() | Invite():
                self.tell(Ok(id=command.id, room=command.room))
            case Members():
                members = [Member(user=user(name), role="member", joined_at=AT) for name in ("ann", "bob")]
                self.tell(Ok(id=command.id, room=command.room, members=members))
            case Typing():
                pass
            case _:
                self.tell(Error(id=command.id, code=ErrorCode.NO_SUCH_ROOM, message="no such room"))

    def _hello(self, hello: Hello) -> None:
        self.hub.hellos.append(hello)
        rooms = [self.hub.room(room) for room in self.hub.logs]
        limits = Limits(frame=65_536, text=4_000, unanswered=32)
        self.tell(
            Welcome(
                me=user(self.name),
                session="s_1",
                node="n_1",
                heartbeat=30_000,
                features=FEATURES,
                limits=limits,
                rooms=rooms,
            )
        )
        for room, cursor in (hello.resume or {}).items():
            self._recover(room, cursor)
        self.hub.connections.append(self)

    def _recover(self, room: str, cursor: Cursor) -> None:
        log = self.hub.logs.get(room, [])
        missing = log[cursor.seq :]
        if cursor.log != self.hub.log_id or cursor.seq > len(log) or len(missing) > self.hub.replay:
            self.tell(Resumed(room=room, recovered=False, reason="another_log", last_seq=len(log)))
            return
        for entry in missing:
            self.tell(entry)
        self.tell(Resumed(room=room, recovered=True, from_=cursor.seq + 1, to=len(log), last_seq=len(log)))

    def _post(self, post: Post) -> None:
        """While one is refused for now, those pipelined behind it are refused too (docs/protocol.md)."""
        known = [entry for entry in self.hub.logs.get(post.room, []) if _nonce(entry) == post.nonce]
        if known:
            self._answer(Ok(id=post.id, room=post.room, seq=known[0].seq, at=AT, duplicate=True))
        elif self.hub.refuse:
            self._refuse(post, self.hub.refuse.popleft())
        elif self.refused is not None and self.refused.nonce != post.nonce:
            self._refuse(post, ErrorCode.UNAVAILABLE)
        else:
            self.refused = None
            seq = len(self.hub.logs.setdefault(post.room, [])) + 1
            self._answer(Ok(id=post.id, room=post.room, seq=seq, at=AT, duplicate=False))
            self.hub.append(post.room, self.name, post.text, post.nonce)

    def _refuse(self, post: Post, code: ErrorCode) -> None:
        if code in (ErrorCode.UNAVAILABLE, ErrorCode.RATE_LIMITED):
            self.refused = self.refused or post
        self.tell(Error(id=post.id, code=code, message="not now", retry_after=100))

    def _answer(self, ok: Ok) -> None:
        if self.hub.swallow:
            self.hub.swallow -= 1
        else:
            self.tell(ok)

    def _history(self, command: History) -> None:
        entries = [entry for entry in self.hub.logs[command.room] if isinstance(entry, MessageEntry)]
        kept = [entry for entry in entries if command.before is None or entry.seq < command.before][-command.limit :]
        messages = [
            Message(seq=e.seq, room=e.room, from_=e.from_, text=e.text, at=e.at, nonce=e.nonce, reactions=())
            for e in kept
        ]
        more = len(kept) < len(entries)
        self.tell(Ok(id=command.id, room=command.room, messages=messages, more=more))

    def drain(self, most: int | None = None) -> list[bytes]:
        """What the client hears now."""
        heard = self.outgoing[:most]
        del self.outgoing[: len(heard)]
        return heard


def _nonce(entry: MessageEntry | Joined) -> str | None:
    return entry.nonce if isinstance(entry, MessageEntry) else None


@dataclass
class SmallServer:
    """The hub behind websockets. `connect` is what a client dials."""

    hub: SmallHub
    nursery: trio.Nursery
    name: str = "ann"
    reject_with: int | None = None
    down: bool = False
    tokens: list[bytes] = field(default_factory=list)
    links: list[trio.abc.Stream] = field(default_factory=list)
    websockets: list[WSConnection] = field(default_factory=list)

    async def connect(self, endpoint: Endpoint) -> trio.abc.Stream:
        await trio.lowlevel.checkpoint()
        if self.down:
            raise ConnectionRefusedError("nobody listens")
        here, there = trio.testing.memory_stream_pair()
        self.nursery.start_soon(self._serve, there)
        return here

    async def cut(self) -> None:
        """All connections break, without a word."""
        self.hub.connections.clear()
        links, self.links = self.links, []
        for link in links:
            await trio.aclose_forcefully(link)

    async def close(self, code: int, reason: str) -> None:
        self.hub.connections.clear()
        for link, websocket in zip(self.links, self.websockets, strict=True):
            await link.send_all(websocket.send(CloseConnection(code=code, reason=reason)))

    async def flush(self) -> None:
        """Send what the hub has for its connections."""
        for connection, link, websocket in zip(self.hub.connections, self.links, self.websockets, strict=True):
            await _send(link, websocket, connection)

    async def _serve(self, stream: trio.abc.Stream) -> None:
        websocket = WSConnection(ConnectionType.SERVER)
        connection = SmallConnection(self.hub, self.name)
        self.links.append(stream)
        self.websockets.append(websocket)
        try:
            while True:
                data = await stream.receive_some()
                websocket.receive_data(bytes(data) or None)
                for event in websocket.events():
                    if not await self._take(event, stream, websocket, connection):
                        return
                await self.flush() if connection in self.hub.connections else None
        except (trio.BrokenResourceError, trio.ClosedResourceError):
            return
        finally:
            self.websockets.remove(websocket)
            if stream in self.links:
                self.links.remove(stream)
            if connection in self.hub.connections:
                self.hub.connections.remove(connection)
            await trio.aclose_forcefully(stream)

    async def _take(
        self, event: object, stream: trio.abc.Stream, websocket: WSConnection, connection: SmallConnection
    ) -> bool:
        match event:
            case Request():
                self.tokens += [value for name, value in event.extra_headers if name.lower() == b"authorization"]
                if self.reject_with is not None:
                    await stream.send_all(websocket.send(RejectConnection(status_code=self.reject_with)))
                    return False
                await stream.send_all(websocket.send(AcceptConnection(subprotocol=SUBPROTOCOL)))
            case TextMessage():
                connection.take(event.data)
            case Ping():
                await stream.send_all(websocket.send(event.response()))
            case CloseConnection():
                return False
        return True


async def _send(stream: trio.abc.Stream, websocket: WSConnection, connection: SmallConnection) -> None:
    for frame in connection.drain():
        await stream.send_all(websocket.send(TextMessage(data=frame.decode())))


@pytest.fixture(scope="session")
def small_hub() -> type[SmallHub]:
    return SmallHub


@pytest.fixture(scope="session")
def small_connection() -> type[SmallConnection]:
    return SmallConnection


@pytest.fixture
def hub() -> SmallHub:
    return SmallHub()


@pytest.fixture
def small_server(hub: SmallHub, nursery: trio.Nursery) -> SmallServer:
    return SmallServer(hub, nursery)
