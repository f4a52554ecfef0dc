"""Garbage: whatever actors do, they leave nothing to the collector.

Each test does something once, to warm up, then again while the collector keeps all it finds, and looks at that.
"""

from __future__ import annotations

import gc
import logging
from collections.abc import Awaitable, Callable

import pytest
import trio

from actors import (
    ActorSpec,
    Address,
    AskFailed,
    Breaker,
    DynamicSpec,
    Inbox,
    Mailbox,
    Restart,
    SupervisorSpec,
    System,
    TaskSpec,
    Threads,
    ask,
    open_system,
)
from tests.actors.small_actors import (
    Add,
    Boom,
    Counter,
    Crash,
    Diary,
    End,
    Ponder,
    Read,
    Recorder,
    Script,
    Unwatch,
    Watch,
    collected,
    quiet,
    recorder,
    tell_script,
)

SOME = range(20)

Doing = Callable[[System], Awaitable[None]]


@pytest.fixture(autouse=True)
def silence(caplog: pytest.LogCaptureFixture) -> None:
    """What is captured keeps the frames of each crash."""
    caplog.set_level(logging.CRITICAL, "actors")


class Quiet(Script):
    """A script that takes anything else as well, and has done nothing with it."""

    __slots__ = ()

    def receive(self, message: object) -> None:
        if callable(message):
            message(self)


THREADS = Threads(2)
LETTERS = Inbox(10_000)


def root() -> SupervisorSpec:
    def many(id: str, start: type, restart: Restart = Restart.TRANSIENT) -> DynamicSpec:
        return DynamicSpec(id, start, restart=restart, breaker=Breaker(1_000_000), mailbox=Mailbox(100))

    return SupervisorSpec(
        "root",
        [
            TaskSpec("threads", THREADS.run),
            recorder([], "watcher"),
            many("recorders", Recorder),
            many("counters", Counter),
            many("diaries", Diary),
            many("scripts", Quiet),
            many("short-lived", Recorder, Restart.TEMPORARY),
        ],
    )


def started(system: System, kind: str, *args: object) -> list[Address]:
    return [system.dynamic(kind).start(number, *args) for number in SOME]


async def end(system: System, *kinds: str) -> None:
    for kind in kinds:
        for child in list(system.dynamic(kind).children()):
            child.urgent(End()) if kind != "scripts" else system.dynamic(kind).stop(child.name)
    await quiet()


async def spawn_and_stop(system: System) -> None:
    for child in started(system, "recorders", []):
        child.tell("hello")
    await end(system, "recorders")


async def crash_and_restart(system: System) -> None:
    for _ in range(3):
        for child in [system.dynamic("diaries").find_or_start(number, []) for number in SOME]:
            child.tell(Crash())
            child.tell("on with it")
        await quiet()
    await end(system, "diaries")


async def crash_for_good(system: System) -> None:
    for child in started(system, "short-lived", []):
        child.tell(Crash())
        child.tell("never received")
    await quiet()


async def watch_and_hear(system: System) -> None:
    watcher = system.whereis("watcher")
    assert watcher is not None
    children = started(system, "recorders", [])
    for child in children:
        watcher.tell(Watch(child))
        child.tell(Watch(watcher))
    await quiet()
    for child in children[::2]:
        child.tell(Crash())
        watcher.tell(Unwatch(child))
    await end(system, "recorders")


async def link_and_fall(system: System) -> None:
    scripts = started(system, "scripts")
    for one, other in zip(scripts[::2], scripts[1::2], strict=True):
        tell_script(one, lambda actor, other=other: actor.link(other))
    await quiet()
    for one in scripts[::2]:
        tell_script(one, lambda _: 1 / 0)
    await quiet()
    await end(system, "scripts")


async def ask_and_be_answered(system: System) -> None:
    for child in started(system, "counters"):
        child.tell(Add())
        assert await ask(child, Read, 1.0) == 1
    await end(system, "counters")


async def ask_and_fail(system: System) -> None:
    async def in_vain(child: Address, seconds: float) -> None:
        with pytest.raises(AskFailed):
            await ask(child, Ponder, seconds)

    children = started(system, "counters")
    async with trio.open_nursery() as nursery:
        for child in children:
            nursery.start_soon(in_vain, child, 0.0)
            nursery.start_soon(in_vain, child, 60.0)
        await quiet()
        for child in children[::2]:
            child.tell(Crash())
        await quiet()
        await end(system, "counters")


async def request(system: System) -> None:
    counters = started(system, "counters")
    for script, counter in zip(started(system, "scripts"), counters, strict=True):
        for question, seconds in ((Read, 1.0), (Ponder, 0.0), (Ponder, 60.0)):
            tell_script(
                script,
                lambda actor, to=counter, question=question, seconds=seconds: actor.send_request(
                    to, question, seconds=seconds
                ),
            )
    await quiet()
    for counter in counters[::2]:
        counter.tell(Crash())
    await end(system, "counters", "scripts")


async def offload(system: System) -> None:
    def broken() -> None:
        raise Boom("disk on fire")

    handled = 0

    def hand_over(actor: Script) -> None:
        actor.offload(THREADS, len, "four", seconds=60.0)
        actor.offload(THREADS, broken, seconds=60.0)

    scripts = started(system, "scripts")
    for script in scripts:
        tell_script(script, hand_over)
    with trio.fail_after(30):
        while handled < 3 * len(scripts):  # noqa: ASYNC110 - a thread sets no event
            await trio.sleep(0.001)
            handled = sum(script.statistics().handled for script in scripts)
    await end(system, "scripts")


async def set_timers(system: System) -> None:
    def set_some(actor: Script) -> None:
        actor.send_after(0.0, "once")
        actor.send_after(3600.0, "never").cancel()
        actor.send_every(3600.0, "never")

    for script in started(system, "scripts"):
        tell_script(script, set_some)
    await quiet()
    await end(system, "scripts")
    system.timers._heap.clear()  # what their ends have left there until its time comes


async def join_and_broadcast(system: System) -> None:
    for child in started(system, "recorders", []):
        system.join("everyone", child)
        system.join(child.name, child)
    assert system.broadcast("everyone", "hello") == len(SOME)
    await quiet()
    await end(system, "recorders")


async def lose_letters(system: System) -> None:
    system.dead_letters.watch(LETTERS)
    for child in started(system, "short-lived", []):
        child.tell(End())
        child.tell("too late")
    await quiet()
    assert LETTERS.take_nowait(10_000)


@pytest.mark.parametrize(
    "do",
    [
        spawn_and_stop,
        crash_and_restart,
        crash_for_good,
        watch_and_hear,
        link_and_fall,
        ask_and_be_answered,
        ask_and_fail,
        request,
        offload,
        set_timers,
        join_and_broadcast,
        lose_letters,
    ],
    ids=lambda do: do.__name__,
)
async def test_nothing_is_left_to_the_collector_by_those_who(do: Doing) -> None:
    async with open_system(root()) as system:
        await do(system)
        with collected() as garbage:
            await do(system)
            gc.collect()
            ours = [type(thing) for thing in garbage if type(thing).__module__.startswith(("actors", "tests.actors"))]
            errors = [thing for thing in garbage if isinstance(thing, BaseException)]
    assert ours == []
    assert not [error for error in errors if isinstance(error, (AskFailed, Boom, ZeroDivisionError))]


async def test_the_test_would_notice() -> None:
    """An actor that refers to itself is left to the collector."""

    class Narcissus(Recorder):
        __slots__ = ("mirror",)

        def started(self) -> None:
            self.mirror = self

    spec = ActorSpec("narcissus", Narcissus, ([],), Restart.TEMPORARY, name="narcissus")
    async with open_system(SupervisorSpec("root", [spec])) as system:
        address = system.whereis("narcissus")
        assert address is not None
        await quiet()
        with collected() as garbage:
            address.tell(End())
            await quiet()
            gc.collect()
            assert any(isinstance(thing, Narcissus) for thing in garbage)
