"""Heartbeats: one sweep over all sockets in place of a timer for each.

Whoever has been silent for one interval is pinged (and once more after the second), whoever has been for two and a
half is closed. Any byte counts as life, and the clock stands still while a socket is not read. Intervals are jittered
by socket, so that a crowd that came together is not pinged together.
Left out: a changing interval (`heartbeat {every}`), which comes with load shedding.
"""

from __future__ import annotations

from enum import Enum
from typing import Final

import trio

from actors import TaskContext
from server.gateway.limits import SILENCES_UNTIL_CLOSED, GatewayLimits
from server.gateway.messages import Signal
from server.gateway.reactor import Reactor

_SWEEPS: Final = 10  # an interval: how late a ping may be, in parts of it
_SLICE: Final = 1_000  # descriptors between two chances for others to run
_JITTER: Final = 0.1


class Verdict(Enum):
    WAIT = "wait"
    PING = "ping"
    CLOSE = "close"


def verdict(silence: float, elapsed: float, interval: float) -> Verdict:
    """What a silence calls for now.

    Parameters
    ----------
    silence
        Seconds since the last byte.
    elapsed
        Seconds since the last sweep: what was due before then has been done then.
    interval
        Seconds of silence until a ping.
    """
    if silence >= interval * SILENCES_UNTIL_CLOSED:
        return Verdict.CLOSE
    due_before = int(max(silence - elapsed, 0.0) / interval)
    return Verdict.PING if int(silence / interval) > due_before else Verdict.WAIT


def jittered(interval: float, descriptor: int) -> float:
    """The interval of one socket: up to a tenth shorter than the announced one, spread evenly (Knuth's hash)."""
    spread = (descriptor * 2_654_435_761 % 2**32) / 2**32
    return interval * (1.0 - _JITTER * spread)


class Heartbeats:
    """The sweep, as a task."""

    __slots__ = ("_interval", "_reactor")

    def __init__(self, reactor: Reactor, limits: GatewayLimits) -> None:
        self._reactor = reactor
        self._interval = limits.heartbeat_seconds

    async def run(self, context: TaskContext) -> None:
        context.started()
        before = trio.current_time()
        while True:
            await trio.sleep(self._interval / _SWEEPS)
            now = trio.current_time()
            for first in range(0, self._reactor.extent, _SLICE):
                self._sweep(first, now, now - before)
                await trio.lowlevel.checkpoint()
            before = now

    def _sweep(self, first: int, now: float, elapsed: float) -> None:
        least = self._interval * (1.0 - _JITTER)
        for descriptor, owner, silence in self._reactor.silences(first, _SLICE, least, now):
            if not owner.alive:  # it crashed in a way that left its socket open: nobody else would ever close it
                self._reactor.close(descriptor)
                continue
            match verdict(silence, elapsed, jittered(self._interval, descriptor)):
                case Verdict.PING:
                    owner.tell(Signal.SILENT)
                case Verdict.CLOSE:
                    owner.tell(Signal.LOST)
                case Verdict.WAIT:
                    pass
