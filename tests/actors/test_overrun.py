"""Handlers that do not come to an end are ended; nothing else is, whatever it does and however long it waits."""

from __future__ import annotations

import logging
import os
import re
import signal
import sys
import threading
import time
from collections.abc import Callable
from types import FrameType
from typing import Self

import pytest
import trio

from actors import (
    Actor,
    ActorSpec,
    Address,
    ChangeFailed,
    Crashed,
    Down,
    DynamicSpec,
    Overrun,
    Restart,
    RunawayPolicy,
    StartFailed,
    SupervisorSpec,
    System,
    ask,
    change_code,
    cpu_timer,
    open_system,
    runaways,
)
from tests.actors.common_ground import compute, compute_for_ever
from tests.actors.small_actors import Read, Watch, recorder, tree

LIMIT = 0.02
SHORT = RunawayPolicy(overrun=LIMIT, blocked=None)


class Stuck(Actor):
    """Does not come to an end, each time in another way."""

    __slots__ = ("way",)

    def __init__(self, way: str = "") -> None:
        self.way = way
        if way == "constructor":
            self.spin()

    def started(self) -> None:
        if self.way == "started" and self.address.incarnation == 1:
            self.spin()

    def settled(self) -> None:
        if self.way == "settled" and self.address.incarnation == 1:
            self.spin()

    def stopped(self, reason: object) -> None:
        if self.way == "stopped":
            self.spin()

    def receive(self, message: object) -> None:
        match message:
            case str(way):
                getattr(self, way)()
            case Read(reply_to):
                self.spin()
                reply_to.tell(1)
            case float(seconds):
                time.sleep(seconds)
            case _:
                pass

    def spin(self) -> None:
        while True:
            pass

    def catch_exceptions(self) -> None:
        while True:
            try:
                self.spin()
            except Exception:
                continue

    def catch_everything(self) -> None:
        while True:
            try:
                self.spin()
            except:  # noqa: E722
                continue

    def finally_again(self) -> None:
        try:
            self.spin()
        finally:
            self.spin()

    def in_the_library(self) -> None:
        while True:
            re.split("a+b", "aaaaab" * 3000)
            compute(0.001)

    def in_one_line(self) -> None:
        while True:
            logging.getLogger("quiet").debug("%s", self)

    def in_a_comprehension(self) -> None:
        [compute(0.001) for _ in iter(int, 1)]

    def in_a_generator(self) -> None:
        max(len(re.split("a+b", "aaaaab")) for _ in iter(int, 1))

    def in_a_callback(self) -> None:
        while True:
            sorted(range(100), key=lambda number: -number)

    def behind_a_return(self) -> None:
        return self.behind(compute(2 * LIMIT))

    def behind(self, _: None) -> None:
        self.spin()


WAYS = ["spin", *(name for name in vars(Stuck) if "_" in name and name[0] != "_")]


class Heir(Actor):
    """What a stuck one could become."""

    __slots__ = ()

    @classmethod
    def code_change(cls, old_version: object, state: object) -> Self:
        while True:
            pass


async def until(condition: Callable[[], object]) -> None:
    with trio.fail_after(10):
        while not condition():
            await trio.lowlevel.checkpoint()


def stuck(way: str = "", restart: Restart = Restart.PERMANENT) -> ActorSpec:
    return ActorSpec("stuck", Stuck, (way,), restart, name="stuck")


async def watched(system: System, log: list[object], address: Address) -> None:
    """Have `log` hear of the end of each life of an actor."""
    watcher = system.whereis("recorder")
    assert watcher is not None
    watcher.tell(Watch(address))
    await until(lambda: not system.scheduler.ready)


@pytest.mark.parametrize("way", WAYS)
async def test_whatever_keeps_a_handler_it_is_ended_and_its_actor_restarted(way: str) -> None:
    log: list[object] = []
    async with open_system(tree(stuck(), recorder(log)), runaways=SHORT) as system:
        address = system.whereis("stuck")
        assert address is not None
        await watched(system, log, address)
        address.tell(way)
        address.tell(None)
        await until(lambda: address.statistics().handled == 2)
        assert address.incarnation == 2
    [first, *_] = log
    assert isinstance(first, Down)
    assert isinstance(first.reason, Overrun)
    assert (first.reason.path, first.reason.limit) == ("root/stuck", LIMIT)


@pytest.mark.parametrize("hook", ["started", "settled"])
async def test_a_hook_has_the_same_limit(hook: str) -> None:
    root = SupervisorSpec("root", [DynamicSpec("many", Stuck)])
    async with open_system(root, runaways=SHORT) as system:
        address = system.dynamic("many").start("k", hook)
        address.tell(None)
        await until(lambda: address.incarnation == 2)
        assert (system.dynamic("many").crashes, system.dynamic("many").overruns) == (1, 1)


async def test_one_that_does_not_come_to_its_end_in_order_is_ended() -> None:
    log: list[object] = []
    async with open_system(tree(recorder(log), stuck("stopped")), runaways=SHORT) as system:
        address = system.whereis("stuck")
        assert address is not None
        await watched(system, log, address)
    [down] = log
    assert isinstance(down, Down)
    assert isinstance(down.reason, Overrun)


async def test_a_constructor_that_loops_is_a_failed_start_and_not_the_fault_of_who_started_it() -> None:
    heard: list[object] = []

    class Parent(Actor):
        __slots__ = ()

        def receive(self, message: object) -> None:
            try:
                self.system.dynamic("many").start("k", "constructor")
            except StartFailed as failure:
                heard.append(failure.__cause__)

    root = SupervisorSpec("root", [DynamicSpec("many", Stuck), ActorSpec("parent", Parent, name="parent")])
    async with open_system(root, runaways=SHORT) as system:
        parent = system.whereis("parent")
        assert parent is not None
        parent.tell(None)
        await until(lambda: heard)
        assert system.dynamic("many").find("k") is None
        assert parent.incarnation == 1
    assert isinstance(heard[0], Overrun)


async def test_an_ask_to_one_that_does_not_come_to_an_end_ends_with_its_crash() -> None:
    async with open_system(tree(stuck()), runaways=SHORT) as system:
        address = system.whereis("stuck")
        assert address is not None
        with pytest.raises(Crashed) as crash:
            await ask(address, Read, seconds=10)
    assert isinstance(crash.value.__cause__, Overrun)


async def test_one_that_waits_longer_than_it_may_compute_is_left_alone() -> None:
    """On a busy machine the clock on the wall runs on while nobody computes."""
    async with open_system(tree(stuck()), runaways=SHORT) as system:
        address = system.whereis("stuck")
        assert address is not None
        for _ in range(4):
            address.tell(2 * LIMIT)
        await until(lambda: address.statistics().handled == 4)
        assert address.incarnation == 1


async def test_the_limit_is_for_one_message_and_not_for_a_turn() -> None:
    class Diligent(Actor):
        __slots__ = ()

        def receive(self, message: object) -> None:
            compute(LIMIT / 4)

    async with open_system(tree(ActorSpec("diligent", Diligent, name="diligent")), runaways=SHORT) as system:
        address = system.whereis("diligent")
        assert address is not None
        for _ in range(16):
            address.tell(None)
        await until(lambda: address.statistics().handled == 16)
        assert address.incarnation == 1


async def test_without_a_limit_nothing_is_ended() -> None:
    class Slow(Actor):
        __slots__ = ()

        def receive(self, message: object) -> None:
            until = time.thread_time() + 4 * LIMIT
            while time.thread_time() < until:
                pass

    policy = RunawayPolicy(overrun=None, blocked=None)
    async with open_system(tree(ActorSpec("slow", Slow, name="slow")), runaways=policy) as system:
        address = system.whereis("slow")
        assert address is not None
        address.tell(None)
        await until(lambda: address.statistics().handled)
        assert address.incarnation == 1
        assert system.samples.seconds_of(address) > 0.0


class Guest(Actor):
    """Uses what is not its own for a while."""

    __slots__ = ()

    def receive(self, message: object) -> None:
        match message:
            case float(seconds):
                compute(seconds)
            case None:
                compute_for_ever()


async def test_what_is_not_the_actors_own_is_finished_and_a_handler_that_is_over_then_is_not_ended() -> None:
    async with open_system(tree(ActorSpec("guest", Guest, name="guest")), runaways=SHORT) as system:
        address = system.whereis("guest")
        assert address is not None
        address.tell(4 * LIMIT)
        await until(lambda: address.statistics().handled)
        assert address.incarnation == 1
        assert sys.gettrace() is None


@pytest.mark.parametrize("named", ["tests.actors.common_ground", "tests.actors"])
async def test_an_application_names_what_may_be_interrupted_beside_the_actors_own(named: str) -> None:
    policy = RunawayPolicy(overrun=LIMIT, blocked=None, code=(named,))
    async with open_system(tree(ActorSpec("guest", Guest, name="guest")), runaways=policy) as system:
        address = system.whereis("guest")
        assert address is not None
        address.tell(None)
        await until(lambda: address.incarnation == 2)


@pytest.mark.parametrize("way", ["in_the_library", "catch_everything", "behind_a_return"])
async def test_somebody_elses_tracing_function_is_put_back(way: str) -> None:
    lines = 0

    def count(frame: FrameType, event: str, argument: object) -> None:
        nonlocal lines
        lines += 1

    async with open_system(tree(stuck()), runaways=SHORT) as system:
        address = system.whereis("stuck")
        assert address is not None
        before = sys.gettrace()
        sys.settrace(count)
        try:
            address.tell(way)
            await until(lambda: address.incarnation == 2)
            await trio.lowlevel.checkpoint()
            assert sys.gettrace() is count
        finally:
            sys.settrace(before)


async def test_the_signal_is_given_back_and_taken_again() -> None:
    for _ in range(20):
        async with open_system(tree(stuck()), runaways=SHORT):
            assert signal.getsignal(cpu_timer.SIGNAL) is not signal.SIG_DFL
        assert signal.getsignal(cpu_timer.SIGNAL) is signal.SIG_DFL
    compute(4 * runaways.TICK)  # the default of that signal is to end the process


async def test_a_second_system_at_the_same_time_says_that_it_goes_without(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "actors.overrun")
    async with open_system(tree(), runaways=SHORT), open_system(tree(), runaways=SHORT):
        assert "SIGVTALRM is in use" in caplog.text


def test_in_another_thread_nothing_is_ended_and_the_log_says_so(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "actors.overrun")

    async def main() -> None:
        async with open_system(tree(stuck()), runaways=SHORT):
            await trio.lowlevel.checkpoint()

    thread = threading.Thread(target=trio.run, args=(main,))
    thread.start()
    thread.join()
    assert "signal handlers run in the main thread" in caplog.text
    assert caplog.text.count("overruns are not ended") == 1


async def test_a_change_of_code_that_loops_has_failed_and_the_actor_goes_on_as_it_was() -> None:
    async with open_system(tree(stuck()), runaways=SHORT) as system:
        address = system.whereis("stuck")
        assert address is not None
        with pytest.raises(ChangeFailed) as failure:
            change_code(address, Heir)
        assert isinstance(failure.value.__cause__, Overrun)
        address.tell(None)
        await until(lambda: address.statistics().handled)
        assert address.statistics().actor == "Stuck"


def test_a_forked_child_has_no_timer() -> None:
    parent = os.getpid()

    def die(number: int, frame: FrameType | None) -> None:
        if os.getpid() != parent:  # to fork a large process may take a tick itself
            os._exit(1)

    with cpu_timer.cpu_ticks(runaways.TICK, die):
        child = os.fork()
        if not child:
            compute(4 * runaways.TICK)
            os._exit(0)
        assert os.waitpid(child, 0)[1] == 0
