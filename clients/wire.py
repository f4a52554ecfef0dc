"""The websocket, client side, without I/O: bytes in, wire events out; texts in, bytes out.

The handshake is wsproto's own (h11 below it), which checks the answer as RFC 6455, section 4.1 demands; after it
only the frame parser is kept. Pings are answered here, and count as a sign of life like any other byte. What is
received is bounded: nobody should be able to fill a client's memory with one message.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from wsproto.connection import Connection, ConnectionState, ConnectionType
from wsproto.events import (
    AcceptConnection,
    BytesMessage,
    CloseConnection,
    Ping,
    RejectConnection,
    RejectData,
    Request,
    TextMessage,
)
from wsproto.handshake import H11Handshake
from wsproto.utilities import ProtocolError

from clients.endpoint import Endpoint
from server.protocol.codec import SUBPROTOCOL

LARGEST_MESSAGE: Final = 32 * 1024 * 1024  # characters; 500 entries of the longest text, escaped, are below it
ABNORMAL: Final = 1006  # RFC 6455, section 7.4.1: ended without a close frame
PROTOCOL_ERROR: Final = 1002
TOO_BIG: Final = 1009
UNSUPPORTED: Final = 1003
_REJECTION_KEPT: Final = 4096  # bytes of the body of a refusal


@dataclass(frozen=True, slots=True)
class Opened:
    """The handshake is done."""


@dataclass(frozen=True, slots=True)
class Text:
    """A whole text message."""

    text: str


@dataclass(frozen=True, slots=True)
class Rejected:
    """The server refused the upgrade, with an HTTP status. `retry_after` in seconds, where it named one."""

    status: int
    retry_after: float | None
    body: bytes


@dataclass(frozen=True, slots=True)
class Closed:
    """The websocket ended; 1006 where there was no close frame. Nothing follows."""

    code: int
    reason: str


WireEvent = Opened | Text | Rejected | Closed


class Wire:
    """One websocket to `endpoint`.

    Parameters
    ----------
    token
        Sent as `Authorization: Bearer …` with the upgrade.
    """

    def __init__(self, endpoint: Endpoint, token: str | None = None) -> None:
        self._handshake: H11Handshake | None = H11Handshake(ConnectionType.CLIENT)
        self._connection: Connection | None = None
        self._ended = False
        self._rejected: Rejected | None = None
        self._parts: list[str] = []
        self._size = 0
        headers = [] if token is None else [(b"Authorization", b"Bearer " + token.encode())]
        request = Request(
            host=endpoint.authority,
            target=endpoint.target("/v1/ws"),
            subprotocols=[SUBPROTOCOL],
            extra_headers=headers,
        )
        self._outgoing = self._handshake.send(request)

    def to_send(self) -> bytes:
        """The bytes to send now: the upgrade request at first, answers to pings and closes later."""
        outgoing, self._outgoing = self._outgoing, b""
        return outgoing

    def send_text(self, payload: bytes) -> None:
        """Send a text message, UTF-8. After the end it goes nowhere: the end is told by `receive`."""
        if self._connection is not None and self._connection.state is ConnectionState.OPEN:
            self._outgoing += self._connection.send(TextMessage(data=payload.decode()))

    def close(self, code: int = 1000, reason: str = "") -> None:
        """Begin the closing handshake, or finish the one the server began."""
        if self._connection is not None and self._connection.state in _CAN_CLOSE:
            self._outgoing += self._connection.send(CloseConnection(code=code, reason=reason))

    def receive(self, data: bytes) -> list[WireEvent]:
        """What follows from bytes of the socket; b"" is its end."""
        if self._ended:
            return []
        try:
            return list(self._read(data))
        except (ProtocolError, UnicodeDecodeError) as error:
            self.close(PROTOCOL_ERROR)
            return [self._end(ABNORMAL, f"the server breaks the protocol: {error}")]

    def _read(self, data: bytes) -> Iterator[WireEvent]:
        if self._handshake is not None:
            yield from self._shake_hands(self._handshake, data)
        elif self._connection is not None and data:
            self._connection.receive_data(data)
        if self._connection is not None:
            yield from self._read_frames(self._connection)
        if not data and not self._ended:
            yield self._end(ABNORMAL, "connection lost")

    def _shake_hands(self, handshake: H11Handshake, data: bytes) -> Iterator[WireEvent]:
        handshake.receive_data(data)
        finished = False
        for event in handshake.events():
            match event:
                case AcceptConnection():
                    self._connection = handshake.connection
                    self._handshake = None
                    yield Opened()
                case RejectConnection():
                    self._rejected = Rejected(event.status_code, _retry_after(event), b"")
                    finished = not event.has_body
                case RejectData():
                    self._keep_rejection(event.data)
                    finished = event.body_finished
        if self._rejected is not None and (finished or not data):
            self._ended = True
            yield self._rejected

    def _keep_rejection(self, more: bytes) -> None:
        if self._rejected is not None:
            body = (self._rejected.body + bytes(more))[:_REJECTION_KEPT]
            self._rejected = Rejected(self._rejected.status, self._rejected.retry_after, body)

    def _read_frames(self, connection: Connection) -> Iterator[WireEvent]:
        for event in connection.events():
            if self._ended:
                continue  # wsproto moves on while its events are read: drain them
            match event:
                case TextMessage():
                    yield from self._text(event)
                case Ping():
                    self._answer_ping(event)
                case CloseConnection():
                    self.close(event.code, event.reason or "")
                    yield self._end(int(event.code), event.reason or "")
                case BytesMessage():
                    self.close(UNSUPPORTED)
                    yield self._end(ABNORMAL, "a binary frame where text is due")

    def _text(self, event: TextMessage) -> Iterator[WireEvent]:
        self._parts.append(event.data)
        self._size += len(event.data)
        if self._size > LARGEST_MESSAGE:
            self.close(TOO_BIG)
            yield self._end(ABNORMAL, "a message too big to read")
        elif event.message_finished:
            text = "".join(self._parts)
            self._parts.clear()
            self._size = 0
            yield Text(text)

    def _answer_ping(self, ping: Ping) -> None:
        if self._connection is not None and self._connection.state is ConnectionState.OPEN:
            self._outgoing += self._connection.send(ping.response())

    def _end(self, code: int, reason: str) -> Closed:
        self._ended = True
        self._parts.clear()
        return Closed(code, reason)


_CAN_CLOSE: Final = frozenset({ConnectionState.OPEN, ConnectionState.REMOTE_CLOSING})


def _retry_after(event: RejectConnection) -> float | None:
    for name, value in event.headers:
        if name.lower() == b"retry-after" and value.isdigit():
            return float(value)
    return None
