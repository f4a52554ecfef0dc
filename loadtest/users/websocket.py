"""One websocket of a client, over a gevent socket: any server, `ws://` or `wss://`.

The protocol is wsproto's, without I/O; this file moves bytes and time. The rules:
- Every wait has an ending: the time given, the peer's end, or the greenlet's own.
- One greenlet reads. Any may send: what they say is queued in order, and whoever holds the lock sends all of it.
- A message is stamped when its bytes are read from the socket, so what is measured with it does not contain the time
  until somebody looks.

Left out: proxies, and redirects (RFC 6455, section 4.1 allows to ignore them).
"""

from __future__ import annotations

import ssl
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from time import perf_counter
from typing import Any, Final
from urllib.parse import urlsplit

import gevent
import gevent.socket
import gevent.ssl
from gevent.lock import BoundedSemaphore
from wsproto import ConnectionType, WSConnection
from wsproto.connection import ConnectionState
from wsproto.events import (
    AcceptConnection,
    BytesMessage,
    CloseConnection,
    Event,
    Ping,
    RejectConnection,
    RejectData,
    Request,
    TextMessage,
)
from wsproto.extensions import PerMessageDeflate
from wsproto.utilities import LocalProtocolError, RemoteProtocolError

from loadtest.users.failures import Closed, ConnectFailed, ConnectionLost, TimedOut, UpgradeRefused, name_of

ABNORMAL: Final = 1006  # RFC 6455, section 7.4.1: ended without a close frame
PROTOCOL_ERROR: Final = 1002
TOO_BIG: Final = 1009

_READ_BYTES: Final = 64 * 1024
_BODY_KEPT: Final = 4096  # bytes of a refusal
_PORTS: Final = {"ws": 80, "http": 80, "wss": 443, "https": 443}


class BadUrl(ValueError):
    """No websocket can be found by this URL; the message says why."""


@dataclass(frozen=True, slots=True)
class Target:
    """Where a websocket is, and what is said when it is opened.

    Parameters
    ----------
    subprotocols
        Offered in this order.
    headers
        Sent with the upgrade besides what the protocol demands.
    tls
        What to trust, for `wss://`; by default what the machine trusts. Made once and shared: making one takes
        milliseconds.
    compression
        Whether to offer permessage-deflate (RFC 7692).
    source
        An address of this machine to come from: one of them has about 64,000 ports.
    largest
        Characters or bytes of the largest message that is taken.
    """

    host: str
    port: int
    encrypted: bool
    path: str = "/"
    subprotocols: Sequence[str] = ()
    headers: Mapping[str, str] = field(default_factory=dict)
    tls: ssl.SSLContext | None = None
    compression: bool = False
    source: str | None = None
    largest: int = 32 * 1024 * 1024

    @property
    def authority(self) -> str:
        """What goes into the `Host` header (RFC 9110, section 7.2)."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == _PORTS["wss" if self.encrypted else "ws"] else f"{host}:{self.port}"

    def request(self) -> Request:
        """The upgrade."""
        return Request(
            host=self.authority,
            target=self.path,
            subprotocols=list(self.subprotocols),
            extra_headers=[(name.encode("ascii"), value.encode("latin-1")) for name, value in self.headers.items()],
            extensions=[PerMessageDeflate()] if self.compression else [],
        )


def place_of(url: str) -> tuple[str, int, bool, str]:
    """Host, port, whether encrypted, and path with query, of a URL: `ws://`, `wss://`, or with `http` in their place.

    Raises
    ------
    BadUrl
    """
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as error:
        raise BadUrl(f"{url!r}: {error}") from None
    if parts.scheme not in _PORTS:
        raise BadUrl(f"{url!r}: the scheme must be ws or wss")
    if not parts.hostname:
        raise BadUrl(f"{url!r}: no host")
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    return parts.hostname, port or _PORTS[parts.scheme], parts.scheme in ("wss", "https"), path


@dataclass(frozen=True, slots=True)
class Message:
    """A whole message, and when it was read: seconds of `perf_counter`."""

    data: str | bytes
    at: float


class WebSocket:
    """An open websocket. Made by `open_websocket`.

    Attributes
    ----------
    subprotocol
        What the server chose of those that were offered.
    opened_at, heard_at
        When the upgrade was answered, and when something came last: seconds of `perf_counter`.
    ended
        How it ended, once `read` has seen it.
    """

    def __init__(self, sock: gevent.socket.socket, target: Target) -> None:
        self.subprotocol: str | None = None
        self.opened_at = self.heard_at = 0.0
        self.ended: Closed | ConnectionLost | None = None
        self._sock = sock
        self._largest = target.largest
        self._protocol = WSConnection(ConnectionType.CLIENT)
        self._outgoing = b""
        self._sending = BoundedSemaphore(1)
        self._parts: list[Any] = []  # of one message: all str, or all bytes
        self._size = 0
        self._closing = False
        self._early: list[Message] = []  # came in one piece with the answer to the upgrade

    # --- opening ---------------------------------------------------------------------------------------------

    def upgrade(self, request: Request) -> None:
        """The opening handshake.

        Raises
        ------
        UpgradeRefused, Closed, ConnectionLost
        """
        self._outgoing += self._protocol.send(request)
        self._flush()
        refusal: UpgradeRefused | None = None
        while not self.opened_at:
            data = self._receive()
            for event in self._events(data):
                match event:
                    case AcceptConnection():
                        self.subprotocol = event.subprotocol
                        self.opened_at = self.heard_at = perf_counter()
                    case RejectConnection():
                        refusal = UpgradeRefused(event.status_code, _retry_after(event))
                        if not event.has_body:
                            raise refusal
                    case RejectData():
                        assert refusal is not None, "wsproto tells of a refusal before its body"
                        refusal.body = (refusal.body + bytes(event.data))[:_BODY_KEPT]
                        if event.body_finished:
                            raise refusal
                    case _:
                        self._early += self._take(event, self.opened_at)
            if not data:
                raise refusal or self._end(Closed(ABNORMAL, "no answer to the upgrade"))

    # --- talking ---------------------------------------------------------------------------------------------

    def send(self, data: str | bytes, timeout: float) -> None:
        """Send a message: text for `str`, binary for `bytes`.

        Parameters
        ----------
        timeout
            Seconds until the kernel has taken it. A part of a message may have gone out then: the connection is ended.

        Raises
        ------
        TimedOut, Closed, ConnectionLost
        """
        self._raise_if_over()
        if self._closing or self._protocol.state is not ConnectionState.OPEN:
            raise Closed(ABNORMAL, "it is being closed", by_us=self._closing)
        self._outgoing += self._protocol.send(TextMessage(data) if isinstance(data, str) else BytesMessage(data))
        try:
            with gevent.Timeout(timeout, TimedOut("send")):
                self._flush()
        except TimedOut:
            self.abort()
            raise

    def read(self, timeout: float | None) -> list[Message]:
        """Wait for bytes, read once: the messages that are complete with it, often none. Pings are answered.

        Parameters
        ----------
        timeout
            Seconds; when they are over there is nothing. None: until something comes.

        Raises
        ------
        Closed, ConnectionLost
            Once everything before was returned.
        """
        if self._early:
            early, self._early = self._early, []
            return early
        self._raise_if_over()
        data = self._receive_within(timeout)
        if data is None:
            return []
        now = self.heard_at = perf_counter()
        messages = [message for event in self._events(data) for message in self._take(event, now)]
        self._answer()
        if not data:
            self._end(Closed(ABNORMAL, "the connection ended"))
        if not messages:
            self._raise_if_over()
        return messages

    def begin_closing(self, code: int = 1000, reason: str = "") -> None:
        """Send a close frame; `read` then goes on until the peer's."""
        if self._closing or self._protocol.state is not ConnectionState.OPEN:
            return
        self._closing = True
        self._outgoing += self._protocol.send(CloseConnection(code, reason))
        self._answer()

    def abort(self) -> None:
        """Let go of the socket, whatever state it is in. May be done twice."""
        self._end(Closed(ABNORMAL, "given up", by_us=True))
        self._sock.close()

    def _raise_if_over(self) -> None:
        if self.ended is not None:
            raise self.ended

    # --- bytes -----------------------------------------------------------------------------------------------

    def _receive_within(self, timeout: float | None) -> bytes | None:
        try:
            with gevent.Timeout(timeout, TimedOut("receive")):
                return self._receive()
        except TimedOut:
            return None

    def _receive(self) -> bytes:
        try:
            return bytes(self._sock.recv(_READ_BYTES))
        except OSError as error:
            raise self._end(ConnectionLost(name_of(error))) from error

    def _flush(self) -> None:
        with self._sending:
            outgoing, self._outgoing = self._outgoing, b""
            if not outgoing:
                return
            try:
                self._sock.sendall(outgoing)
            except OSError as error:
                raise self._end(ConnectionLost(name_of(error))) from error

    def _answer(self) -> None:
        """Send what the protocol owes: pongs, a close. If that fails, reading will tell why."""
        if self._outgoing:
            with gevent.Timeout(_ANSWER_WITHIN, False):
                try:
                    self._flush()
                except ConnectionLost:
                    return

    def _events(self, data: bytes) -> Iterator[Event]:
        """What follows from bytes of the socket; b"" is its end."""
        try:
            self._protocol.receive_data(data or None)
            yield from self._protocol.events()
        except RemoteProtocolError as error:
            if self._protocol.state is ConnectionState.OPEN:
                self._outgoing += self._protocol.send(CloseConnection(PROTOCOL_ERROR))
            self._end(Closed(PROTOCOL_ERROR, f"the server breaks the protocol: {error}", by_us=True))
        except LocalProtocolError:
            return  # it was over before: nothing follows

    def _take(self, event: Event, now: float) -> Iterator[Message]:
        match event:
            case TextMessage() | BytesMessage():
                yield from self._join(event, now)
            case Ping():
                self._outgoing += self._protocol.send(event.response())
            case CloseConnection():
                if self._protocol.state is ConnectionState.REMOTE_CLOSING:
                    self._outgoing += self._protocol.send(event.response())
                self._end(Closed(int(event.code), event.reason or "", by_us=self._closing))

    def _join(self, part: TextMessage | BytesMessage, now: float) -> Iterator[Message]:
        if self.ended is not None:
            return
        self._size += len(part.data)
        if self._size > self._largest:
            self._outgoing += self._protocol.send(CloseConnection(TOO_BIG))
            self._end(Closed(TOO_BIG, "a message larger than is taken", by_us=True))
            return
        self._parts.append(part.data)
        if part.message_finished:
            parts, self._parts, self._size = self._parts, [], 0
            yield Message("".join(parts) if isinstance(part, TextMessage) else b"".join(parts), now)

    def _end(self, how: Closed | ConnectionLost) -> Closed | ConnectionLost:
        """The first ending is the one that counts."""
        self.ended = self.ended or how
        return self.ended


_ANSWER_WITHIN: Final = 10.0  # seconds for a pong: then the server does not read


def open_websocket(target: Target, timeout: float) -> WebSocket:
    """Connect, secure where it is to be, and upgrade.

    Parameters
    ----------
    timeout
        Seconds for all of it, from resolving the name to the answer.

    Raises
    ------
    ConnectFailed, UpgradeRefused, TimedOut, Closed, ConnectionLost
    """
    with gevent.Timeout(timeout, TimedOut("connect")):
        sock = _connect(target)
        try:
            sock.setsockopt(gevent.socket.IPPROTO_TCP, gevent.socket.TCP_NODELAY, 1)
            websocket = WebSocket(sock, target)
            websocket.upgrade(target.request())
        except BaseException:
            sock.close()
            raise
    return websocket


def _connect(target: Target) -> gevent.socket.socket:
    source = None if target.source is None else (target.source, 0)
    try:
        sock = gevent.socket.create_connection((target.host, target.port), source_address=source)
    except OSError as error:
        raise ConnectFailed(name_of(error)) from error
    if not target.encrypted:
        return sock
    try:
        return (target.tls or _machines_trust()).wrap_socket(sock, server_hostname=target.host)
    except OSError as error:
        sock.close()
        raise ConnectFailed(name_of(error)) from error
    except BaseException:
        sock.close()
        raise


_trusted: list[ssl.SSLContext] = []


def _machines_trust() -> ssl.SSLContext:
    """Reading the machine's certificates takes tens of milliseconds: once for all users of a process."""
    if not _trusted:
        _trusted.append(gevent.ssl.create_default_context())
    return _trusted[0]


def _retry_after(event: RejectConnection) -> float | None:
    for name, value in event.headers:
        if name.lower() == b"retry-after" and value.isdigit():
            return float(value)
    return None
