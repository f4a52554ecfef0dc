"""The supervisor of a fixed list of children: order, strategies, intensity, backoff, escalation, stop."""

from __future__ import annotations

import gc
import logging
import sys
from collections.abc import Awaitable, Callable
from dataclasses import replace

import pytest
import trio
import trio.lowlevel
from trio.testing import MockClock, wait_all_tasks_blocked

from actors import (
    SHUTDOWN,
    ActorSpec,
    Address,
    Backoff,
    Budget,
    ChildCount,
    ChildSpec,
    Down,
    DynamicSpec,
    Intensity,
    Restart,
    RootGaveUp,
    StartTimedOut,
    Strategy,
    SupervisorSpec,
    System,
    TaskContext,
    TaskSpec,
    ask,
    open_system,
    run,
)
from tests.actors.small_actors import (
    PATIENT,
    Add,
    Boom,
    Counter,
    Crash,
    Diary,
    End,
    Read,
    Recorder,
    Script,
    Watch,
    collected,
    quiet,
    recorder,
)


def named(system: System, name: str) -> Address:
    address = system.whereis(name)
    assert address is not None
    return address


class Noted(Recorder):
    """Notes its start and its orderly stop, by name, in a log shared by siblings."""

    __slots__ = ("name",)

    def __init__(self, name: str, log: list[object]) -> None:
        super().__init__(log)
        self.name = name

    def started(self) -> None:
        self.log.append(f"{self.name} started")

    def stopped(self, reason: object) -> None:
        self.log.append(f"{self.name} stopped")


def noted(name: str, log: list[object], restart: Restart = Restart.PERMANENT) -> ActorSpec:
    return ActorSpec(name, Noted, (name, log), restart, name=name)


def noted_task(name: str, log: list[object]) -> TaskSpec:
    async def task(context: TaskContext) -> None:
        log.append(f"{name} started")
        context.started()
        try:
            await trio.sleep_forever()
        finally:
            log.append(f"{name} stopped")

    return TaskSpec(name, task)


def failing_task(name: str, times: int, then: Callable[[TaskContext], Awaitable[None]] | None = None) -> TaskSpec:
    """A task that is ready and then raises, so many times; after that it stays."""
    runs = 0

    async def task(context: TaskContext) -> None:
        nonlocal runs
        runs += 1
        context.started()
        if runs <= times:
            raise Boom(f"run {runs}")
        await trio.sleep_forever()

    return TaskSpec(name, task)


async def test_children_start_in_order_and_stop_in_reverse_actors_and_tasks_alike() -> None:
    log: list[object] = []
    children: list[ChildSpec] = [
        noted("a", log),
        noted_task("b", log),
        SupervisorSpec("c", [noted("d", log)]),
        noted("e", log),
    ]
    async with open_system(SupervisorSpec("root", children)):
        assert log == ["a started", "b started", "d started", "e started"]
        log.clear()
    assert log == ["e stopped", "d stopped", "b stopped", "a stopped"]


async def test_the_next_child_starts_only_when_the_one_before_it_is_ready() -> None:
    log: list[object] = []
    go = trio.Event()

    async def slow(context: TaskContext) -> None:
        await go.wait()
        log.append("slow is ready")
        context.started()
        await trio.sleep_forever()

    async with trio.open_nursery() as nursery:
        nursery.start_soon(run_quietly, SupervisorSpec("root", [TaskSpec("slow", slow), noted("next", log)]))
        await quiet()
        assert log == []
        go.set()
        await quiet()
        assert log == ["slow is ready", "next started"]
        nursery.cancel_scope.cancel()


async def run_quietly(root: SupervisorSpec) -> None:
    await run(root, freeze=None)


async def test_a_crashed_actor_is_restarted_without_its_state_and_with_its_mailbox() -> None:
    root = SupervisorSpec("root", [ActorSpec("counter", Counter, (10,), name="counter")])
    async with open_system(root) as system:
        counter = named(system, "counter")
        for message in (Add(5), Crash(), Add(1)):
            counter.tell(message)
        assert await ask(counter, Read, 1.0) == 11


async def test_a_crashed_task_is_run_again() -> None:
    async with open_system(SupervisorSpec("root", [failing_task("flaky", 1)])) as system:
        await quiet()
        assert system.describe().children[0].restarts == 1


@pytest.mark.parametrize(
    ("strategy", "what_follows"),
    [
        (Strategy.ONE_FOR_ONE, ["b started"]),
        (Strategy.REST_FOR_ONE, ["d stopped", "c stopped", "b started", "c started", "d started"]),
        (
            Strategy.ONE_FOR_ALL,
            ["d stopped", "c stopped", "a stopped", "a started", "b started", "c started", "d started"],
        ),
    ],
)
async def test_the_strategy_decides_who_falls_with_a_child(strategy: Strategy, what_follows: list[object]) -> None:
    log: list[object] = []
    children: list[ChildSpec] = [noted("a", log), noted("b", log), noted_task("c", log), noted("d", log)]
    async with open_system(SupervisorSpec("root", children, strategy)) as system:
        log.clear()
        named(system, "b").tell(Crash())
        await quiet()
        assert log == what_follows


async def test_two_that_fall_together_are_one_restart() -> None:
    log: list[object] = []
    root = SupervisorSpec("root", [noted("a", log), noted("b", log)], Strategy.ONE_FOR_ALL, Intensity(1))
    async with open_system(root) as system:
        log.clear()
        named(system, "a").tell(Crash())
        named(system, "b").tell(Crash())
        await quiet()
        assert log == ["a started", "b started"]


async def test_a_task_that_fails_its_restart_is_one_more_crash_and_not_two() -> None:
    runs = 0

    async def fails_twice(context: TaskContext) -> None:
        nonlocal runs
        runs += 1
        if runs == 2:
            raise Boom("not ready yet")
        context.started()
        if runs == 1:
            raise Boom("down")
        await trio.sleep_forever()

    async with open_system(SupervisorSpec("root", [TaskSpec("t", fails_twice)], intensity=Intensity(2))) as system:
        await quiet()
        assert runs == 3
        assert system.describe().children[0].state == "running"


async def test_addresses_and_mailboxes_outlive_a_restart_by_strategy() -> None:
    log: list[object] = []
    children = [noted("a", log), noted("b", log)]
    async with open_system(SupervisorSpec("root", children, Strategy.ONE_FOR_ALL)) as system:
        a, b = named(system, "a"), named(system, "b")
        a.tell(Crash())
        await trio.lowlevel.checkpoint()
        b.tell("told while it was down, or about to be")
        await quiet()
        assert named(system, "b") is b
        assert b.incarnation == 2
        assert "told while it was down, or about to be" in log


@pytest.mark.parametrize("strategy", Strategy)
async def test_a_temporary_child_is_never_restarted_by_no_strategy_be_it_an_actor_or_a_task(
    strategy: Strategy,
) -> None:
    log: list[object] = []
    task = replace(noted_task("task", log), restart=Restart.TEMPORARY)
    children = [noted("a", log), noted("t", log, Restart.TEMPORARY), task, noted("z", log)]
    async with open_system(SupervisorSpec("root", children, strategy)) as system:
        named(system, "a").tell(Crash())
        await quiet()
        restarted = strategy is not Strategy.ONE_FOR_ONE
        assert log.count("a started") == 2
        assert log.count("z started") == 1 + restarted
        assert log.count("t started") == log.count("task started") == 1
        assert (system.whereis("t") is None) == restarted, "it falls with the others all the same"


async def test_a_temporary_child_that_crashed_is_gone_and_no_restart_of_its_siblings_brings_it_back() -> None:
    log: list[object] = []
    children = [noted("a", log), noted("t", log, Restart.TEMPORARY)]
    async with open_system(SupervisorSpec("root", children, Strategy.ONE_FOR_ALL)) as system:
        named(system, "t").tell(Crash())
        await quiet()
        assert log == ["a started", "t started"], "its own end restarts nobody"
        named(system, "a").tell(Crash())
        await quiet()
        assert log == ["a started", "t started", "a started"]


async def test_a_transient_child_that_had_ended_is_started_again_when_all_are() -> None:
    """As in OTP: it is started with its siblings, because they are made to work together."""
    log: list[object] = []
    children = [noted("a", log), noted("t", log, Restart.TRANSIENT)]
    async with open_system(SupervisorSpec("root", children, Strategy.ONE_FOR_ALL)) as system:
        named(system, "t").tell(End())
        await quiet()
        assert system.whereis("t") is None
        named(system, "a").tell(Crash())
        await quiet()
        assert log.count("t started") == 2
        assert named(system, "t").alive


async def test_the_children_of_a_supervisor_are_listed_and_counted() -> None:
    """OTP's `which_children` and `count_children`."""
    children: list[ChildSpec] = [
        noted("a", []),
        noted("gone", [], Restart.TEMPORARY),
        noted_task("b", []),
        SupervisorSpec("c", [noted("d", [])]),
        DynamicSpec("many", Counter),
    ]
    async with open_system(SupervisorSpec("root", children)) as system:
        named(system, "gone").tell(End())
        for key in range(100):
            system.dynamic("many").start(key)
        await quiet()
        root = system.describe(most=3)
        assert [(child.id, child.kind, child.state) for child in root.children] == [
            ("a", "actor", "resting"),
            ("gone", "actor", "stopped"),
            ("b", "task", "running"),
            ("c", "supervisor", "running"),
            ("many", "dynamic", "running"),
        ]
        assert root.count() == ChildCount(specs=5, active=4, supervisors=2, workers=3)
        assert root.children[-1].count() == ChildCount(specs=100, active=100, supervisors=0, workers=100)
        assert len(system.dynamic("many")) == 100
        assert {child.name for child in system.dynamic("many").children()} == set(range(100))


async def test_a_transient_child_is_restarted_after_a_crash_and_not_after_an_orderly_end() -> None:
    log: list[object] = []
    async with open_system(SupervisorSpec("root", [noted("t", log, Restart.TRANSIENT)])) as system:
        named(system, "t").tell(Crash())
        await quiet()
        named(system, "t").tell(End())
        await quiet()
        assert log == ["t started", "t started", "t stopped"]
        assert system.whereis("t") is None


async def test_a_permanent_child_is_restarted_however_it_ended() -> None:
    log: list[object] = []
    async with open_system(SupervisorSpec("root", [noted("p", log)])) as system:
        named(system, "p").tell(End())
        await quiet()
        assert log == ["p started", "p stopped", "p started"]


async def test_one_restart_too_many_and_the_supervisor_gives_up() -> None:
    log: list[object] = []
    with pytest.raises(RootGaveUp) as failure:
        async with open_system(SupervisorSpec("root", [noted("a", log), failing_task("bad", 2)])):
            await trio.sleep_forever()
    assert failure.value.path == "root/bad"
    assert isinstance(failure.value.__cause__, Boom)
    assert log == ["a started", "a stopped"], "the others were stopped in order"


async def test_restarts_outside_the_window_do_not_add_up(autojump_clock: MockClock) -> None:
    root = SupervisorSpec("root", [ActorSpec("a", Recorder, ([],), name="a")], intensity=Intensity(1, 5.0))
    async with open_system(root) as system:
        for _ in range(5):
            named(system, "a").tell(Crash())
            await trio.sleep(5.1)
        assert named(system, "a").incarnation == 6


async def test_a_supervisor_that_gives_up_is_a_crashed_child_of_its_supervisor() -> None:
    log: list[object] = []
    inner = SupervisorSpec("inner", [noted("sibling", log), failing_task("bad", 2)])
    async with open_system(SupervisorSpec("root", [inner])) as system:
        await quiet()
        assert log == ["sibling started", "sibling stopped", "sibling started"]
        (node,) = system.describe().children
        assert (node.state, node.restarts) == ("running", 1)


async def test_escalation_reaches_the_root_with_the_name_of_the_deepest_child() -> None:
    inner = SupervisorSpec("inner", [failing_task("bad", 100)])
    with pytest.raises(RootGaveUp) as failure:
        async with open_system(SupervisorSpec("root", [SupervisorSpec("middle", [inner])])):
            await trio.sleep_forever()
    assert failure.value.path == "root/middle/inner/bad"
    assert isinstance(failure.value.__cause__, Boom)


async def test_a_life_of_a_supervisor_that_is_over_leaves_nothing_to_the_collector(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.CRITICAL, "actors.supervisor")  # what is captured keeps the frames of each crash
    times = 0

    async def bad(context: TaskContext) -> None:
        nonlocal times
        times += 1
        context.started()
        if times <= 4:
            raise Boom("again")
        await trio.sleep_forever()

    inner = SupervisorSpec("inner", [noted("a", []), TaskSpec("bad", bad)], intensity=Intensity(0))
    with collected() as garbage:
        async with open_system(SupervisorSpec("root", [inner], intensity=PATIENT)) as system:
            await quiet()
            assert system.describe().children[0].restarts == 4
            gc.collect()
            ours = [type(thing) for thing in garbage if type(thing).__module__.startswith("actors")]
    assert ours == []


async def test_a_child_that_cannot_start_fails_the_start_and_is_named() -> None:
    log: list[object] = []

    async def bad(_: TaskContext) -> None:
        raise Boom("port in use")

    with pytest.raises(RootGaveUp) as failure:
        async with open_system(SupervisorSpec("root", [noted("a", log), TaskSpec("bad", bad), noted("c", log)])):
            raise AssertionError("never ready")
    assert failure.value.path == "root/bad"
    assert str(failure.value) == "root/bad failed to start"
    assert isinstance(failure.value.__cause__, Boom)
    assert log == ["a started", "a stopped"]


async def test_a_child_that_is_not_ready_in_time_fails_the_start_and_is_named(autojump_clock: MockClock) -> None:
    async def never_ready(_: TaskContext) -> None:
        await trio.sleep_forever()

    with pytest.raises(RootGaveUp) as failure:
        async with open_system(SupervisorSpec("root", [TaskSpec("slow", never_ready, start_timeout=3.0)])):
            raise AssertionError("never ready")
    assert failure.value.path == "root/slow"
    assert str(failure.value) == "root/slow was not ready within 3 s"
    assert isinstance(failure.value.__cause__, StartTimedOut)
    assert trio.current_time() >= 3.0


async def test_an_actor_that_crashes_in_started_fails_the_start() -> None:
    class Unlucky(Recorder):
        __slots__ = ()

        def started(self) -> None:
            raise Boom("at once")

    with pytest.raises(RootGaveUp) as failure:
        async with open_system(SupervisorSpec("root", [ActorSpec("unlucky", Unlucky, ([],))])):
            raise AssertionError("never ready")
    assert failure.value.path == "root/unlucky"
    assert isinstance(failure.value.__cause__, Boom)


async def test_an_actor_that_cannot_be_made_fails_the_start() -> None:
    def broken() -> Recorder:
        raise Boom("no parts")

    with pytest.raises(RootGaveUp) as failure:
        async with open_system(SupervisorSpec("root", [ActorSpec("broken", broken)])):
            raise AssertionError("never ready")
    assert isinstance(failure.value.__cause__, Boom)


async def test_an_actor_that_ends_in_started_has_started() -> None:
    class Brief(Recorder):
        __slots__ = ()

        def started(self) -> None:
            self.stop()

    root = SupervisorSpec("root", [ActorSpec("brief", Brief, ([],), Restart.TEMPORARY)])
    async with open_system(root) as system:
        await quiet()
        assert system.describe().children[0].state == "stopped"


async def test_a_start_that_fails_at_a_restart_is_tried_again_until_the_intensity_is_exceeded() -> None:
    starts = 0

    def third_time_lucky() -> Recorder:
        nonlocal starts
        starts += 1
        if starts in (2, 3):
            raise Boom(f"start {starts}")
        return Recorder([])

    root = SupervisorSpec("root", [ActorSpec("a", third_time_lucky, name="a")], intensity=Intensity(3, 5.0))
    async with open_system(root) as system:
        a = named(system, "a")
        a.tell(Crash())
        await quiet()
        assert starts == 4
        assert a.incarnation == 2


async def test_a_supervisor_whose_child_cannot_start_fails_the_start_of_its_own_supervisor() -> None:
    async def bad(_: TaskContext) -> None:
        raise Boom("no database")

    inner = SupervisorSpec("inner", [TaskSpec("bad", bad)])
    with pytest.raises(RootGaveUp) as failure:
        async with open_system(SupervisorSpec("root", [inner])):
            raise AssertionError("never ready")
    assert failure.value.path == "root/inner/bad"
    assert isinstance(failure.value.__cause__, Boom)


async def test_restarts_wait_for_their_backoff_and_others_do_not_wait_for_them(autojump_clock: MockClock) -> None:
    children = [ActorSpec(name, Recorder, ([],), name=name) for name in ("slow", "other")]
    root = SupervisorSpec("root", children, intensity=PATIENT, backoff=Backoff(10.0, 1.0, 10.0))
    async with open_system(root) as system:
        slow, other = named(system, "slow"), named(system, "other")
        slow.tell(Crash())
        await trio.sleep(5.0)
        assert slow.incarnation == 1
        assert slow.tell("waits for the next life")
        other.tell(Crash())
        await trio.sleep(5.1)
        assert slow.incarnation == 2
        assert other.incarnation == 1
        await trio.sleep(5.0)
        assert other.incarnation == 2


async def test_a_stop_during_a_backoff_does_not_wait_for_it(autojump_clock: MockClock) -> None:
    root = SupervisorSpec("root", [ActorSpec("a", Recorder, ([],), name="a")], backoff=Backoff(1000.0, 1.0, 1000.0))
    async with open_system(root) as system:
        named(system, "a").tell(Crash())
        await trio.sleep(1.0)
    assert trio.current_time() < 10.0


async def test_a_task_that_will_not_stop_is_killed_when_its_time_is_up(
    autojump_clock: MockClock, caplog: pytest.LogCaptureFixture
) -> None:
    log: list[object] = []

    async def stubborn(context: TaskContext) -> None:
        context.started()
        try:
            await trio.sleep_forever()
        finally:
            with context.finishing():
                await trio.sleep(1_000)
                log.append("never")

    root = SupervisorSpec("root", [noted("a", log), TaskSpec("stubborn", stubborn, shutdown=2.0)])
    async with open_system(root):
        log.clear()
    assert log == ["a stopped"]
    assert 2.0 <= trio.current_time() < 3.0
    assert "root/stubborn did not stop within 2 s: killed" in caplog.text


async def test_a_task_may_finish_what_it_has_begun_within_its_time(autojump_clock: MockClock) -> None:
    log: list[object] = []

    async def careful(context: TaskContext) -> None:
        context.started()
        try:
            await trio.sleep_forever()
        finally:
            with context.finishing():
                await trio.sleep(1.5)
                log.append("flushed")

    async with open_system(SupervisorSpec("root", [TaskSpec("careful", careful, shutdown=2.0)])):
        pass
    assert log == ["flushed"]


async def test_an_actor_whose_turn_to_stop_does_not_come_in_time_is_killed(
    mock_clock: MockClock, caplog: pytest.LogCaptureFixture
) -> None:
    """Its hook does not run; its watchers hear of its end all the same."""
    log: list[object] = []
    pair = [recorder([], "trigger"), ActorSpec("script", Script, name="script", shutdown=2.0)]
    root = SupervisorSpec("root", [recorder(log, "watcher"), SupervisorSpec("pair", pair, Strategy.ONE_FOR_ALL)])
    async with open_system(root, budget=Budget(seconds=0.0)) as system:
        script = named(system, "script")
        named(system, "watcher").tell(Watch(script))
        await quiet()
        named(system, "trigger").tell(Crash())
        for _ in range(100):
            script.urgent(lambda _: mock_clock.jump(1.0))
        await wait_all_tasks_blocked()
        assert "root/pair/script did not stop within 2 s: killed" in caplog.text
        assert log == [Down(script, 1, SHUTDOWN)]
        assert script.incarnation == 2
        assert script.statistics().state == "resting"


async def test_a_shutdown_of_no_seconds_kills_at_once() -> None:
    log: list[object] = []
    async with open_system(SupervisorSpec("root", [ActorSpec("diary", Diary, (log,), shutdown=0.0)])):
        await quiet()
        log.clear()
    assert log == []


async def test_a_step_that_has_to_be_over_before_the_next_child_is_a_task_that_returns() -> None:
    log: list[object] = []

    async def migrate(_: TaskContext) -> None:
        await trio.lowlevel.checkpoint()
        log.append("migrated")

    root = SupervisorSpec("root", [TaskSpec("migrate", migrate, Restart.TEMPORARY), noted("after", log)])
    async with open_system(root):
        assert log == ["migrated", "after started"]


async def test_a_stop_while_children_still_start_stops_those_that_have() -> None:
    log: list[object] = []

    async def never_ready(_: TaskContext) -> None:
        try:
            await trio.sleep_forever()
        finally:
            log.append("slow stopped")

    root = SupervisorSpec("root", [noted("a", log), TaskSpec("slow", never_ready)])
    async with trio.open_nursery() as nursery:
        nursery.start_soon(run_quietly, root)
        await quiet()
        nursery.cancel_scope.cancel()
    assert log == ["a started", "slow stopped", "a stopped"]


async def test_a_task_that_crashes_inside_its_own_nursery_is_one_crash() -> None:
    async def with_children(context: TaskContext) -> None:
        async def child() -> None:
            raise Boom("deep inside")

        context.started()
        async with trio.open_nursery() as nursery:
            nursery.start_soon(child)
            nursery.start_soon(trio.sleep_forever)

    with pytest.raises(RootGaveUp) as failure:
        async with open_system(SupervisorSpec("root", [TaskSpec("parent", with_children)], intensity=Intensity(0))):
            await trio.sleep_forever()
    assert isinstance(failure.value.__cause__, ExceptionGroup)


@pytest.mark.parametrize("id", ["a"])
def test_siblings_have_ids_of_their_own(id: str) -> None:
    with pytest.raises(ValueError, match="several children called a"):
        SupervisorSpec("root", [ActorSpec(id, Recorder), DynamicSpec(id, Recorder)])


def test_dynamic_supervisors_have_ids_of_their_own_in_the_whole_tree() -> None:
    inner = SupervisorSpec("inner", [DynamicSpec("many", Recorder)])
    with pytest.raises(ValueError, match="several dynamic supervisors called many"):
        System(SupervisorSpec("root", [DynamicSpec("many", Recorder), inner]))


DOOMED = """
import logging
import trio
from actors import Actor, ActorSpec, SupervisorSpec, run

class Doomed(Actor):
    def started(self):
        self.send_after(0.001, "crash")

    def receive(self, message):
        raise ValueError("doomed")

logging.getLogger("actors").setLevel(logging.CRITICAL)
inner = SupervisorSpec("inner", [ActorSpec("doomed", Doomed)])
trio.run(run, SupervisorSpec("root", [inner]))
"""


async def test_when_the_root_gives_up_the_process_ends_and_not_with_zero() -> None:
    with trio.fail_after(60):
        process = await trio.run_process([sys.executable, "-c", DOOMED], check=False, capture_stderr=True)
    assert process.returncode == 1
    last = process.stderr.decode().splitlines()[-1]
    assert "RootGaveUp: root/inner/doomed ended more than 1 times in 5 s" in process.stderr.decode(), last
