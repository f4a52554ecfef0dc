"""A connection to the engine, and what may be wrong with one: a line each.

Valkey and Redis speak the same language here. Used are their channels, and one small hash: nothing in the engine is
the only copy of anything, so it needs no disk, and may come back empty.

The rules: a connection is one life. Whoever has it sees it end, and opens another; nothing is tried again behind
anybody's back, because whatever was on its way is lost then, and that has to be seen. So this uses the client
library's connections, and neither its pools nor its subscriptions, which come back by themselves and silently.

Of the connections some things are done differently (`Connection`), because the library takes one step for each message
in a pass of the event loop, and a pass of a busy server takes tens of milliseconds, or half a second where many servers
share a processor: it would hear less than five other nodes say, and say nothing at all as long as something more is
told in every pass (seen with six workers and 20,000 clients that came at once: the engine "does not answer").
"""

from __future__ import annotations

import fcntl
import logging
import os
import ssl
import sys
import termios
from collections.abc import Iterator
from typing import Final

import anyio
import trio
from anyio.abc import SocketAttribute
from coredis.connection import (
    BaseConnection,
    BaseConnectionParams,
    TCPConnection,
    TCPLocation,
    UnixDomainSocketConnection,
    UnixDomainSocketLocation,
)
from coredis.exceptions import AuthenticationError, AuthorizationError, RedisError, UnknownCommandError
from coredis.exceptions import ConnectionError as ConnectionLost
from coredis.typing import ResponseType

from server.cluster.engine_url import EngineUrl
from server.cluster.trouble import EngineRefuses, EngineTrouble

OLDEST: Final = (6, 2)
"""What has the third version of the protocol (messages beside answers), and is still found in distributions."""

CONNECT_SECONDS: Final = 2.0
"""For the socket, and again for the greeting: below the four seconds after which a silent node is dead to others."""

_MOST_READ: Final = 256 * 1024
"""Bytes in a pass: in one of half a second 64 KiB, as the library has it, are what a few busy nodes say."""
_INT_BYTES: Final = 4  # of C

# The client writes a traceback for each try that fails; what it has to say is in `EngineTrouble`.
logging.getLogger("coredis").setLevel(logging.CRITICAL)


class Connection(BaseConnection):
    """Says all that waits to be said in one go, and lets all that has come be heard in one."""

    @property
    def unread(self) -> int:
        """Bytes that have come, and lie in the socket: under TLS a few more than there will be to read."""
        sock = None if self.stream is None else self.stream.extra(SocketAttribute.raw_socket, None)  # noqa: S610 - no SQL
        if sock is None:
            return 0
        return int.from_bytes(fcntl.ioctl(sock, termios.FIONREAD, bytes(_INT_BYTES)), sys.byteorder)

    @property
    def at_hand(self) -> Iterator[list[ResponseType]]:
        """The messages beside answers that have come by now: those that `push_messages` would give next."""
        waiting = self._push_message_buffer_out
        while waiting.statistics().current_buffer_used:
            yield waiting.receive_nowait()

    async def _reader_task(self) -> None:
        """As the library's, but for the pass that it lets go by before it looks at what came unasked, and that it takes
        more at once."""
        while self.stream is not None:
            try:
                data = await self.stream.receive(_MOST_READ)
            except (anyio.EndOfStream, anyio.ClosedResourceError, anyio.BrokenResourceError) as error:
                self._transport_failed = True
                raise ConnectionLost("Connection lost while receiving response") from error
            self.statistics.data_received(len(data))
            self._data_received(data)

    async def _writer_task(self) -> None:
        """As the library's, but for the passes of the event loop that it lets go by before and after each request."""
        waiting = self._write_buffer_out
        while self.stream is not None:
            requests = [] if waiting.statistics().current_buffer_used else await waiting.receive()
            while waiting.statistics().current_buffer_used:
                requests.extend(waiting.receive_nowait())
            data = b"".join(self._packer.pack_commands([(command, *args) for command, args in requests]))
            try:
                await self.stream.send(data)
            except (anyio.ClosedResourceError, anyio.BrokenResourceError) as error:
                self._transport_failed = True
                raise ConnectionLost("Connection lost while sending request") from error
            self.statistics.data_sent(len(data))


class _UnixConnection(Connection, UnixDomainSocketConnection):
    pass


class _TcpConnection(Connection, TCPConnection):
    pass


async def open_connection(nursery: trio.Nursery, url: EngineUrl, name: str) -> Connection:
    """A connection that lives in `nursery`, until it is lost or that is cancelled.

    Parameters
    ----------
    name
        What the engine calls it in its list of clients.

    Raises
    ------
    EngineTrouble
        There is none.
    """
    connection: Connection | None = None
    with trio.move_on_after(2 * CONNECT_SECONDS) as limit:
        try:
            await _reach(url)
            connection = _connection(url, name)
            await nursery.start(connection.run)
            await _check(connection, url)
            return connection
        except (EngineRefuses, RedisError, OSError) as error:
            if connection is not None:
                connection.invalidate()
            if not limit.cancel_called:
                raise _trouble(url, error) from None
    raise EngineTrouble(f"the engine {url} does not answer")


async def check_engine(url: EngineUrl) -> None:
    """Whether there is an engine to be used. Raises `EngineTrouble`."""
    async with trio.open_nursery() as nursery:
        trouble: EngineTrouble | None = None
        try:
            await open_connection(nursery, url, "hubbub check")
        except EngineTrouble as found:
            trouble = found
        nursery.cancel_scope.cancel()
    if trouble is not None:
        raise trouble


async def _reach(url: EngineUrl) -> None:
    """Whether there is a socket, and TLS on it where that is wanted. The client library does not tell clearly why not,
    and leaves things unclosed then."""
    stream: trio.SocketStream | trio.SSLStream[trio.SocketStream]
    if url.path:
        stream = await trio.open_unix_socket(url.path)
    elif url.tls:
        stream = await _shaken_hands(url)
    else:
        stream = await trio.open_tcp_stream(url.host, url.port)
    await trio.aclose_forcefully(stream)


async def _shaken_hands(url: EngineUrl) -> trio.SSLStream[trio.SocketStream]:
    """Raises `OSError`, of which those of TLS are some."""
    stream = await trio.open_ssl_over_tcp_stream(url.host, url.port, https_compatible=True)
    try:
        await stream.do_handshake()
    except trio.BrokenResourceError as broken:
        await trio.aclose_forcefully(stream)
        raise OSError(f"the handshake of {url} has failed") from broken
    except BaseException:
        await trio.aclose_forcefully(stream)
        raise
    return stream


def _connection(url: EngineUrl, name: str) -> Connection:
    how = BaseConnectionParams(
        connect_timeout=CONNECT_SECONDS,
        client_name=name.replace(" ", "-"),
        username=url.username,
        password=url.password,
        db=url.database,
        ssl_context=ssl.create_default_context() if url.tls else None,
    )
    if url.path:
        return _UnixConnection(UnixDomainSocketLocation(url.path), **how)
    return _TcpConnection(TCPLocation(url.host, url.port), socket_keepalive=True, **how)


async def _check(connection: BaseConnection, url: EngineUrl) -> None:
    greeting = await connection.create_request(b"HELLO", 3, decode=True)
    if not isinstance(greeting, dict):
        raise EngineRefuses(f"the engine {url} does not speak the language of Valkey and Redis")
    version = str(greeting.get("version", connection.server_version or "0"))
    numbers = tuple(int(part) for part in version.split(".")[:2] if part.isdigit())
    if numbers < OLDEST:
        wanted = ".".join(map(str, OLDEST))
        raise EngineRefuses(f"the engine {url} is version {version}; {wanted} or newer is needed")
    if greeting.get("mode") == "cluster":
        raise EngineRefuses(f"the engine {url} is a part of a Redis Cluster; one that stands alone is needed")
    if greeting.get("role") not in (None, "master", "primary"):
        raise EngineRefuses(f"the engine {url} is a replica; the one that takes writes is needed")


def _trouble(url: EngineUrl, error: Exception) -> EngineTrouble:
    for cause in _causes(error):
        match cause:
            case EngineTrouble():
                return cause
            case ssl.SSLError():  # of which one is a ValueError, too
                return EngineTrouble(f"the engine {url} does not speak TLS as expected: {cause.reason or cause}")
            case AssertionError() | KeyError() | ValueError() | TypeError():
                return EngineRefuses(f"the engine {url} does not speak the language of Valkey and Redis")
            case AuthenticationError() | AuthorizationError():
                return EngineRefuses(f"the engine {url} wants another name or password: {cause}")
            case UnknownCommandError():
                wanted = ".".join(map(str, OLDEST))
                return EngineRefuses(f"the engine {url} is too old; {wanted} or newer is needed")
            case TimeoutError():
                return EngineTrouble(f"the engine {url} does not answer")
            case OSError() if cause.strerror:
                return EngineTrouble(f"the engine {url} cannot be reached: {_words(cause)}")
    return EngineTrouble(f"the engine {url} cannot be used: {error}")


def _words(error: OSError) -> str:
    """The system's own; name look-ups number their errors in another way."""
    return os.strerror(error.errno) if error.errno and error.errno > 0 else str(error.strerror)


def _causes(error: BaseException | None) -> list[BaseException]:
    """`error`, and what led to it, the root of it first."""
    found: list[BaseException] = []
    while error is not None and error not in found:
        found.append(error)
        if isinstance(error, BaseExceptionGroup):
            found += [cause for inner in error.exceptions for cause in _causes(inner)]
        error = error.__cause__ or error.__context__
    return found[::-1]
