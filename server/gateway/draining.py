"""Draining: the last to start of all, so the first to stop; it empties the house while everything in it still works.

At an orderly stop, in this order: nobody is let in any more; clients are asked to reconnect, wave by wave, and are
served until they leave; who is left is closed with 4001, behind what was said to it before; whoever does not answer
that is cut off; and the answers to plain requests are waited for. All of that ends with the time that the departure
has, and a crowd of peers who read nothing does not make it longer: as many as they are, so early they are cut off. What
is left then is closed by the supervisors, without waiting.

Where nobody has time (Ctrl-C, a tree that gave up) it is the same without the waves.
Left out: waiting with 4001 for the answers of commands that are under way. Whoever was not answered says them again,
and the nonce makes that safe.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable
from itertools import islice
from typing import Final

import trio

from actors import Address, TaskContext
from server.gateway.gateway import Gateway
from server.gateway.messages import Signal
from server.gateway.waves import cut_off_seconds, last_leave, waves
from server.protocol.closing import CloseCode
from server.protocol.events import Reconnect
from server.protocol.outgoing import Outgoing
from server.sessions.messages import Close

log = logging.getLogger("server.gateway.draining")

_LOOK_EVERY: Final = 0.02
_SLICE: Final = 500  # connections that are told something before others may run: a few milliseconds
_DOOR_SECONDS: Final = 0.5  # for the listener to close, if there is one just now


class Draining:
    """The task that waits for the stop. Give it a shutdown time-out above the departure's seconds."""

    __slots__ = ("_departure", "_gateway")

    def __init__(self, gateway: Gateway) -> None:
        self._gateway = gateway
        self._departure = gateway.departure

    async def run(self, context: TaskContext) -> None:
        context.started()
        try:
            await trio.sleep_forever()
        except trio.Cancelled:  # a crash is no stop: whoever comes then is let in
            with context.finishing() as finishing:
                begun = trio.current_time()
                seconds = max(self._departure.seconds, self._gateway.limits.stop_seconds)
                finishing.deadline = begun + seconds
                await self._drain(begun, seconds)  # noqa: ASYNC102 - has a deadline
            raise

    async def _drain(self, begun: float, seconds: float) -> None:
        """Empty the house."""
        connections = self._gateway.reactor.registered
        leaving = seconds - self._gateway.limits.stop_seconds - cut_off_seconds(connections, seconds)
        log.info("draining: %d connections", connections)
        self._departure.begin()
        with trio.move_on_after(_DOOR_SECONDS):
            await self._departure.closed.wait()
        if leaving > 0:
            await self._let_leave(begun, leaving)
        left = self._gateway.reactor.registered
        log.info("draining: %d connections left by themselves, %d are closed", connections - left, left)
        await self._tell(self._gateway.reactor.owners(), Close(code=CloseCode.DRAINING))
        await self._until(self._is_empty, begun + seconds - cut_off_seconds(left, seconds))
        await self._tell(self._gateway.reactor.owners(), Signal.CLOSE_OVERDUE)
        await self._until(self._is_empty, float("inf"))

    async def _let_leave(self, begun: float, seconds: float) -> None:
        """Ask everybody to leave, and wait until they have, or should have."""
        reactor = self._gateway.reactor
        asked = waves(reactor.registered, seconds)
        owners = reactor.owners()
        for wave in asked:
            await self._until(self._has_nobody, begun + wave.at)
            await self._tell(islice(owners, wave.count), Outgoing([Reconnect(after=0, window=wave.window)]))
        await self._until(self._has_nobody, begun + last_leave(asked, seconds))

    async def _tell(self, owners: Iterable[Address], message: Outgoing | Close | Signal) -> None:
        """Everybody, a slice at a time."""
        for number, owner in enumerate(owners, start=1):
            owner.answer(message)
            if number % _SLICE == 0:
                await trio.lowlevel.checkpoint()

    async def _until(self, condition: Callable[[], bool], time: float) -> None:
        """Look again and again, up to `time`: they end one by one, and nobody is told of the last."""
        with trio.move_on_at(time):
            while not condition():  # noqa: ASYNC110 - see above
                await trio.sleep(_LOOK_EVERY)

    def _has_nobody(self) -> bool:
        return not self._gateway.reactor.registered

    def _is_empty(self) -> bool:
        """Neither connections nor requests."""
        return self._has_nobody() and not self._gateway.counts.handshaking
