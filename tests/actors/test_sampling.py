"""Who uses the time: known of those that matter, whoever they are, in bounded space."""

from __future__ import annotations

import time

import pytest
import trio

from actors import Actor, ActorSpec, DynamicSpec, RunawayPolicy, SupervisorSpec, open_system
from actors.sampling import MOST, Samples
from tests.actors.small_actors import Counter, tree


class Busy(Actor):
    """Computes for as long as it is told."""

    __slots__ = ()

    def receive(self, message: object) -> None:
        assert isinstance(message, float)
        until = time.thread_time() + message
        while time.thread_time() < until:
            pass


async def test_the_one_that_uses_the_time_is_seen_by_address_and_by_class() -> None:
    root = tree(ActorSpec("busy", Busy, name="busy"), ActorSpec("quiet", Counter, name="quiet"))
    async with open_system(root, runaways=RunawayPolicy()) as system:
        busy, quiet = system.whereis("busy"), system.whereis("quiet")
        assert busy is not None
        assert quiet is not None
        for _ in range(10):
            busy.tell(0.02)
        with trio.fail_after(10):
            while busy.statistics().handled < 10:
                await trio.lowlevel.checkpoint()
        assert system.samples.seconds_of(busy) == pytest.approx(0.2, rel=0.5)
        [(address, seconds), *_] = system.samples.top(1)
        assert (address, seconds) == (busy, system.samples.seconds_of(busy))
        assert system.samples.top_classes(1) == [("Busy", seconds)]


async def test_those_that_stopped_and_those_that_used_least_are_forgotten() -> None:
    samples = Samples()
    async with open_system(SupervisorSpec("root", [DynamicSpec("many", Counter)])) as system:
        many = system.dynamic("many")
        greedy, stopped = many.start("greedy"), many.start("stopped")
        samples.add(greedy, 5.0)
        samples.add(stopped, 9.0)
        many.stop("stopped")
        with trio.fail_after(10):
            while stopped.alive:
                await trio.lowlevel.checkpoint()
        assert samples.top(2) == [(greedy, 5.0)]
        for number in range(4 * MOST):
            samples.add(many.start(number), 0.01)
            assert len(samples._by_actor) <= 2 * MOST
        assert samples.seconds_of(stopped) == 0.0
        assert samples.seconds_of(greedy) == 5.0
        assert samples.top_classes(3) == [("Counter", pytest.approx(14.0 + 4 * MOST * 0.01))]
