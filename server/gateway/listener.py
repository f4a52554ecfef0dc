"""The listener: accepts sockets, and begins the handshake of each; a task goes on with it where it has to wait.

The rules:
- A bounded number is accepted per pass, so a crowd at the door does not stop those inside. A pass takes three times as
  long as a slice of the scheduler, so while many actors wait for their turn, a few slices go before the next pass: a
  crowd would be let in faster than it gets to its rooms, and everybody's messages would wait behind all that. The
  kernel keeps the crowd meanwhile; some are let in all the same, because a server may be busy for ever.
- So it is with a crowd that gets to its rooms, but these are on other nodes, and have not answered: a worker with many
  such pauses, and then lets in few. Else a crowd of a hundred thousand came to 56 workers faster than the owner of
  their rooms could take it, until what waited there was asked for again, and nothing went on (docs/figures.md).
- Who cannot be let in hears 503 at once, and why; nobody is left to wait in the kernel's queue, which looks like a dead
  server. What the log says of it, it says once a minute.
- Out of descriptors it never spins: it gives up one it holds in reserve to accept and refuse one socket, and then rests
  for a moment.
- While there are more connections than the kernel can ask about, new ones get no keepalive.
- Of several workers that share a port, one lets in some, and then the next does (`server/turns.py`).
- When the server departs, those who stand in the kernel's queue are still let in; then the sockets are closed, so that
  whoever comes later is refused by the kernel. Requests that are under way go on.
"""

from __future__ import annotations

import errno
import logging
import os
import socket
import time
from collections.abc import Sequence
from contextlib import suppress
from typing import Final

import trio

from actors import TaskContext
from server.gateway import refusals
from server.gateway.admission import Admission
from server.gateway.gateway import Gateway
from server.gateway.going_first import are_many, let_actors_go_first, let_settle
from server.gateway.handshake import Handshake
from server.gateway.keepalive import keepalive
from server.gateway.limits import GatewayLimits
from server.gateway.refusals import Refused
from server.gateway.tls import INTERNAL_ERROR_ALERT
from server.rhythm import sleep_to_next
from server.turns import Door

log = logging.getLogger("server.gateway.listener")

_MOST_ACCEPTS: Final = 64
_FEW_ACCEPTS: Final = 4  # after a pause that has not helped
_MOST_LAST_PASSES: Final = 64  # together as many as the kernel's queue holds
_SAY_SECONDS: Final = 3.0  # a time at which a worker wakes anyhow
_REST_SECONDS: Final = 0.2
_OUT_OF_DESCRIPTORS: Final = frozenset({errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM})
_MOST_REFUSALS: Final = 64
_REFUSAL_SECONDS: Final = 1.0
_REQUEST_BYTES: Final = 16 * 1024
_COMPLAIN_SECONDS: Final = 60.0
_NOTSENT_BYTES: Final = 16 * 1024


class Listener:
    """The task that accepts.

    Parameters
    ----------
    sockets
        Bound and listening; opened before the tree starts, so that a port in use is found out early. They stay open
        when this task ends without a departure: whoever opened them may start it again.
    door
        Where other workers share the port.
    """

    __slots__ = ("_complained_at", "_door", "_gateway", "_keeps_alive", "_refusals", "_reserve", "_sockets")

    def __init__(self, gateway: Gateway, sockets: Sequence[socket.socket], door: Door | None = None) -> None:
        self._gateway = gateway
        self._door = door
        self._sockets = sockets
        self._reserve = -1
        self._refusals = 0
        self._complained_at: dict[str, float] = {}
        self._keeps_alive: dict[socket.socket, bool] = {}

    async def run(self, context: TaskContext) -> None:
        gateway = self._gateway
        connections = context.system.dynamic(gateway.connections)
        admission = Admission(
            gateway.limits, connections, gateway.addresses, gateway.proxies, kept=lambda: gateway.reactor.kept
        )
        self._take_reserve()
        self._keeps_alive.clear()
        try:
            async with trio.open_nursery() as nursery:
                async with trio.open_nursery() as accepting:
                    for listening in self._sockets:
                        _prepare(listening, gateway.limits)
                        accepting.start_soon(self._accept_from, listening, admission, context, nursery)
                    if self._door is not None:
                        accepting.start_soon(self._say_how_many, self._door)
                    context.started()
                    await gateway.departure.begun.wait()
                    accepting.cancel_scope.cancel()
                await self._close_door(admission, context, nursery)
                await trio.sleep_forever()
        finally:
            self._give_reserve()

    async def _close_door(self, admission: Admission, context: TaskContext, nursery: trio.Nursery) -> None:
        for listening in self._sockets:
            with suppress(OSError):  # the queue is empty; or nobody more can be let in, and the rest is reset
                for _ in range(_MOST_LAST_PASSES):
                    with suppress(ConnectionAbortedError):
                        self._accept_some(listening, admission, context, nursery)
            listening.close()
        await trio.lowlevel.checkpoint()  # the last of them are being served now, so that they can be waited for
        self._gateway.departure.closed.set()

    async def _accept_from(
        self, listening: socket.socket, admission: Admission, context: TaskContext, nursery: trio.Nursery
    ) -> None:
        while True:
            await trio.lowlevel.wait_readable(listening)
            await let_actors_go_first(context.system.scheduler)
            most = _MOST_ACCEPTS if await self._is_settled() else _FEW_ACCEPTS
            try:
                self._accept_some(listening, admission, context, nursery, most)
            except (BlockingIOError, ConnectionAbortedError):
                continue
            except OSError as error:
                if error.errno not in _OUT_OF_DESCRIPTORS:
                    raise
                self._complain("descriptors", "out of descriptors, refusing new sockets: see `ulimit -n`")
                self._refuse_on_reserve(listening)
                await trio.sleep(_REST_SECONDS)

    async def _is_settled(self) -> bool:
        """Wait for it, but not for ever. Meanwhile it is somebody else's turn to let people in."""
        unsettled = self._gateway.unsettled
        if self._door is not None and are_many(unsettled):
            self._door.pause()
        return await let_settle(unsettled)

    def _accept_some(
        self,
        listening: socket.socket,
        admission: Admission,
        context: TaskContext,
        nursery: trio.Nursery,
        most: int = _MOST_ACCEPTS,
    ) -> None:
        """A pass. Step by step with all of them, and not one behind the other: a processor that does the same 64 times
        in a row does it a seventh faster (240 us for a websocket until its welcome, and 207).

        Raises
        ------
        OSError
            What `accept` did, when those that came before are served: `BlockingIOError` if nobody is left.
        """
        arrived: list[Handshake] = []
        accepted = self._gateway.counts.accepted
        self._look_after_keepalive(listening)
        try:
            for _ in range(most):
                sock, address = listening.accept()
                self._gateway.counts.accepted += 1
                if self._is_admitted(sock, address[0], admission, nursery):
                    arrived.append(Handshake(context.system, self._gateway, admission, sock, address[0]))
        finally:
            self._pass_on(self._gateway.counts.accepted - accepted, admission)
            for handshake in arrived:
                handshake.read()
            for handshake in arrived:
                if handshake.at_once():
                    admission.leave()
                else:
                    nursery.start_soon(self._serve, handshake, admission)

    def _pass_on(self, accepted: int, admission: Admission) -> None:
        """Before these are served, so that the next worker need not wait for it."""
        if self._door is not None and accepted:
            people = self._gateway.reactor.registered + accepted
            is_full = not admission.has_room_for(_MOST_ACCEPTS)  # so that nobody finds it out who is on the way
            self._door.let_in(accepted, people, time.monotonic(), is_full=is_full)

    async def _say_how_many(self, door: Door) -> None:
        """For turns: who counted as far ahead and whose people have left would never be asked again."""
        while True:
            door.has(self._gateway.reactor.registered)
            await sleep_to_next(_SAY_SECONDS)

    def _look_after_keepalive(self, listening: socket.socket) -> None:
        """What is accepted from here on has it, or has it not."""
        has = self._gateway.reactor.registered < self._gateway.limits.keepalive_connections
        if has is not self._keeps_alive.get(listening, True):
            self._keeps_alive[listening] = has
            listening.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, has)

    def _is_admitted(self, sock: socket.socket, host: str, admission: Admission, nursery: trio.Nursery) -> bool:
        """Whether this one may have a handshake; otherwise it hears why not."""
        refused = admission.enter(sock.fileno(), host, trio.current_time())
        if refused is None:
            return True
        self._gateway.counts.handshakes["refused", refusals.reason_of(refused)] += 1
        self._complain(refused.message, f"refusing new sockets, now one of {host}: {refused.message}")
        if self._refusals < _MOST_REFUSALS:
            self._refusals += 1
            nursery.start_soon(self._refuse, sock, refused)
        else:
            refuse_at_once(sock, self._answer(refused))
        return False

    def _complain(self, about: str, text: str) -> None:
        """To the operator; about the same again after a minute, if it is still so."""
        now = trio.current_time()
        if now - self._complained_at.get(about, -_COMPLAIN_SECONDS) >= _COMPLAIN_SECONDS:
            self._complained_at[about] = now
            log.warning("%s", text)

    async def _serve(self, handshake: Handshake, admission: Admission) -> None:
        try:
            await handshake.serve()
        finally:
            admission.leave()

    async def _refuse(self, sock: socket.socket, refused: Refused) -> None:
        """Refuse after the request was read: refused at once, the answer might be lost to a reset."""
        try:
            sock.setblocking(False)
            with trio.move_on_after(_REFUSAL_SECONDS):
                await trio.lowlevel.wait_readable(sock)
        finally:
            self._refusals -= 1
            refuse_at_once(sock, self._answer(refused))

    def _answer(self, refused: Refused) -> bytes:
        """A reason, in plain; under TLS one word in plain, as a handshake would cost more than letting them in."""
        return refusals.response(refused) if self._gateway.certificate is None else INTERNAL_ERROR_ALERT

    def _refuse_on_reserve(self, listening: socket.socket) -> None:
        """Free one descriptor, so that whoever waits the longest gets an answer."""
        self._give_reserve()
        try:
            sock, _address = listening.accept()
            self._gateway.counts.handshakes["refused", "no_descriptors"] += 1
            refuse_at_once(sock, self._answer(refusals.OVER_CAPACITY))
        except OSError as error:
            log.debug("nobody could be refused: %s", error)
        self._take_reserve()

    def _take_reserve(self) -> None:
        with suppress(OSError):  # somebody else was faster; the next refusal tries again
            self._reserve = os.open(os.devnull, os.O_RDONLY | os.O_CLOEXEC)

    def _give_reserve(self) -> None:
        if self._reserve >= 0:
            os.close(self._reserve)
            self._reserve = -1


def _prepare(listening: socket.socket, limits: GatewayLimits) -> None:
    """What Linux passes on to every socket that is accepted spares each of them seven calls.

    What stands here is what `trio.SocketStream` would set: nothing waits for more to be said, and a socket is
    writable only while little waits in the kernel.
    """
    listening.setblocking(False)
    listening.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    listening.setsockopt(socket.IPPROTO_TCP, socket.TCP_NOTSENT_LOWAT, _NOTSENT_BYTES)
    for level, option, value in keepalive(limits.keepalive_seconds, limits.stall_seconds):
        listening.setsockopt(level, option, value)


def refuse_at_once(sock: socket.socket, answer: bytes) -> None:
    """Say no to whoever is there, without waiting for anything."""
    try:
        sock.setblocking(False)
        with suppress(BlockingIOError):
            sock.recv(_REQUEST_BYTES)
        sock.send(answer)
        sock.shutdown(socket.SHUT_WR)
    except OSError as error:
        log.debug("a refusal did not arrive: %s", error)
    finally:
        sock.close()
