"""A conversation that stays up, under gevent: what `clients/client.py` is under trio.

One greenlet connects, listens, and comes back after every loss, with full jitter and resume (`clients/backoff.py`);
what was not answered is said again. The rules are the conversation's own (`clients/conversation.py`); this file moves
bytes and time, and tells a `Listener` what happens and how long it took.
"""

from __future__ import annotations

from random import random
from time import perf_counter
from typing import Final, NoReturn, Protocol

import gevent
from gevent.event import Event

from clients.backoff import full_jitter, moment_to_leave
from clients.conversation import Conversation
from clients.happenings import Happening
from clients.incoming import BrokenServer
from loadtest.users.failures import Closed, ConnectionLost, TimedOut, UpgradeRefused, WebSocketFailure
from loadtest.users.websocket import Message, Target, WebSocket, open_websocket
from server.protocol.closing import CloseCode, may_reconnect
from server.protocol.commands import AnyCommand
from server.protocol.events import Reconnect

CONNECT_WITHIN: Final = 15.0  # seconds
SEND_WITHIN: Final = 30.0  # seconds; longer means that the server does not read
CLOSE_WITHIN: Final = 2.0  # seconds
SETTLED: Final = 10.0  # seconds: a connection that lived that long is no failed try
_WORTH_TRYING: Final = frozenset({408, 425, 429})  # of 4xx; 5xx are the server's own trouble


class Listener(Protocol):
    """Who is told. Times are seconds of `perf_counter`."""

    def tried(self, began: float, ended: float, failure: WebSocketFailure | None) -> None:
        """A connection was made, or not."""
        ...

    def sent(self, frame: bytes, at: float) -> None: ...

    def heard(self, frame: str, at: float) -> None:
        """A frame came; before what follows from it happens."""
        ...

    def happened(self, happening: Happening, at: float) -> None: ...

    def lost(self, why: WebSocketFailure, *, asked: bool, at: float) -> None:
        """The connection has ended. `asked`: it was to, whether we wanted it or the server."""
        ...


class Talk:
    """One person's.

    Attributes
    ----------
    over
        Why it ended for good, once it has.
    """

    def __init__(self, target: Target, conversation: Conversation, listener: Listener) -> None:
        self.over: WebSocketFailure | None = None
        self._target = target
        self._conversation = conversation
        self._listener = listener
        self._websocket: WebSocket | None = None
        self._leave_at = float("inf")
        self._closing = False
        self._stirred = Event()
        self._greenlet: gevent.Greenlet | None = None

    def begin(self) -> None:
        self._greenlet = gevent.spawn(self._live)

    def say(self, command: AnyCommand) -> int:
        """Give a command; what becomes of it is told by its number. It is sent at once where there is a connection."""
        number = self._conversation.command(command)
        if self._websocket is not None:
            self._send(self._websocket)
        return number

    def give_up(self, number: int) -> None:
        self._conversation.give_up(number)

    def drop(self) -> None:
        """Cut the connection off, as a network would; it comes back."""
        if self._websocket is not None:
            self._websocket.abort()

    def close(self) -> None:
        """End it politely, in a bounded time."""
        self._closing = True
        self._stirred.set()
        if self._websocket is not None:
            self._websocket.begin_closing()
        if self._greenlet is not None:
            self._greenlet.join(CLOSE_WITHIN)
        self.abandon()

    def abandon(self) -> None:
        """Let go of everything, without waiting."""
        if self._greenlet is not None:
            self._greenlet.kill(block=False)
        if self._websocket is not None:
            self._websocket.abort()

    # --- staying up ------------------------------------------------------------------------------------------

    def _live(self) -> None:
        failed = 0
        while not self._closing:
            began = perf_counter()
            ending, asked = self._connect_once()
            self._conversation.lost()
            now = perf_counter()
            self._listener.lost(ending, asked=asked or self._closing, at=now)
            if not _worth_coming_back(ending):
                self.over = ending
                return
            failed = 0 if now - began > SETTLED or asked else failed + 1
            self._stirred.wait(max(_retry_after(ending), full_jitter(max(0, failed - 1), random())))  # noqa: S311

    def _connect_once(self) -> tuple[WebSocketFailure, bool]:
        """A connection from its first to its last moment: why it ended, and whether it was to."""
        began = perf_counter()
        try:
            websocket = open_websocket(self._target, CONNECT_WITHIN)
        except WebSocketFailure as refusal:
            self._listener.tried(began, perf_counter(), refusal)
            return refusal, False
        self._listener.tried(began, websocket.opened_at, None)
        self._websocket = websocket
        self._leave_at = float("inf")
        self._conversation.opened(websocket.opened_at)
        try:
            self._listen(websocket)
        except WebSocketFailure as ending:
            return ending, perf_counter() >= self._leave_at
        except BrokenServer as broken:
            return Closed(1002, str(broken), by_us=True), False
        finally:
            self._websocket = None
            websocket.abort()

    def _listen(self, websocket: WebSocket) -> NoReturn:
        while True:
            now = perf_counter()
            if dead := self._conversation.tick(now):
                raise TimedOut(dead)
            leave_at = self._leave_at
            if now >= leave_at:
                websocket.begin_closing(CloseCode.GOING_AWAY)
                leave_at += CLOSE_WITHIN
            if now >= leave_at:
                raise Closed(CloseCode.GOING_AWAY, "the server asked to be left, and does not answer", by_us=True)
            self._send(websocket)
            wake = min(self._conversation.next_wake() or leave_at, leave_at)
            for message in websocket.read(max(0.0, wake - perf_counter())):
                self._hear(message)
            self._conversation.heard(websocket.heard_at)

    def _send(self, websocket: WebSocket) -> None:
        now = perf_counter()
        for frame in self._conversation.to_send(now):
            self._listener.sent(frame, now)
            try:
                websocket.send(frame.decode(), SEND_WITHIN)
            except (TimedOut, Closed, ConnectionLost):
                return  # whoever listens is told why, and it is said again on the next connection

    def _hear(self, message: Message) -> None:
        if not isinstance(message.data, str):
            raise BrokenServer("a binary frame where text is due")
        self._listener.heard(message.data, message.at)
        for happening in self._conversation.receive(message.data, message.at):
            if isinstance(happening, Reconnect):
                seconds = moment_to_leave(happening.after, happening.window, random())  # noqa: S311
                self._leave_at = min(self._leave_at, message.at + seconds)
            self._listener.happened(happening, message.at)


def _worth_coming_back(ending: WebSocketFailure) -> bool:
    match ending:
        case Closed(code=code):
            return may_reconnect(code)
        case UpgradeRefused(status=status):
            return status >= 500 or status in _WORTH_TRYING
        case _:
            return True


def _retry_after(ending: WebSocketFailure) -> float:
    return (ending.retry_after or 0.0) if isinstance(ending, UpgradeRefused) else 0.0
