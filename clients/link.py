"""One connection: moves bytes between a trio stream and the two sans-I/O cores (`wire`, `conversation`).

It ends in one of these ways, each an `Ending`: the server closes or refuses, the stream breaks, the core says
that the peer is dead, the server asked us to move and the time for it has come, or the client is closed. What
follows from an ending (come back? when?) is decided by whoever ran the link.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Protocol

import trio

from clients.conversation import Conversation
from clients.happenings import Happening
from clients.incoming import BrokenServer
from clients.wire import ABNORMAL, PROTOCOL_ERROR, Closed, Opened, Rejected, Text, Wire, WireEvent
from server.protocol.closing import CloseCode, may_reconnect

HANDSHAKE_WITHIN: Final = 15.0  # seconds
SEND_WITHIN: Final = 30.0  # seconds for what is waiting; longer means that the server does not read
LAST_WORDS_WITHIN: Final = 1.0  # seconds for a close frame
_RECEIVE: Final = 64 * 1024  # bytes
_WORTH_TRYING: Final = frozenset({408, 425, 429})  # of 4xx; 5xx are the server's own trouble


@dataclass(frozen=True, slots=True)
class Ending:
    """Why a connection ended.

    `again`: whether coming back makes sense. `retry_after`: not before, seconds. `asked`: the server wanted it, and
    nothing is wrong.
    """

    reason: str
    code: int = ABNORMAL
    again: bool = True
    retry_after: float = 0.0
    asked: bool = False


class Bell:
    """Wakes the one task that waits; rung in advance, it wakes the next wait at once."""

    __slots__ = ("_event",)

    def __init__(self) -> None:
        self._event = trio.Event()

    def ring(self) -> None:
        self._event.set()

    async def wait(self) -> None:
        await self._event.wait()
        self._event = trio.Event()


class ByteStream(Protocol):
    """What a link needs of a trio stream."""

    async def send_all(self, data: bytes) -> None: ...
    async def receive_some(self, max_bytes: int | None = None) -> bytes | bytearray: ...


class Link:
    """One connection, from the upgrade request to its ending.

    Parameters
    ----------
    bell
        Rung by whoever gave the conversation something to send.
    follow
        Told of each happening, in order.
    """

    def __init__(self, wire: Wire, conversation: Conversation, bell: Bell, follow: Callable[[Happening], None]) -> None:
        self._wire = wire
        self._conversation = conversation
        self._bell = bell
        self._follow = follow
        self._ending: Ending | None = None
        self._open_by = trio.current_time() + HANDSHAKE_WITHIN
        self._opened = False
        self._leave_at = float("inf")

    def leave_at(self, time: float) -> None:
        """End at this time of trio's clock: the server wants to be left."""
        self._leave_at = min(self._leave_at, time)
        self._bell.ring()

    def close(self) -> None:
        """End now, politely."""
        self._wire.close()
        self._end(Ending("closed by us", CloseCode.NORMAL, again=False))

    async def run(self, stream: ByteStream) -> Ending:
        """Talk until the end. Never raises for what the network or the server does."""
        async with trio.open_nursery() as nursery:
            nursery.start_soon(self._write, stream, nursery.cancel_scope)
            nursery.start_soon(self._read, stream)
        assert self._ending is not None
        return self._ending

    def _end(self, ending: Ending) -> None:
        """The first ending is the one that counts."""
        self._ending = self._ending or ending
        self._bell.ring()

    async def _read(self, stream: ByteStream) -> None:
        while self._ending is None:
            try:
                data = bytes(await stream.receive_some(_RECEIVE))
            except (trio.BrokenResourceError, trio.ClosedResourceError) as error:
                self._end(Ending(f"connection lost: {error.__cause__ or error}"))
                return
            self._conversation.heard(trio.current_time())
            for event in self._wire.receive(data):
                self._take(event)
            self._bell.ring()

    async def _write(self, stream: ByteStream, scope: trio.CancelScope) -> None:
        """The one task that sends, and the one that ends the link: what was decided is still sent before."""
        while self._ending is None:
            self._fill(trio.current_time())
            if await self._send(stream, SEND_WITHIN):
                with trio.move_on_at(self._next_wake()):
                    await self._bell.wait()
        await self._send(stream, LAST_WORDS_WITHIN)
        scope.cancel()

    def _fill(self, now: float) -> None:
        if now >= self._leave_at:
            self._wire.close(CloseCode.GOING_AWAY)
            self._end(Ending("the server asked us to reconnect", CloseCode.GOING_AWAY, asked=True))
        elif not self._opened and now >= self._open_by:
            self._end(Ending("no answer to the websocket handshake"))
        elif dead := self._conversation.tick(now):
            self._end(Ending(dead))
        else:
            for frame in self._conversation.to_send(now):
                self._wire.send_text(frame)

    def _next_wake(self) -> float:
        wake = self._conversation.next_wake() if self._opened else self._open_by
        return self._leave_at if wake is None else min(wake, self._leave_at)

    async def _send(self, stream: ByteStream, within: float) -> bool:
        """Send what is waiting; whether the link goes on."""
        data = self._wire.to_send()
        with trio.move_on_after(within) as limit:
            try:
                if data:
                    await stream.send_all(data)
            except (trio.BrokenResourceError, trio.ClosedResourceError) as error:
                self._end(Ending(f"connection lost: {error.__cause__ or error}"))
        if limit.cancelled_caught:
            self._end(Ending("the server does not read"))
        return self._ending is None

    def _take(self, event: WireEvent) -> None:
        match event:
            case Opened():
                self._opened = True
                self._conversation.opened(trio.current_time())
            case Text(text):
                self._take_text(text)
            case Rejected():
                self._end(_rejection(event))
            case Closed(code, reason):
                self._end(Ending(reason or f"closed with {code}", code, may_reconnect(code)))

    def _take_text(self, text: str) -> None:
        if self._ending is not None:
            return
        try:
            happenings = self._conversation.receive(text, trio.current_time())
        except BrokenServer as error:
            self._wire.close(PROTOCOL_ERROR)
            self._end(Ending(f"the server breaks the protocol: {error}"))
            return
        for happening in happenings:
            self._follow(happening)


def _rejection(rejected: Rejected) -> Ending:
    status = rejected.status
    again = status >= 500 or status in _WORTH_TRYING
    if status == 401:
        return Ending("the server does not know this token", CloseCode.BAD_TOKEN, again=False)
    return Ending(
        f"the server answered the websocket handshake with {status}", ABNORMAL, again, rejected.retry_after or 0.0
    )
