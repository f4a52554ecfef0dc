"""The server's side of a client's conversation, played by hand: what it says as bytes, what it hears as commands."""

from __future__ import annotations

import hashlib
from base64 import b64encode
from collections.abc import Iterator, Sequence

from wsproto.connection import Connection, ConnectionType
from wsproto.events import TextMessage
from wsproto.frame_protocol import FrameProtocol

from server.protocol.codec import JSON
from server.protocol.commands import AnyCommand
from server.protocol.entries import MessageEntry
from server.protocol.events import AnyEvent
from server.protocol.objects import Room, User
from server.protocol.replies import Limits, Welcome

AT = "2026-01-01T00:00:00.000Z"
_GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"  # RFC 6455, section 1.3


class Numbered:
    """People `u_0`, `u_1` …, each of them in rooms `r_0`, `r_1` …, so many."""

    def __init__(self, rooms: int) -> None:
        self._rooms = range(rooms)

    def user(self, number: int) -> str:
        return f"u_{number}"

    def token(self, number: int) -> str:
        return f"token {number}"

    def room(self, room: int) -> str:
        return f"r_{room}"

    def rooms_of(self, number: int) -> Sequence[int]:
        return self._rooms


def switched(request: bytes) -> bytes:
    """The answer to an upgrade."""
    key = request.partition(b"Sec-WebSocket-Key: ")[2].partition(b"\r\n")[0]
    accepted = b64encode(hashlib.sha1(key + _GUID, usedforsecurity=False).digest())
    return b"HTTP/1.1 101 Switching Protocols\r\nsec-websocket-accept: " + accepted + b"\r\n\r\n"


def frames(*events: AnyEvent) -> bytes:
    protocol = FrameProtocol(client=False, extensions=[])
    return b"".join(bytes(protocol.send_data(JSON.encode_event(event).decode(), fin=True)) for event in events)


def served(said: bytes) -> list[object]:
    """What a server's websocket makes of what a client says."""
    server = Connection(ConnectionType.SERVER)
    server.receive_data(said)
    return list(server.events())


def commands(said: bytes) -> Iterator[AnyCommand]:
    for event in served(said):
        assert isinstance(event, TextMessage)
        yield JSON.decode_command(event.data)


def welcome(*last_seqs: int) -> Welcome:
    """To rooms `r_0`, `r_1` …, whose logs are so long."""
    return Welcome(
        me=User(user="u_0", name="zero"), session="s", node="n", heartbeat=30_000, features=(),
        limits=Limits(frame=1, text=1, unanswered=1), rooms=[_room(*each) for each in enumerate(last_seqs)],
    )  # fmt: skip


def _room(number: int, last_seq: int) -> Room:
    return Room(
        room=f"r_{number}", log=f"l_{number}", kind="group", members=2, last_seq=last_seq, read_seq=0, role="member",
        unread=0, mentions=0,
    )  # fmt: skip


def message(
    seq: int, text: str = "hello", nonce: str | None = "n", room: int = 0, author: str = "u_bob"
) -> MessageEntry:
    user = User(user=author, name=author[2:])
    return MessageEntry(seq=seq, room=f"r_{room}", from_=user, text=text, at=AT, nonce=nonce, reactions=())
