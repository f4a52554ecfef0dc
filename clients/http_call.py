"""One HTTP call with JSON both ways, over h11 and a stream: one request a connection, bounded in size and time.

The exchange of bytes is pure (`Exchange`); `call` moves them. A client makes few HTTP calls (to sign up and in),
so nothing is pooled or kept open.
"""

from __future__ import annotations

import ssl
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Final

import h11
import trio

from clients.dialling import dial
from clients.endpoint import Endpoint

LARGEST_BODY: Final = 1024 * 1024  # bytes of a response, where nothing else is said
CALL_WITHIN: Final = 60.0  # seconds; a server whose hashing queue is long answers late
_RECEIVE: Final = 16 * 1024  # bytes

Dial = Callable[[Endpoint], Awaitable[trio.abc.Stream]]


class CallFailed(OSError):
    """No answer, or none that is HTTP: the call may have been done or not."""


@dataclass(frozen=True, slots=True)
class Response:
    status: int
    body: bytes


class Exchange:
    """A request and its response, as bytes."""

    def __init__(
        self, endpoint: Endpoint, method: str, path: str, body: bytes, token: str | None, largest: int = LARGEST_BODY
    ) -> None:
        self._connection = h11.Connection(h11.CLIENT)
        self._status = 0
        self._body = bytearray()
        self._largest = largest
        headers = [("Host", endpoint.authority), ("Connection", "close"), ("Accept", "application/json")]
        headers += [("Content-Type", "application/json"), ("Content-Length", str(len(body)))]
        if token is not None:
            headers.append(("Authorization", f"Bearer {token}"))
        request = h11.Request(method=method, target=endpoint.target(path), headers=headers)
        events: list[h11.Event] = [request, h11.Data(data=body), h11.EndOfMessage()]
        self.to_send = b"".join(self._connection.send(event) or b"" for event in events)

    def receive(self, data: bytes) -> Response | None:
        """The response, once it is whole; b"" is the end of the stream.

        Raises
        ------
        CallFailed
            What came is no HTTP, torn, or too long.
        """
        try:
            self._connection.receive_data(data)
            while True:
                event = self._connection.next_event()
                match event:
                    case h11.Response():
                        self._status = event.status_code
                    case h11.Data():
                        self._keep(bytes(event.data))
                    case h11.EndOfMessage():
                        return Response(self._status, bytes(self._body))
                    case h11.InformationalResponse():
                        continue
                    case _:
                        return None
        except h11.RemoteProtocolError as error:
            raise CallFailed(f"the server's answer is no HTTP: {error}") from None

    def _keep(self, more: bytes) -> None:
        self._body += more
        if len(self._body) > self._largest:
            raise CallFailed("the server's answer is too long")


async def call(
    endpoint: Endpoint,
    method: str,
    path: str,
    body: bytes = b"",
    *,
    token: str | None = None,
    tls: ssl.SSLContext | None = None,
    within: float = CALL_WITHIN,
    largest: int = LARGEST_BODY,
    connect: Dial | None = None,
) -> Response:
    """Make a call, and return its response whatever its status.

    Raises
    ------
    CallFailed
        No connection, no answer within `within` seconds, one with a body of more than `largest` bytes, or none that can
        be read.
    """
    exchange = Exchange(endpoint, method, path, body, token, largest)
    try:
        with trio.fail_after(within):
            stream = await (connect(endpoint) if connect else dial(endpoint, tls))
            async with stream:
                await stream.send_all(exchange.to_send)
                while (response := exchange.receive(bytes(await stream.receive_some(_RECEIVE)))) is None:
                    continue
                return response
    except CallFailed:
        raise
    except trio.TooSlowError:
        raise CallFailed(f"no answer within {within:g} s") from None
    except (OSError, trio.BrokenResourceError) as error:
        raise CallFailed(f"cannot reach {endpoint.url}: {error}") from error
