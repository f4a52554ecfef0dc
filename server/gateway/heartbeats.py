"""Heartbeats: one walk past all sockets, again and again, in place of a timer for each.

Whoever has been silent for one interval is pinged (and once more after the second), whoever has been for two and a
half is closed. Any byte counts as life, and the clock stands still while a socket is not read. Intervals are jittered
by socket, so that a crowd that came together is not pinged together.

The interval follows the number of connections (`interval.py`). When it changes, newcomers hear the new one in
`welcome`, and those who are there are told: a tenth of them on each of the ten walks that follow, so that it costs no
more than their pings would. The rules of that:
- Everybody is judged by the interval that they were told: until their tenth has been told, by the one before.
- Whoever is told begins a new silence: so nobody is closed who could not yet know that the interval has become shorter.
- While a change is being told there is no other one.
- It is no ping, as it needs no answer: a client answers pings without a look at them, and has to read this.
A socket has nothing of its own for all of this: its tenth is the last digit of its descriptor.
"""

from __future__ import annotations

import logging
from collections import deque
from enum import Enum
from math import ceil, inf
from typing import Final

import trio

from actors import TaskContext
from server.gateway.interval import lengthened, shortened, steps
from server.gateway.limits import SILENCES_UNTIL_CLOSED, GatewayLimits
from server.gateway.messages import Signal
from server.gateway.reactor import Reactor
from server.protocol.events import Heartbeat
from server.protocol.outgoing import Outgoing
from server.rhythm import sleep_to_next

log = logging.getLogger("server.gateway.heartbeats")

_WALKS: Final = 10  # an interval: how late a ping may be, in parts of it; and in how many parts a change is told
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
        Seconds since this socket was last passed: what was due before then has been done then.
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
    """The walks, as a task; and the interval that they go by, which outlives it.

    Attributes
    ----------
    interval
        Seconds of silence until a ping, for whoever comes now.
    """

    __slots__ = ("_before", "_crowds", "_passed", "_processors", "_reactor", "_steps", "_told", "interval")

    def __init__(self, reactor: Reactor, limits: GatewayLimits) -> None:
        self._reactor = reactor
        self._steps = steps(limits.heartbeat_seconds, limits.heartbeat_longest_seconds)
        self._processors = limits.processors
        self.interval = self._before = self._steps[0]
        self._told = _WALKS  # how many tenths know `interval`; the others were told `_before`
        self._crowds: deque[int] = deque(maxlen=_WALKS)  # how many there were after each walk of one interval
        self._passed: dict[int, float] = {}  # when each slice was, by its first descriptor

    @property
    def milliseconds(self) -> int:
        """The interval, as `welcome` and `heartbeat` tell it."""
        return round(self.interval * 1000)

    @property
    def is_told(self) -> bool:
        """Whether everybody knows the interval."""
        return self._told == _WALKS

    async def run(self, context: TaskContext) -> None:
        context.started()
        while True:
            await self._walk()
            if self.is_told:
                self._reconsider(self._reactor.registered)
            else:
                self._told_a_tenth()

    async def _walk(self) -> None:
        """Past all sockets once, in a tenth of the interval; of the shorter one, while two are in force."""
        first = 0
        while True:
            slices = max(1, ceil(self._reactor.extent / _SLICE))
            await sleep_to_next(min(self._before, self.interval) / _WALKS / slices)
            now = trio.current_time()
            self._judge(first, now, now - self._passed.get(first, -inf))
            self._passed[first] = now
            if not self.is_told:
                self._announce(first, now)
            first += _SLICE
            if first >= self._reactor.extent:
                return

    def _judge(self, first: int, now: float, elapsed: float) -> None:
        shortest = min(self._before, self.interval)
        for descriptor, owner, silence in self._reactor.silences(first, _SLICE, shortest * (1.0 - _JITTER), now):
            if not owner.alive:  # it crashed in a way that left its socket open: nobody else would ever close it
                self._reactor.close(descriptor)
                continue
            interval = self.interval if descriptor % _WALKS < self._told else self._before
            match verdict(silence, elapsed, jittered(interval, descriptor)):
                case Verdict.PING:
                    owner.tell(Signal.SILENT)
                case Verdict.CLOSE:
                    owner.tell(Signal.LOST)
                case Verdict.WAIT:
                    pass

    def _announce(self, first: int, now: float) -> None:
        """Tell the interval to those of this slice whose turn it is."""
        news = Outgoing([Heartbeat(every=self.milliseconds)])
        for owner in self._reactor.begin_silences(first + self._told, _SLICE, _WALKS, now):
            owner.answer(news)

    def _told_a_tenth(self) -> None:
        self._told += 1
        if self.is_told:
            self._before = self.interval

    def _reconsider(self, connections: int) -> None:
        """Is the interval still right? Longer at once; shorter if for one interval there were few enough."""
        self._crowds.append(connections)
        wanted = lengthened(self._steps, self.interval, connections, self._processors)
        if wanted == self.interval and len(self._crowds) == _WALKS:
            wanted = shortened(self._steps, self.interval, max(self._crowds), self._processors)
        if wanted != self.interval:
            log.info("heartbeat: every %g s, for %d connections", wanted, connections)
            self._before, self.interval = self.interval, wanted
            self._told = 0
            self._crowds.clear()
