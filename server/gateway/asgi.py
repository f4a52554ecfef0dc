"""Our own h11-to-ASGI adapter: one request, one call of the application (ASGI 3.0, the `http` scope).

The rules:
- Every request gets one response. An application that raises, or returns without one, is logged and answered 500;
  if its response had begun, the connection is cut, so that nobody takes half of it for the whole.
- Bodies are streamed, bounded in size and time. When a bound is hit the peer is answered here, the application
  is told
  that the client has left, and what it still sends is dropped.

Left out: lifespan (the supervision tree starts and stops things), trailers, server push, and websockets, which
never reach the application.
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Iterable, MutableMapping
from email.utils import formatdate
from typing import Any, Final
from urllib.parse import unquote_to_bytes, urlsplit

import h11
import trio

from server.gateway import refusals
from server.gateway.http_connection import HttpConnection, PeerGone
from server.gateway.limits import GatewayLimits
from server.gateway.peer import Peer
from server.gateway.refusals import Refused

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
AsgiApp = Callable[[Message, Receive, Send], Awaitable[None]]

log = logging.getLogger("server.gateway.asgi")

_DISCONNECT: Final = "http.disconnect"


async def answer_request(
    connection: HttpConnection, request: h11.Request, peer: Peer, app: AsgiApp, limits: GatewayLimits
) -> bool:
    """Let the application answer `request`, which `peer` has sent.

    Returns
    -------
    bool
        Whether the connection may be used for another one; otherwise it is to be closed.

    Raises
    ------
    PeerGone
        There is nobody to answer any more.
    """
    exchange = Exchange(connection, request, limits)
    declared = _declared_length(request)
    if declared is not None and declared > limits.body_bytes:
        await exchange.refuse(refusals.BODY_TOO_LARGE)
        return False
    try:
        await app(scope_of(connection, request, peer), exchange.receive, exchange.send)
    except Exception as error:
        if exchange.gone:
            log.debug("the client left during %s: %r", _named(request), error)
            return False
        log.exception("the application failed at %s", _named(request))
    else:
        if exchange.is_complete:
            return await exchange.leave_reusable()
        if exchange.gone:
            return False
        log.error("the application left %s unanswered", _named(request))
    await exchange.refuse(refusals.FAILED)
    return False


class Exchange:
    """One request and its response: the `receive` and `send` an application is given."""

    __slots__ = (
        "_begun",
        "_body_deadline",
        "_body_left",
        "_connection",
        "_is_head",
        "_limits",
        "_response",
        "gone",
        "is_complete",
    )

    def __init__(self, connection: HttpConnection, request: h11.Request, limits: GatewayLimits) -> None:
        self._connection = connection
        self._limits = limits
        self._is_head = request.method == b"HEAD"
        self._body_left: int | None = limits.body_bytes  # None once the body has ended
        self._body_deadline: float | None = None  # set when its first part is asked for
        self._response: h11.Response | None = None  # held back until its body begins
        self._begun = False
        self.is_complete = False
        """Whether the request has its response; what the application sends after that is dropped."""
        self.gone = False
        """Whether the application was told that the client has left."""

    async def receive(self) -> Message:
        """The next part of the body; after its end, that the client has left, as soon as it does."""
        if self.is_complete or self.gone:
            return {"type": _DISCONNECT}
        try:
            if self._body_left is None:
                return await self._until_gone()
            if self._connection.h11.they_are_waiting_for_100_continue:
                await self._connection.send(h11.InformationalResponse(status_code=100, headers=[]))
            return await self._next_part(self._body_left)
        except PeerGone:
            return self._left()

    async def send(self, message: Message) -> None:
        """Take a part of the response. Raises `PeerGone` (an OSError, as ASGI asks for) when nobody takes it."""
        if self.is_complete:
            return
        try:
            match message["type"]:
                case "http.response.start":
                    self._start(message)
                case "http.response.body":
                    await self._send_body(message.get("body", b""), more=message.get("more_body", False))
                case other:
                    raise RuntimeError(f"unknown message {other!r}")
        except PeerGone:
            self.gone = True
            raise

    async def refuse(self, refused: Refused) -> None:
        """Answer in place of the application, if nothing was sent yet. The connection is of no use after this."""
        if not self.is_complete:
            self.is_complete = True
            if not self._begun:
                await self._connection.send_bytes(refusals.response(refused, head_only=self._is_head))

    async def leave_reusable(self) -> bool:
        """Take in what the application did not want of the body, so that the next request can follow."""
        connection = self._connection.h11
        if self.gone or connection.our_state is not h11.DONE or connection.they_are_waiting_for_100_continue:
            return False
        while self._body_left is not None:
            if (await self._next_part(self._body_left))["type"] == _DISCONNECT:
                return False
        if connection.their_state is not h11.DONE:
            return False
        connection.start_next_cycle()
        return True

    async def _next_part(self, most: int) -> Message:
        if self._body_deadline is None:
            self._body_deadline = trio.current_time() + self._limits.handshake_seconds
        try:
            with trio.fail_at(self._body_deadline):
                event = await self._connection.next_event()
        except trio.TooSlowError:
            return await self._cut_short(refusals.TOO_SLOW)
        except h11.RemoteProtocolError:
            return await self._cut_short(refusals.TORN)
        match event:
            case h11.Data():
                self._body_left = most - len(event.data)
                if self._body_left < 0:
                    return await self._cut_short(refusals.BODY_TOO_LARGE)
                return {"type": "http.request", "body": bytes(event.data), "more_body": True}
            case h11.EndOfMessage():
                self._body_left = None
                return {"type": "http.request", "body": b"", "more_body": False}
            case _:
                return self._left()

    async def _cut_short(self, refused: Refused) -> Message:
        await self.refuse(refused)
        return self._left()

    async def _until_gone(self) -> Message:
        """Wait for the end of the stream. Requests sent ahead meanwhile are kept, no more than a head's worth."""
        while not self._connection.ended:
            if len(self._connection.h11.trailing_data[0]) > self._limits.header_bytes:
                await trio.sleep_forever()
            await self._connection.read_more()
        return self._left()

    def _left(self) -> Message:
        self.gone = True
        return {"type": _DISCONNECT}

    def _start(self, message: Message) -> None:
        if self._response is not None or self._begun:
            raise RuntimeError("the response has begun already")
        headers = _with_date(message.get("headers", ()))
        if not self._connection.wants_more:
            headers.append((b"connection", b"close"))
        self._response = h11.Response(status_code=message["status"], headers=headers)

    async def _send_body(self, body: bytes, *, more: bool) -> None:
        if self._response is not None:
            response, self._response = self._response, None
            await self._write(response)
        if body and not self._is_head:
            await self._write(h11.Data(data=body))
        if not more:
            await self._write(h11.EndOfMessage())
            self.is_complete = True

    async def _write(self, event: h11.Event) -> None:
        data = self._connection.h11.send(event)  # what does not follow raises here, before anything has left
        self._begun = True
        if data:
            await self._connection.send_bytes(data)


def scope_of(connection: HttpConnection, request: h11.Request, peer: Peer) -> Message:
    """The connection scope of ASGI's HTTP specification, version 2.4."""
    path, _, query = _origin_form(request.target).partition(b"?")
    return {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": "2.4"},
        "http_version": request.http_version.decode("ascii"),
        "method": request.method.decode("ascii").upper(),
        "scheme": "https" if peer.secure else "http",
        "path": unquote_to_bytes(path).decode("utf-8", "replace"),
        "raw_path": path,
        "query_string": query,
        "root_path": "",
        "headers": list(request.headers),
        "client": (peer.host, 0),  # behind a proxy its port is unknown, and nobody asks for it
        "server": _server(connection),
        "state": {},
    }


def _origin_form(target: bytes) -> bytes:
    """The path and query of a target; a server must understand whole URLs as well (RFC 9112, 3.2.2)."""
    if not target.lower().startswith((b"http://", b"https://")):
        return target
    parts = urlsplit(target)
    return (parts.path or b"/") + (b"?" + parts.query if parts.query else b"")


def _named(request: h11.Request) -> str:
    """A request as a log may name it: without its query, which may hold anything."""
    path = _origin_form(request.target).partition(b"?")[0]
    return f"{request.method.decode()} {path.decode()}"


def _server(connection: HttpConnection) -> tuple[str, int] | None:
    try:
        host, port, *_ = connection.stream.socket.getsockname()
    except OSError:
        return None
    return host, port


def _declared_length(request: h11.Request) -> int | None:
    """h11 has checked that it is a number, and that there is one."""
    return next((int(value) for name, value in request.headers if name == b"content-length"), None)


def _with_date(headers: Iterable[tuple[bytes, bytes]]) -> list[tuple[bytes, bytes]]:
    """A server with a clock says what time it is (RFC 9110, 6.6.1)."""
    pairs = [(bytes(name), bytes(value)) for name, value in headers]
    if all(name.lower() != b"date" for name, _ in pairs):
        pairs.append((b"date", formatdate(usegmt=True).encode("ascii")))
    return pairs
