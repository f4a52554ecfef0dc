"""The first part of every socket's life: HTTP until it ends, or until it becomes a websocket.

Whoever has sent the whole request for a websocket when it is accepted, as most of a crowd have, becomes one at once.
For all others there is a task, which waits. Under TLS its handshake comes first (`tls.py`); who does not speak it there
is told so in plain HTTP.
Plain requests go to the application, with keep-alive. An upgrade of the websocket's path is judged (`upgrade.py`), its
token looked up, answered with our own 101, and its socket handed to a connection actor with whatever bytes followed;
then this is over. The rules:
- Every step has a deadline, and an answer for when it is missed. Only who has sent nothing at all is closed without a
  word.
- A fault of ours ends this socket and is logged; it must not reach the listener.
"""

from __future__ import annotations

import logging
import socket
from http import HTTPStatus

import h11
import trio
from outcome import Outcome, Value, capture

from actors import StartFailed, StartRefused, System
from server.accounts.asking import answer_to
from server.accounts.tokens import token_hash
from server.gateway import refusals
from server.gateway.admission import Admission
from server.gateway.asgi import answer_request
from server.gateway.certificates import Certificate
from server.gateway.gateway import Gateway
from server.gateway.http_connection import HttpConnection, PeerGone
from server.gateway.peer import Peer
from server.gateway.refusals import Refused
from server.gateway.tls import HANDSHAKE_RECORD, TlsFailed, TlsSocket, TlsStream, begins_tls, secured
from server.gateway.upgrade import WEBSOCKET_PATH, Fields, Upgrade, judge, switching_protocols
from server.protocol.errors import Refusal
from server.store.user_messages import FindIdentity, Identity, NoIdentity

log = logging.getLogger("server.gateway.handshake")


async def _secured(
    gateway: Gateway, certificate: Certificate, stream: trio.SocketStream
) -> trio.SocketStream | TlsStream:
    """`stream` under TLS; as it is where the peer speaks something else. Raises `PeerGone`, `TlsFailed`."""
    with gateway.departure.head_within(gateway.limits.handshake_seconds):
        try:
            speaks_tls = await begins_tls(stream)
        except trio.BrokenResourceError:
            raise PeerGone from None
        return await secured(stream, certificate.context, gateway.tls_turns) if speaks_tls else stream
    raise TlsFailed("it took too long")


class Handshake:
    """The requests of one accepted socket, one after the other, until it is closed or handed over.

    Parameters
    ----------
    sock
        Closed at the end, by this or by who it is handed over to.
    host
        The numeric address of its peer: of a proxy, perhaps.
    """

    __slots__ = ("_admission", "_connection", "_first", "_gateway", "_peer", "_socket", "_system")

    def __init__(self, system: System, gateway: Gateway, admission: Admission, sock: socket.socket, host: str) -> None:
        self._system = system
        self._gateway = gateway
        self._admission = admission
        self._socket = sock
        self._peer = Peer(host, secure=gateway.certificate is not None)
        self._connection = HttpConnection(gateway.limits, gateway.departure)
        self._first: Outcome[h11.Event | None] = Value(None)

    def read(self) -> None:
        """Take in what has come by now, if it can be understood without waiting. The first of three steps."""
        if self._gateway.certificate is None:
            self._first = capture(self._connection.event_at_once, self._socket)

    def at_once(self) -> bool:
        """Do what can be done without waiting: True if that was all, and otherwise `serve` has to go on.

        Nearly all of a crowd have sent their whole request by now, for a websocket and without a token. They need no
        task, no stream and no deadline.
        """
        try:
            return self._upgraded_at_once()
        except Exception:
            self._crashed()
        self._gateway.addresses.leave(self._socket.fileno())
        self._socket.close()
        return True

    async def serve(self) -> None:
        """The task: serve the socket to its end."""
        gateway, descriptor = self._gateway, self._socket.fileno()
        plain = trio.SocketStream(trio.socket.from_stdlib_socket(self._socket))
        opened: trio.SocketStream | TlsStream = plain
        gateway.counts.handshaking += 1
        handed_over = False
        try:
            try:
                if gateway.certificate is not None:
                    opened = await _secured(gateway, gateway.certificate, plain)
                self._connection.stream = opened
                if gateway.certificate is None or opened is not plain:
                    handed_over = await self._run()
                else:
                    await self._refuse(refusals.NO_TLS)
            except PeerGone:
                pass
            except TlsFailed as error:
                gateway.counts.handshakes["failed", "tls"] += 1
                log.debug("no TLS with %s: %s", self._peer.host, error)
            except Exception:
                self._crashed()
        finally:
            gateway.counts.handshaking -= 1
            if not handed_over:
                gateway.addresses.leave(descriptor)
                opened.socket.close()  # what `aclose_forcefully` comes to, without a cancelled scope and a checkpoint

    def _crashed(self) -> None:
        self._gateway.counts.handshakes["failed", "crashed"] += 1
        log.exception("a handshake failed")

    def _upgraded_at_once(self) -> bool:
        """Whether the socket was handed over. What is not as simple as that is left to `serve`."""
        request = self._first.value if isinstance(self._first, Value) else None
        if not isinstance(request, h11.Request) or not self._is_upgrade(request) or self._is_too_large(request):
            return False
        peer = self._gateway.proxies.peer_of(self._peer, request.headers)
        judged = self._judged(request, peer)
        if isinstance(judged, Refused) or judged.token is not None or peer is not self._peer:
            return False
        if not self._connection.wants_more:
            return False
        self._hand_over(judged, None, _taken_out(self._socket))
        return True

    async def _run(self) -> bool:
        """Whether the socket was handed over. Raises `PeerGone` when nobody listens any more."""
        seconds = self._gateway.limits.handshake_seconds
        counts = self._gateway.counts.handshakes
        while True:
            request = await self._next_request(seconds)
            if request is None:
                return False
            if isinstance(request, Refused):
                await self._refuse(request)
                return False
            peer = self._gateway.proxies.peer_of(self._peer, request.headers)
            if self._is_upgrade(request):
                return await self._websocket(request, peer)
            counts["http", ""] += 1
            if not await answer_request(self._connection, request, peer, self._gateway.app, self._gateway.limits):
                await self._connection.finish()
                return False
            seconds = self._gateway.limits.idle_seconds

    def _is_upgrade(self, request: h11.Request) -> bool:
        return self._gateway.websockets and request.target.partition(b"?")[0] == WEBSOCKET_PATH

    def _is_too_large(self, request: h11.Request) -> bool:
        most = self._gateway.limits.header_bytes
        return self._connection.heard > most and head_bytes(request) > most

    async def _next_request(self, seconds: float) -> h11.Request | Refused | None:
        """The head of the next request; what to answer to something else; None if there is nothing to answer."""
        first, self._first = self._first, Value(None)
        try:
            event = first.unwrap()
            if event is None:
                with self._gateway.departure.head_within(seconds) as deadline:
                    event = await self._connection.next_event()
                if deadline.cancelled_caught:
                    return self._overdue()
        except h11.RemoteProtocolError as error:
            return refusal_of(error, self._connection.h11.trailing_data[0])
        if not isinstance(event, h11.Request):
            return None
        return refusals.HEAD_TOO_LARGE if self._is_too_large(event) else event

    def _overdue(self) -> Refused | None:
        """What to answer to a request that did not arrive in time, or only in part."""
        if self._connection.has_begun:
            return refusals.TOO_SLOW
        self._gateway.counts.handshakes["timed_out", "silent"] += 1
        return None

    async def _refuse(self, refused: Refused) -> None:
        """Say no, and end the connection."""
        outcome = "timed_out" if refused is refusals.TOO_SLOW else "refused"
        self._gateway.counts.handshakes[outcome, refusals.reason_of(refused)] += 1
        log.debug("refused %s: %s", self._peer.host, refused.message)
        await self._connection.send_bytes(refusals.response(refused))
        await self._connection.finish()

    async def _websocket(self, request: h11.Request, peer: Peer) -> bool:
        """Whether the socket was handed over."""
        judged = self._judged(request, peer)
        if isinstance(judged, Refused):
            await self._refuse(judged)
            return False
        digest = None if judged.token is None else token_hash(judged.token)
        refused = self._look_behind_proxy(peer)
        if refused is None and digest is not None:
            refused = await self._vouch(digest)
        if refused is None and not self._connection.wants_more:
            refused = refusals.DEPARTING
        if refused is not None:
            await self._refuse(refused)
            return False
        self._hand_over(judged, digest, _taken_out_of(self._connection.stream))
        return True

    def _judged(self, request: h11.Request, peer: Peer) -> Upgrade | Refused:
        return judge(
            request.method,
            request.http_version,
            Fields(request.headers.raw_items()),
            self._gateway.origins,
            secure=peer.secure,
            compression=self._gateway.compression,
        )

    def _look_behind_proxy(self, peer: Peer) -> Refused | None:
        """A websocket belongs to one peer for all its life: a proxy's is counted as its own from here on."""
        if peer.host == self._peer.host:
            return None
        return self._admission.turn_out(self._connection.stream.socket.fileno(), peer.host, trio.current_time())

    async def _vouch(self, digest: bytes) -> Refused | None:
        """Why this token is no ticket; None if it is one."""
        try:
            whose = await answer_to(
                self._gateway.reader,
                lambda reply: FindIdentity(reply_to=reply, token_hash=digest),
                (Identity, NoIdentity),
                self._gateway.limits.handshake_seconds,
            )
        except Refusal:
            return refusals.OVER_CAPACITY
        return None if isinstance(whose, Identity) else refusals.BAD_TOKEN

    def _hand_over(self, upgrade: Upgrade, digest: bytes | None, sock: socket.SocketType | TlsSocket) -> None:
        """From here on the socket belongs to a connection actor."""
        rest, _ended = self._connection.h11.trailing_data  # the request has no body: what follows is no HTTP
        try:
            sock.send(switching_protocols(upgrade))  # nothing was sent before: the kernel has room for it
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, self._gateway.limits.send_buffer_bytes)
            connections = self._system.dynamic(self._gateway.connections)
            connection = connections.start(None, sock, digest, upgrade.dialect)
        except (StartRefused, StartFailed, OSError) as error:
            log.debug("a websocket could not start: %s", error)
            self._gateway.counts.handshakes["failed", "cannot_start"] += 1
            self._gateway.addresses.leave(sock.fileno())
            sock.close()
        else:
            self._gateway.counts.handshakes["upgraded", ""] += 1
            if rest:
                connection.answer(bytes(rest))


def head_bytes(request: h11.Request) -> int:
    """What the head of a request takes on the wire; h11 measures only one that has not arrived whole."""
    line = len(request.method) + len(request.target) + len(b"  HTTP/1.1\r\n\r\n")
    return line + sum(len(name) + len(value) + len(b": \r\n") for name, value in request.headers)


def refusal_of(error: h11.RemoteProtocolError, received: bytes) -> Refused:
    """What to answer to something that is no acceptable HTTP, and of which `received` was not understood."""
    if error.error_status_hint == HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE:
        return refusals.HEAD_TOO_LARGE
    if received[:1] == bytes((HANDSHAKE_RECORD,)):
        return refusals.NO_PLAIN_HTTP
    return refusals.TORN


def _taken_out_of(stream: trio.SocketStream | TlsStream) -> socket.SocketType | TlsSocket:
    """The socket of a stream that nobody uses any more."""
    return stream.socket if isinstance(stream, TlsStream) else _taken_out(stream.socket)


def _taken_out(plain: socket.socket | trio.socket.SocketType) -> socket.SocketType:
    """The same socket without what `socket.socket` adds to its base type (files, `with`), which is as much again.

    Non-blocking.
    """
    sock = socket.SocketType(fileno=plain.detach())
    sock.setblocking(False)
    return sock
