"""A locust user with a websocket, for any websocket server.

    class Echo(WebSocketUser):
        host = "ws://127.0.0.1:8765"

        @task
        def say_hello(self):
            self.connect()
            with self.measure("echo") as measured:
                self.send("hello")
                measured.until(self.expect(lambda data: data == "hello", timeout=5))

The rules:
- Locust is told true times: differences of `perf_counter` in milliseconds, not rounded. (Locust itself rounds what it
  shows in percentiles, from 100 ms on to two digits: `precise.py` keeps them as they are.)
- A greenlet reads all the time, so pings are answered while a task thinks, and a message carries the time at which it
  came rather than that at which somebody looked.
- Every failure has a name that does not change from one to the next, a close code or an errno: see `failures.py`.
- Nothing is left behind: whatever ends a user ends its greenlet and its socket, with a closing handshake where there
  is time for one.

Left out: reconnecting by itself. A lost connection ends the task that notices it; a task that wants one begins with
`connect()`, which does nothing while there is one.
"""

from __future__ import annotations

import ssl
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from time import perf_counter
from typing import Any

import gevent
from locust.env import Environment

from loadtest.users.failures import Closed, ConnectionLost, InboxFull, TimedOut
from loadtest.users.inbox import Inbox, WhenFull
from loadtest.users.measuring import MeasuringUser
from loadtest.users.websocket import Message, Target, WebSocket, open_websocket, place_of


@dataclass(frozen=True, slots=True)
class _Line:
    """A connection, and who reads it."""

    websocket: WebSocket
    inbox: Inbox
    reader: gevent.Greenlet


class WebSocketUser(MeasuringUser):
    """A user with one websocket at a time, to `host` + `path`.

    Attributes
    ----------
    path
        Appended to `host`, with its query.
    subprotocols, headers, tls, compression
        See `websocket.Target`.
    connect_timeout, send_timeout, close_timeout
        Seconds: until the upgrade is answered, until the kernel took a message, until the server answered a close.
    inbox_size, when_full
        How many messages wait to be looked at, and what happens with more: see `inbox.py`.
    expected_closes
        Codes with which the server may end the connection without that being a failure.
    """

    abstract = True

    path: str = ""
    subprotocols: Sequence[str] = ()
    headers: Mapping[str, str] = {}
    tls: ssl.SSLContext | None = None
    compression: bool = False
    connect_timeout: float = 10.0
    send_timeout: float = 10.0
    close_timeout: float = 2.0
    inbox_size: int = 1_000
    when_full: WhenFull = WhenFull.WAIT
    expected_closes: frozenset[int] = frozenset({1000})
    request_type = "WS"

    def __init__(self, environment: Environment) -> None:
        super().__init__(environment)
        self._line: _Line | None = None

    # --- the connection --------------------------------------------------------------------------------------

    @property
    def connected(self) -> bool:
        return self._line is not None and self._line.websocket.ended is None

    @property
    def websocket(self) -> WebSocket:
        """The present connection.

        Raises
        ------
        Closed
            There was none so far, or it was closed by us.
        """
        if self._line is None:
            raise Closed(1000, "not connected", by_us=True)
        return self._line.websocket

    def target(self) -> Target:
        """Where to connect, and what to say first; override it for what differs from one user to the next.

        Raises
        ------
        websocket.BadUrl
        """
        host, port, encrypted, path = place_of((self.host or "") + self.path)
        return Target(host, port, encrypted, path, self.subprotocols, self.headers, self.tls, self.compression)

    def connect(self, name: str = "connect") -> None:
        """Connect unless there is a connection; reported as a request.

        Raises
        ------
        ConnectFailed, UpgradeRefused, TimedOut, Closed, ConnectionLost
        """
        if self.connected:
            return
        self.hang_up()
        self.tie()
        with self.measure(name) as measured:
            websocket = open_websocket(self.target(), self.connect_timeout)
            measured.ended = websocket.opened_at
        inbox = Inbox(self.inbox_size, self.when_full)
        self._line = _Line(websocket, inbox, gevent.spawn(self._read, websocket, inbox))

    def close(self, code: int = 1000, reason: str = "") -> None:
        """The closing handshake, then the end. A server that does not answer it in time is reported as a failure."""
        line = self._line
        if line is None:
            return
        began = perf_counter()
        try:
            line.inbox.discard()
            line.websocket.begin_closing(code, reason)
            line.reader.join(self.close_timeout)
            if not line.reader.ready():
                self.report("close", perf_counter() - began, exception=TimedOut("close"))
        finally:
            self.hang_up()

    def on_stop(self) -> None:
        """Whoever overrides it calls this one: without it the connection is cut, not closed."""
        self.close()

    def hang_up(self) -> None:
        line, self._line = self._line, None
        if line is not None:
            line.reader.kill(block=False)
            line.websocket.abort()

    def _read(self, websocket: WebSocket, inbox: Inbox) -> None:
        try:
            while True:
                for message in websocket.read(None):
                    dropped = inbox.dropped
                    inbox.put(message)
                    if inbox.dropped > dropped:
                        self.report("inbox", 0.0, exception=InboxFull())
        except (Closed, ConnectionLost) as ending:
            inbox.end(ending)
            self._ended(websocket, ending)
        finally:
            websocket.abort()

    def _ended(self, websocket: WebSocket, ending: Closed | ConnectionLost) -> None:
        """Tell locust that the other side ended it, once for each connection, whoever notices it besides."""
        if isinstance(ending, Closed) and ending.by_us:
            return
        expected = isinstance(ending, Closed) and ending.code in self.expected_closes
        lived = perf_counter() - websocket.opened_at
        self.report("disconnect", lived, exception=None if expected else ending)

    # --- talking ---------------------------------------------------------------------------------------------

    def send(self, data: str | bytes) -> None:
        """Send a message: text for `str`, binary for `bytes`.

        Raises
        ------
        TimedOut, Closed, ConnectionLost
        """
        self.websocket.send(data, self.send_timeout)

    def receive(self, timeout: float) -> Message:
        """The next message.

        Raises
        ------
        TimedOut, Closed, ConnectionLost
        """
        return self._inbox.take(timeout)

    def expect(self, wanted: Callable[[Any], bool], timeout: float) -> Message:
        """The next message for whose data `wanted` holds; others are given to `on_message` and are gone.

        Raises
        ------
        TimedOut, Closed, ConnectionLost
        """
        end = perf_counter() + timeout
        while True:
            message = self._inbox.take(end - perf_counter(), "expect")
            if wanted(message.data):
                return message
            self.on_message(message)

    def on_message(self, message: Message) -> None:
        """Told of each message that `expect` passed over; meant to be overridden."""

    @property
    def _inbox(self) -> Inbox:
        if self._line is None:
            raise Closed(1000, "not connected", by_us=True)
        return self._line.inbox
