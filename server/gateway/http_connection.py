"""One HTTP/1.1 connection: h11's state machine on a trio stream, every wait with a deadline.

The shell makes no rules: what is legal is h11's business, what is answered is `handshake.py`'s and `asgi.py`'s.
"""

from __future__ import annotations

import socket
from typing import Final

import h11
import trio

from server.gateway.departure import Departure
from server.gateway.limits import GatewayLimits
from server.gateway.tls import TlsStream

_LINGER_SECONDS: Final = 1.0
_LINGER_BYTES: Final = 1024 * 1024
_CHUNK: Final = 16 * 1024


class PeerGone(OSError):
    """The peer closed or reset the connection, or takes nothing any more."""


class HttpConnection:
    """Reads requests and writes responses.

    Parameters
    ----------
    departure
        Once it has begun no further request is wanted.

    Attributes
    ----------
    stream
        The socket, plain or under TLS, to wait with. Set by whoever is going to wait.
    """

    __slots__ = ("_departure", "_ended", "_limits", "h11", "heard", "stream")

    def __init__(self, limits: GatewayLimits, departure: Departure) -> None:
        self.stream: trio.SocketStream | TlsStream
        self.h11 = h11.Connection(h11.SERVER, max_incomplete_event_size=limits.header_bytes)
        self._limits = limits
        self._departure = departure
        self._ended = False
        self.heard = 0
        """Bytes that came, in all."""

    async def next_event(self) -> h11.Event | None:
        """The next part of a request, however long it takes; None if h11 wants the response first.

        Raises
        ------
        h11.RemoteProtocolError
            What came is no HTTP, is torn by the end of the stream, or its head is larger than the limit.
        PeerGone
            The connection was reset.
        """
        while True:
            event = self.h11.next_event()
            if isinstance(event, h11.Event):
                return event
            if event is h11.PAUSED:
                return None
            await self.read_more()

    def event_at_once(self, sock: socket.socket) -> h11.Event | None:
        """The first part of a request, if it stands whole in `sock` by now. Raises like `next_event`."""
        try:
            data = sock.recv(_CHUNK, socket.MSG_DONTWAIT)
        except BlockingIOError:
            return None
        except OSError:
            raise PeerGone from None
        self._receive(data)
        event = self.h11.next_event()
        return event if isinstance(event, h11.Event) else None

    async def read_more(self) -> None:
        """Give h11 what comes next; at the end of the stream that is nothing."""
        try:
            data = await self.stream.receive_some(_CHUNK)
        except trio.BrokenResourceError:
            raise PeerGone from None
        self._receive(data)

    def _receive(self, data: bytes) -> None:
        self.heard += len(data)
        self._ended = self._ended or not data
        self.h11.receive_data(data)

    @property
    def ended(self) -> bool:
        """Whether the peer has said that it will send no more."""
        return self._ended

    @property
    def wants_more(self) -> bool:
        """Whether another request would be served on it."""
        return not self._departure.begun.is_set()

    @property
    def has_begun(self) -> bool:
        """Whether part of a request has arrived."""
        return bool(self.h11.trailing_data[0])

    async def send(self, event: h11.Event) -> None:
        """Write a part of a response.

        Raises
        ------
        h11.LocalProtocolError
            This part does not follow from those before.
        PeerGone
            The peer does not take it.
        """
        if data := self.h11.send(event):
            await self.send_bytes(data)

    async def send_bytes(self, data: bytes) -> None:
        try:
            with trio.fail_after(self._limits.response_seconds):
                await self.stream.send_all(data)
        except (trio.BrokenResourceError, trio.TooSlowError):
            raise PeerGone from None

    async def finish(self) -> None:
        """End our side, then take in for a moment what the peer is still sending.

        A socket closed with unread bytes is reset, and the reset may destroy the response on its way (RFC 9112,
        9.6).
        """
        taken = 0
        try:
            await self.stream.send_eof()
            with trio.move_on_after(_LINGER_SECONDS):
                while taken < _LINGER_BYTES and (data := await self.stream.receive_some(_CHUNK)):
                    taken += len(data)
        except trio.BrokenResourceError:
            pass
