"""Blocking work: an actor hands it over in one line, goes on, and gets a message back."""

from __future__ import annotations

import threading
from collections.abc import Callable

import pytest
import trio
from trio.testing import MockClock

from actors import (
    ActorSpec,
    Address,
    Answer,
    Crashed,
    Intensity,
    NoAnswer,
    Refused,
    Stopped,
    Strategy,
    SupervisorSpec,
    System,
    TaskSpec,
    Threads,
    TimedOut,
    open_system,
)
from actors.ask import Awaited
from actors.threads import Work, _do
from tests.actors.small_actors import Boom, Crash, Script, quiet, recorder, tell_script


class Office(Script):
    """A script that writes down its answers."""

    __slots__ = ("log",)

    def __init__(self, log: list[object]) -> None:
        self.log = log

    def receive(self, message: object) -> None:
        match message:
            case Answer() | NoAnswer() | str():
                self.log.append(message)
            case _:
                super().receive(message)


class Gate:
    """Blocks the threads that call it until it is opened; counts them."""

    def __init__(self) -> None:
        self.entered = threading.Semaphore(0)
        self.inside = 0
        self.most = 0
        self._open = threading.Event()
        self._lock = threading.Lock()

    def pass_through(self, what: str = "passed") -> str:
        with self._lock:
            self.inside += 1
            self.most = max(self.most, self.inside)
        self.entered.release()
        assert self._open.wait(10)
        with self._lock:
            self.inside -= 1
        return what

    def open(self) -> None:
        self._open.set()

    async def until_inside(self, count: int = 1) -> None:
        """Until so many more threads have come to it."""
        for _ in range(count):
            assert await trio.to_thread.run_sync(self.entered.acquire, True, 10)


def office(threads: Threads, log: list[object]) -> SupervisorSpec:
    children = [TaskSpec("threads", threads.run), ActorSpec("office", Office, (log,), name="office")]
    return SupervisorSpec("root", children, intensity=Intensity(100))


def the(system: System) -> Address:
    address = system.whereis("office")
    assert address is not None
    return address


def hand_over(
    system: System, threads: Threads, work: Callable[[], object], label: object = "w", seconds: float = 10.0
) -> None:
    tell_script(the(system), lambda actor: actor.offload(threads, work, seconds=seconds, label=label))


async def until(condition: Callable[[], object]) -> None:
    """Until something that other threads have to do has come true."""
    with trio.fail_after(10):
        while not condition():  # noqa: ASYNC110 - a thread sets no event
            await trio.sleep(0.001)


async def test_the_result_comes_as_a_message_and_the_actor_goes_on_meanwhile() -> None:
    log: list[object] = []
    threads, gate = Threads(1), Gate()
    async with open_system(office(threads, log)) as system:
        hand_over(system, threads, gate.pass_through)
        await gate.until_inside()
        the(system).tell("something else")
        await until(lambda: log)
        assert log == ["something else"]
        gate.open()
        await until(lambda: len(log) == 2)
    assert log[1] == Answer("w", "passed")


async def test_the_function_gets_its_arguments_and_runs_in_another_thread() -> None:
    log: list[object] = []
    threads = Threads(1)

    def where(*parts: object) -> tuple[object, ...]:
        return (threading.current_thread() is threading.main_thread(), *parts)

    async with open_system(office(threads, log)) as system:
        tell_script(the(system), lambda actor: actor.offload(threads, where, 1, "two", seconds=10.0))
        await until(lambda: log)
    assert log == [Answer(None, (False, 1, "two"))]


async def test_what_the_function_raises_is_an_answer_and_no_crash() -> None:
    log: list[object] = []
    threads = Threads(1)

    def broken() -> None:
        raise Boom("disk on fire")

    async with open_system(office(threads, log)) as system:
        hand_over(system, threads, broken)
        await until(lambda: log)
        hand_over(system, threads, lambda: "still there")
        await until(lambda: len(log) == 2)
        assert the(system).incarnation == 1
        assert system.describe().children[0].restarts == 0
    failed, answered = log
    assert isinstance(failed, NoAnswer)
    assert (failed.label, type(failed.failure)) == ("w", Crashed)
    assert isinstance(failed.failure.__cause__, Boom)
    assert failed.failure.__cause__.__traceback__ is None
    assert answered == Answer("w", "still there")


async def test_no_more_threads_than_it_has_and_no_more_waiting_than_it_holds() -> None:
    log: list[object] = []
    threads, gate = Threads(2, waiting=3), Gate()
    async with open_system(office(threads, log)) as system:
        for label in range(2):
            hand_over(system, threads, gate.pass_through, label)
        await gate.until_inside(2)
        for label in range(2, 7):
            hand_over(system, threads, gate.pass_through, label)
        await until(lambda: len(log) == 2)
        assert [(entry.label, type(entry.failure)) for entry in log if isinstance(entry, NoAnswer)] == [
            (5, Refused),
            (6, Refused),
        ]
        assert threads.statistics().waiting == 3
        gate.open()
        await until(lambda: len(log) == 7)
    assert {entry.label for entry in log if isinstance(entry, Answer)} == {0, 1, 2, 3, 4}
    assert gate.most == 2


async def test_each_has_a_limit_of_its_own() -> None:
    log: list[object] = []
    slow, quick, gate = Threads(1), Threads(1), Gate()
    root = office(slow, log)
    async with open_system(SupervisorSpec("root", [TaskSpec("quick", quick.run), *root.children])) as system:
        hand_over(system, slow, gate.pass_through, "slow")
        await gate.until_inside()
        hand_over(system, quick, lambda: "done", "quick")
        await until(lambda: log)
        assert log == [Answer("quick", "done")]
        assert trio.to_thread.current_default_thread_limiter().borrowed_tokens == 0, "nor do they take trio's"
        gate.open()


async def test_work_that_takes_too_long_ends_by_its_deadline_and_its_result_is_dropped(mock_clock: MockClock) -> None:
    mock_clock.rate = 1.0
    log: list[object] = []
    threads, gate = Threads(1), Gate()
    async with open_system(office(threads, log)) as system:
        hand_over(system, threads, gate.pass_through, seconds=100.0)
        await gate.until_inside()
        mock_clock.jump(100.0)
        await until(lambda: log)
        gate.open()
        hand_over(system, threads, lambda: "next", "next")
        await until(lambda: len(log) == 2)
    assert [type(entry.failure) for entry in log if isinstance(entry, NoAnswer)] == [TimedOut]
    assert log[1] == Answer("next", "next")


async def test_work_that_nobody_waits_for_any_more_is_not_begun(mock_clock: MockClock) -> None:
    mock_clock.rate = 1.0
    log: list[object] = []
    threads, gate = Threads(1), Gate()
    begun: list[str] = []
    async with open_system(office(threads, log)) as system:
        hand_over(system, threads, gate.pass_through, "first", seconds=1000.0)
        await gate.until_inside()
        hand_over(system, threads, lambda: begun.append("too late"), "too late", seconds=100.0)
        await until(lambda: threads.statistics().waiting)
        mock_clock.jump(100.0)
        await until(lambda: log)
        gate.open()
        hand_over(system, threads, lambda: begun.append("last"), "last")
        await until(lambda: begun)
    assert begun == ["last"]


async def test_a_result_for_a_former_life_is_dropped() -> None:
    log: list[object] = []
    threads, gate = Threads(1), Gate()
    async with open_system(office(threads, log)) as system:
        hand_over(system, threads, gate.pass_through, "of a former life")
        await gate.until_inside()
        tell_script(the(system), lambda _: 1 / 0)
        await until(lambda: the(system).incarnation == 2)
        gate.open()
        hand_over(system, threads, lambda: 1, "of this one")
        await until(lambda: log)
    assert log == [Answer("of this one", 1)]


async def test_what_is_begun_is_finished_before_the_task_stops() -> None:
    """A thread cannot be killed, and one that is left alone would outlive its supervisor."""
    log: list[object] = []
    finished: list[str] = []
    threads, gate = Threads(1), Gate()
    async with open_system(office(threads, log)) as system:
        hand_over(system, threads, lambda: finished.append(gate.pass_through()))
        await gate.until_inside()
        system._root.stop()
        await quiet()
        assert finished == []
        gate.open()
    assert finished == ["passed"]


async def test_what_waits_is_done_by_the_next_run_of_the_task() -> None:
    log: list[object] = []
    threads, gate = Threads(1), Gate()
    children = [recorder([], "fragile"), *office(threads, log).children[:1]]
    root = SupervisorSpec(
        "root", [SupervisorSpec("pair", children, Strategy.ONE_FOR_ALL), *office(threads, log).children[1:]]
    )
    async with open_system(root) as system:
        fragile = system.whereis("fragile")
        assert fragile is not None
        hand_over(system, threads, gate.pass_through, "begun")
        await gate.until_inside()
        hand_over(system, threads, lambda: "done", "waits")
        fragile.tell(Crash())
        await quiet()
        gate.open()
        await until(lambda: len(log) == 2)
        assert fragile.incarnation == 2
    assert log == [Answer("begun", "passed"), Answer("waits", "done")]


async def test_work_that_was_taken_and_not_begun_when_the_task_is_cancelled_has_an_ending_too() -> None:
    reply: Awaited[str] = Awaited()
    with trio.CancelScope() as scope:
        scope.cancel()
        await _do(Work(lambda: "never", reply), trio.CapacityLimiter(1))
    with pytest.raises(Stopped):
        await reply.wait(1.0)


def test_it_says_how_it_is() -> None:
    assert repr(Threads(3, waiting=7)) == "<Threads 3, <Inbox 0 of 7>>"


async def test_only_work_is_done() -> None:
    threads = Threads(1)
    threads.tell("not work")
    with pytest.raises(ExceptionGroup) as failure:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(threads._serve, trio.CapacityLimiter(1))
    assert failure.group_contains(AssertionError)
