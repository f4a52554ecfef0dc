"""How late the server is: by the clock of the test."""

from __future__ import annotations

import trio
from trio.testing import MockClock

from actors import Actor, ActorSpec, SupervisorSpec, open_system
from server.metrics.histogram import SECONDS, Histogram
from server.operators.lag import EVERY_SECONDS, LagProbe


class Sleepy(Actor):
    """Lets seconds pass in one turn."""

    __slots__ = ("_clock",)

    def __init__(self, clock: MockClock) -> None:
        self._clock = clock

    def receive(self, message: object) -> None:
        assert isinstance(message, float)
        self._clock.jump(message)


async def test_it_looks_once_a_second_and_finds_itself_in_time(autojump_clock: MockClock) -> None:
    lag = Histogram(SECONDS)
    async with open_system(SupervisorSpec("root", [ActorSpec("lag", LagProbe, (lag,))])):
        await trio.sleep(10 * EVERY_SECONDS + 0.1)
    assert lag.counts[0] == sum(lag.counts) == 10
    assert lag.total < 0.001


async def test_it_is_late_by_what_somebody_else_takes(autojump_clock: MockClock) -> None:
    lag = Histogram(SECONDS)
    children = [ActorSpec("lag", LagProbe, (lag,)), ActorSpec("sleepy", Sleepy, (autojump_clock,), name="sleepy")]
    async with open_system(SupervisorSpec("root", children)) as system:
        sleepy = system.whereis("sleepy")
        assert sleepy is not None
        await trio.sleep(0.5)
        sleepy.tell(3.0)
        await trio.sleep(0.1)
    assert sum(lag.counts) == 1
    assert 2.4 < lag.total <= 2.6
    assert lag.counts[SECONDS.index(5.0)] == 1
