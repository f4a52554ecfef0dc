"""The logs of rooms as their members are shown them, by the protocol's own `log`: so any server can be asked.

Plain blocking sockets: under locust, which patches them, they let others go on. One connection is one member, and reads
one room after the other. Left out: TLS, as in the crowd.
"""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator
from http import HTTPStatus
from typing import Final

from clients.endpoint import Endpoint
from clients.facts import Stored
from clients.wire import Closed, Opened, Rejected, Text, Wire, WireEvent
from server.protocol.codec import decode_event, encode_command
from server.protocol.commands import AnyCommand
from server.protocol.entries import Entry, MessageEntry
from server.protocol.errors import FOR_NOW
from server.protocol.events import AnyEvent
from server.protocol.hello_commands import Hello
from server.protocol.limits import LOG_LIMIT
from server.protocol.page_commands import Log
from server.protocol.replies import Error, Ok, Welcome

_RECEIVE: Final = 256 * 1024  # bytes
_PAUSE: Final = 0.5  # seconds, where the server says "not now" and names no time
_ANSWER_WITHIN: Final = 30.0  # seconds; a server has ten


class Unreadable(Exception):
    """The log could not be read; the message says why, in a few words that are the same for the same reason."""


class LogReader:
    """A member of rooms on a connection of their own.

    Parameters
    ----------
    deadline
        By `time.monotonic`: nothing is waited for beyond it.

    Raises
    ------
    Unreadable
        There is no connection, or it was turned away; who is asked to come again does so until the deadline.
    """

    def __init__(self, endpoint: Endpoint, token: str, deadline: float) -> None:
        self._deadline = deadline
        self._asked = 0
        while (seconds := self._connect(endpoint, token)) is not None:
            time.sleep(min(seconds, self._patience()))

    def __enter__(self) -> LogReader:
        return self

    def __exit__(self, *_: object) -> None:
        """Without a closing handshake: nothing that matters is under way."""
        self._socket.close()

    def read(self, room: str, after: int) -> Iterator[Stored]:
        """Every entry behind `after`, as the log holds them; contents are texts.

        Raises
        ------
        Unreadable
        """
        while True:
            page = self._ask(room, after)
            for entry in page.entries or ():
                yield _stored(entry)
                after = max(after, entry.seq or 0)
            if not page.more:
                return
            if not page.entries:
                raise Unreadable("the server says that there is more, and shows nothing")

    def _ask(self, room: str, after: int) -> Ok:
        """One page; asked again where the server cannot say it now."""
        while True:
            self._asked += 1
            self._say(Log(id=self._asked, room=room, after=after, limit=LOG_LIMIT))
            match self._answer():
                case Ok() as page:
                    return page
                case Error(code=code, retry_after=milliseconds) if code in FOR_NOW:
                    time.sleep(min(_PAUSE if milliseconds is None else milliseconds / 1000, self._patience()))
                case Error(code=code):
                    raise Unreadable(f"the server answers `log` with {code}")

    def _answer(self) -> Ok | Error:
        while True:
            event = self._event()
            if isinstance(event, Ok | Error) and event.id == self._asked:
                return event

    # --- the connection ------------------------------------------------------------------------------------------

    def _connect(self, endpoint: Endpoint, token: str) -> float | None:
        """After how many seconds to come again; None: here we are."""
        self._wire = Wire(endpoint)
        self._events: list[WireEvent] = []
        try:
            self._socket = socket.create_connection((endpoint.host, endpoint.port), self._patience())
        except OSError as error:
            raise Unreadable(f"no connection: {error}") from None
        try:
            rejected = self._upgraded()
            if rejected is None:
                self._enter(token)
                return None
        except BaseException:
            self._socket.close()
            raise
        self._socket.close()
        if rejected.status != HTTPStatus.SERVICE_UNAVAILABLE:
            raise Unreadable(f"the upgrade was answered with {rejected.status}")
        return rejected.retry_after or _PAUSE

    def _upgraded(self) -> Rejected | None:
        self._send()
        while not isinstance(event := self._next(), Opened):
            if isinstance(event, Rejected):
                return event
        return None

    def _enter(self, token: str) -> None:
        self._say(Hello(token=token))
        while not isinstance(self._event(), Welcome):
            continue

    def _say(self, command: AnyCommand) -> None:
        self._wire.send_text(encode_command(command))
        self._send()

    def _event(self) -> AnyEvent:
        while True:
            event = self._next()
            if isinstance(event, Text):
                return decode_event(event.text)

    def _next(self) -> WireEvent:
        while not self._events:
            try:
                self._socket.settimeout(self._patience())
                self._events = self._wire.receive(self._socket.recv(_RECEIVE))
            except OSError as error:
                raise Unreadable(f"the connection broke: {error}") from None
            self._send()
        event = self._events.pop(0)
        if isinstance(event, Closed):
            raise Unreadable(f"the connection was closed with {event.code}")
        return event

    def _send(self) -> None:
        try:
            if data := self._wire.to_send():
                self._socket.settimeout(self._patience())
                self._socket.sendall(data)
        except OSError as error:
            raise Unreadable(f"the connection broke: {error}") from None

    def _patience(self) -> float:
        left = self._deadline - time.monotonic()
        if left <= 0:
            raise Unreadable("there was no time left")
        return min(left, _ANSWER_WITHIN)


def _stored(entry: Entry) -> Stored:
    if isinstance(entry, MessageEntry):
        return Stored(entry.room, entry.seq, entry.from_.user, entry.nonce, entry.text)
    return Stored(entry.room, entry.seq or 0)
