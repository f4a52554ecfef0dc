"""Garbage: whatever nodes do with each other, they leave nothing to the collector."""

from __future__ import annotations

import gc
import logging
from collections.abc import Awaitable, Callable

import pytest
import trio

from actors import AskFailed, ask
from tests.actors.distribution.small_nodes import Hello, Place, open_places
from tests.actors.small_actors import Add, Crash, End, Ponder, Read, Unwatch, Watch, collected, quiet

Doing = Callable[[Place, Place], Awaitable[None]]


@pytest.fixture(autouse=True)
def silence(caplog: pytest.LogCaptureFixture) -> None:
    """What is captured keeps the frames of each crash."""
    caplog.set_level(logging.CRITICAL, "actors")


async def tell(a: Place, b: Place) -> None:
    """Messages, some of them with an address in it."""
    remote = a.there.address("b", "recorder")
    for _ in range(20):
        remote.tell(1)
        remote.tell(Hello(a.recorder))
    await quiet()
    b.log.clear()


async def ask_in_vain(a: Place, b: Place) -> None:
    """Questions that end in all ways."""
    apples = a.there.address("b", "counters/apples")
    apples.tell(Add())
    assert await ask(apples, Read, 10.0) == 1
    for question, message in ((Ponder, End()), (Ponder, Crash()), (Read, End())):

        async def wait(question: type = question) -> None:
            try:
                await ask(apples, question, 10.0)
            except AskFailed:
                return

        async with trio.open_nursery() as nursery:
            nursery.start_soon(wait)
            await quiet()
            apples.tell(message)
    await quiet()


async def watch(a: Place, b: Place) -> None:
    """Watches that end in all ways."""
    apples = a.there.address("b", "counters/apples")
    for end in (End(), Crash(), None):
        apples.tell(Add())
        a.recorder.tell(Watch(apples))
        await quiet()
        if end is None:
            a.recorder.tell(Unwatch(apples))
        else:
            apples.tell(end)
        await quiet()
    apples.tell(End())
    await quiet()
    a.log.clear()


async def reset(a: Place, b: Place) -> None:
    """A link that is lost with all that hangs on it."""
    a.recorder.tell(Watch(a.there.address("b", "recorder")))
    b.recorder.tell(Watch(b.there.address("a", "recorder")))
    await quiet()
    for here, there in ((a, "b"), (b, "a")):
        here.there.node_down(there)
    for here, there in ((a, "b"), (b, "a")):
        here.there.node_up(there)
    await quiet()
    a.log.clear()
    b.log.clear()


@pytest.mark.parametrize("doing", [tell, ask_in_vain, watch, reset])
async def test_nothing_is_left_to_the_collector(doing: Doing) -> None:
    async with open_places("a", "b") as (_, (a, b)):
        await quiet()
        await doing(a, b)
        with collected() as garbage:
            await doing(a, b)
            gc.collect()
            ours = [type(thing) for thing in garbage if type(thing).__module__.startswith(("actors", "tests.actors"))]
            errors = [thing for thing in garbage if isinstance(thing, BaseException)]
            assert not ours
            assert not errors
