"""Arrivals: the task that takes in the sockets which other workers have handed over (`gathering.py`).

The rules:
- They were let in once, and are counted here by their address; only where nobody more can be let in are they closed,
  with the code that says so.
- A crowd is taken in by portions, with a pause between them, the longer the more workers there are among which it is
  spread: a worker that is woken for each of them finds the caches cold (docs/figures.md).
- When the server departs, it says so to the others, and what has arrived is still taken in. What comes all the same
  waits for the next process in this place, or is closed with the corridor.
"""

from __future__ import annotations

import logging
import os
import socket
from contextlib import suppress
from typing import Final

import msgspec
import trio

from actors import StartFailed, StartRefused, TaskContext
from actors.dynamic import Dynamic
from actors.scheduler import Scheduler
from server.corridors import Corridors, take_from
from server.gateway.frames import close_frame
from server.gateway.gateway import Gateway
from server.gateway.gathering import Move, move_of
from server.gateway.going_first import let_actors_go_first, let_settle
from server.gateway.messages import Arrived
from server.protocol.closing import CloseCode
from server.turns import Door

log = logging.getLogger("server.gateway.arrivals")

_MOST_AT_ONCE: Final = 256
_PAUSE_EACH: Final = 0.03
LONGEST_PAUSE: Final = 1.0
"""Seconds that somebody in a crowd is welcomed later for it, at the most. A pause that follows how many have come was
tried: it is too long as often as too short, and 60,000 people took 38 s in place of 26."""
_MARGIN: Final = 64  # places: so many may be on their way while others learn that it is full here


class Arrivals:
    """See the top of this file.

    Parameters
    ----------
    corridors
        Of which one is this worker's. It stays open when the task ends: it is the next one's.
    door
        Says how many are here, and when that is all.
    """

    __slots__ = ("_door", "_gateway", "_generation", "_inlet", "_pause")

    def __init__(self, gateway: Gateway, corridors: Corridors, index: int, door: Door) -> None:
        self._gateway = gateway
        self._inlet = corridors.inlet(index)
        self._generation = corridors.generation
        self._door = door
        self._pause = pause_among(len(corridors))

    async def run(self, context: TaskContext) -> None:
        gateway = self._gateway
        connections = context.system.dynamic(gateway.connections)
        self._door.takes_in(self._generation)
        try:
            context.started()
            async with trio.open_nursery() as nursery:
                nursery.start_soon(self._take_in_always, context.system.scheduler, connections)
                await gateway.departure.begun.wait()
                nursery.cancel_scope.cancel()
        finally:
            self._door.takes_in(0)
        self._take_in(connections)
        await trio.sleep_forever()

    async def _take_in_always(self, scheduler: Scheduler, connections: Dynamic) -> None:
        while True:
            await trio.lowlevel.wait_readable(self._inlet)
            await let_actors_go_first(scheduler)
            await let_settle(self._gateway.unsettled)
            if self._take_in(connections) > 1:
                await trio.sleep(self._pause)

    def _take_in(self, connections: Dynamic) -> int:
        """Up to `_MOST_AT_ONCE` of those who wait; how many there were."""
        taken = 0
        with suppress(BlockingIOError):
            while taken < _MOST_AT_ONCE:
                words, descriptor = take_from(self._inlet)
                taken += 1
                self._welcome(words, descriptor, connections)
        self._door.has(self._gateway.reactor.registered, is_full=self._places(connections) < _MARGIN)
        return taken

    def _places(self, connections: Dynamic) -> int:
        return self._gateway.limits.places(len(connections), self._gateway.reactor.kept)

    def _welcome(self, words: bytes, descriptor: int, connections: Dynamic) -> None:
        if descriptor < 0:
            log.warning("out of descriptors: somebody who was handed over is lost; see `ulimit -n`")
            return
        try:
            move = move_of(words)
        except (msgspec.DecodeError, KeyError) as error:  # of another version
            log.warning("somebody who was handed over is not understood: %s", error)
            os.close(descriptor)
            return
        sock = socket.SocketType(fileno=descriptor)
        sock.setblocking(False)
        if self._places(connections) <= 0:
            _turn_away(sock)
        else:
            self._start(sock, move, connections)

    def _start(self, sock: socket.SocketType, move: Move, connections: Dynamic) -> None:
        if move.network is not None:
            self._gateway.addresses.enter(sock.fileno(), move.network)
        try:
            connection = connections.start(None, sock, move.header_hash, move.dialect)
        except (StartRefused, StartFailed, OSError) as error:
            log.debug("a websocket could not start: %s", error)
            self._gateway.addresses.leave(sock.fileno())
            sock.close()
        else:
            self._gateway.counts.arrived += 1
            connection.answer(Arrived(move.hello))


def pause_among(workers: int) -> float:
    """Seconds between two looks at a crowd that is spread over so many: pure."""
    return min(_PAUSE_EACH * workers, LONGEST_PAUSE)


def _turn_away(sock: socket.SocketType) -> None:
    with suppress(OSError):
        sock.send(close_frame(CloseCode.OVER_CAPACITY, ""))
        sock.shutdown(socket.SHUT_WR)
    sock.close()
