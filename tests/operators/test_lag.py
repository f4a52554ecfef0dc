"""How late the server is: by the clock of the test."""

from __future__ import annotations

import pytest
import trio
import trio.lowlevel
from trio.testing import MockClock

from actors import Actor, ActorSpec, SupervisorSpec, open_system
from server.metrics.histogram import SECONDS, Histogram
from server.operators.lag import EVERY_SECONDS, LagProbe
from server.operators.rounds import LONG_SECONDS, LongRounds


class Sleepy(Actor):
    """Lets seconds pass in one turn."""

    __slots__ = ("_clock",)

    def __init__(self, clock: MockClock) -> None:
        self._clock = clock

    def receive(self, message: object) -> None:
        assert isinstance(message, float)
        self._clock.jump(message)


async def test_it_has_long_rounds_counted_and_no_others() -> None:
    rounds, now = Histogram(SECONDS), [0.0]
    spec = ActorSpec("lag", LagProbe, (Histogram(SECONDS), LongRounds(rounds, lambda: now[0])))
    async with open_system(SupervisorSpec("root", [spec])):
        for seconds in (0.0, LONG_SECONDS / 2, LONG_SECONDS * 2, 0.3):
            await trio.lowlevel.checkpoint()
            now[0] += seconds
            await trio.lowlevel.checkpoint()
    assert sum(rounds.counts) == 2
    assert rounds.total == pytest.approx(LONG_SECONDS * 2 + 0.3)
    now[0] += 1.0
    await trio.lowlevel.checkpoint()
    assert sum(rounds.counts) == 2, "not behind its end"


async def test_it_looks_once_a_second_and_finds_itself_in_time(autojump_clock: MockClock) -> None:
    lag = Histogram(SECONDS)
    async with open_system(SupervisorSpec("root", [ActorSpec("lag", LagProbe, (lag, LongRounds(Histogram(SECONDS))))])):
        await trio.sleep(10 * EVERY_SECONDS + 0.1)
    assert lag.counts[0] == sum(lag.counts) == 10
    assert lag.total < 0.001


async def test_it_is_late_by_what_somebody_else_takes(autojump_clock: MockClock) -> None:
    lag = Histogram(SECONDS)
    children = [
        ActorSpec("lag", LagProbe, (lag, LongRounds(Histogram(SECONDS)))),
        ActorSpec("sleepy", Sleepy, (autojump_clock,), name="sleepy"),
    ]
    async with open_system(SupervisorSpec("root", children)) as system:
        sleepy = system.whereis("sleepy")
        assert sleepy is not None
        await trio.sleep(0.5)
        sleepy.tell(3.0)
        await trio.sleep(0.1)
    assert sum(lag.counts) == 1
    assert 2.4 < lag.total <= 2.6
    assert lag.counts[SECONDS.index(5.0)] == 1
