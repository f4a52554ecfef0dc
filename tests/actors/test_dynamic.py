"""The dynamic supervisor: children by key, breakers and quarantine, limits, concurrent shutdown."""

from __future__ import annotations

import pytest
import trio
from trio.testing import MockClock

from actors import (
    Actor,
    ActorSpec,
    AlreadyStarted,
    Backoff,
    Breaker,
    Budget,
    ChildSpec,
    Down,
    Dynamic,
    DynamicSpec,
    Intensity,
    MaxChildren,
    NotRunning,
    Quarantined,
    Restart,
    RootGaveUp,
    StartFailed,
    Stopped,
    Strategy,
    SupervisorSpec,
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
    Watch,
    quiet,
    recorder,
)

BREAKER = Breaker(crashes=3, window=10.0, backoff=Backoff(1.0, 2.0, 60.0))


def counters(
    restart: Restart = Restart.TRANSIENT, breaker: Breaker | None = BREAKER, max_children: int | None = None
) -> SupervisorSpec:
    many = DynamicSpec("many", Counter, restart=restart, breaker=breaker, max_children=max_children)
    return SupervisorSpec("root", [many], intensity=Intensity(0))


async def crash(many: Dynamic, key: object, times: int) -> None:
    for _ in range(times):
        child = many.find(key)
        assert child is not None
        child.tell(Crash())
        await quiet()


async def test_a_child_is_found_by_its_key_and_started_with_its_arguments() -> None:
    async with open_system(counters()) as system:
        many = system.dynamic("many")
        child = many.start("k", 7)
        assert many.find("k") is child
        assert many.find("other") is None
        assert await ask(child, Read, 1.0) == 7
        assert child.path == "root/many/k"


async def test_two_who_find_or_start_get_the_same_child() -> None:
    async with open_system(counters()) as system:
        many = system.dynamic("many")
        assert many.find_or_start("k", 1) is many.find_or_start("k", 2)
        assert len(many) == 1
        assert list(many.children()) == [many.find("k")]


async def test_to_start_a_key_twice_is_refused_with_the_one_that_runs() -> None:
    async with open_system(counters()) as system:
        child = system.dynamic("many").start("k")
        with pytest.raises(AlreadyStarted) as refusal:
            system.dynamic("many").start("k")
        assert refusal.value.address is child


async def test_an_actor_may_start_children() -> None:
    class Parent(Actor):
        __slots__ = ()

        def receive(self, message: object) -> None:
            self.system.dynamic("many").find_or_start(message, 3)

    root = SupervisorSpec("root", [*counters().children, ActorSpec("parent", Parent, name="parent")])
    async with open_system(root) as system:
        parent = system.whereis("parent")
        assert parent is not None
        parent.tell("k")
        await quiet()
        child = system.dynamic("many").find("k")
        assert child is not None
        assert await ask(child, Read, 1.0) == 3


async def test_a_restarted_child_gets_the_arguments_it_was_started_with() -> None:
    async with open_system(counters()) as system:
        child = system.dynamic("many").start("k", 7)
        for message in (Add(1), Crash(), Add(2)):
            child.tell(message)
        assert await ask(child, Read, 1.0) == 9
        assert system.dynamic("many").find("k") is child


async def test_a_child_that_ends_in_order_makes_room_for_its_key() -> None:
    async with open_system(counters()) as system:
        many = system.dynamic("many")
        first = many.start("k")
        first.tell(End())
        await quiet()
        assert len(many) == 0
        assert not first.alive
        assert many.start("k") is not first


async def test_a_temporary_child_is_gone_after_its_crash() -> None:
    async with open_system(counters(Restart.TEMPORARY)) as system:
        many = system.dynamic("many")
        child = many.start("k")
        await crash(many, "k", 1)
        assert not child.alive
        assert len(many) == 0
        assert many.start("k").alive


async def test_one_that_crashes_too_often_is_quarantined_and_nothing_else_is_touched(
    autojump_clock: MockClock,
) -> None:
    async with open_system(counters()) as system:
        many = system.dynamic("many")
        poisonous, innocent = many.start("bad"), many.start("good", 5)
        await crash(many, "bad", 3)
        assert not poisonous.alive
        assert many.find("bad") is None
        with pytest.raises(Quarantined) as refusal:
            many.find_or_start("bad")
        assert 0.9 < refusal.value.retry_after <= 1.0
        assert innocent.incarnation == 1
        assert await ask(innocent, Read, 1.0) == 5
        await trio.sleep(refusal.value.retry_after)
        assert many.find_or_start("bad").alive


async def test_it_counts_crashes_restarts_and_quarantines(autojump_clock: MockClock) -> None:
    async with open_system(counters()) as system:
        many = system.dynamic("many")
        many.start("good").tell(End())
        many.start("bad")
        await crash(many, "bad", 2)
        assert (many.crashes, many.restarts, many.quarantines, many.overruns) == (2, 2, 0, 0)
        await crash(many, "bad", 1)
        assert (many.crashes, many.restarts, many.quarantines, many.overruns) == (3, 2, 1, 0)


async def test_a_crash_on_probation_quarantines_for_longer(autojump_clock: MockClock) -> None:
    async with open_system(counters()) as system:
        many = system.dynamic("many")
        many.start("bad")
        await crash(many, "bad", 3)
        for expected in (2.0, 4.0):
            await trio.sleep(expected / 2)
            many.start("bad")
            await crash(many, "bad", 1)
            with pytest.raises(Quarantined) as refusal:
                many.start("bad")
            assert refusal.value.retry_after == pytest.approx(expected, abs=0.1)


async def test_a_temporary_child_that_crashes_whenever_it_is_started_is_quarantined_too() -> None:
    async with open_system(counters(Restart.TEMPORARY)) as system:
        many = system.dynamic("many")
        for _ in range(3):
            many.start("bad")
            await crash(many, "bad", 1)
        with pytest.raises(Quarantined):
            many.start("bad")


async def test_a_child_that_cannot_be_made_is_refused_to_its_starter_and_quarantined_in_the_end() -> None:
    def broken() -> Counter:
        raise Boom("no parts")

    async with open_system(SupervisorSpec("root", [DynamicSpec("many", broken, breaker=BREAKER)])) as system:
        many = system.dynamic("many")
        for _ in range(3):
            with pytest.raises(StartFailed) as failure:
                many.start("k")
            assert isinstance(failure.value.__cause__, Boom)
        assert len(many) == 0
        with pytest.raises(Quarantined):
            many.start("k")


async def test_a_child_that_can_be_made_only_once_is_tried_again_and_quarantined() -> None:
    parts = [1]

    def scarce() -> Counter:
        return Counter(parts.pop())

    async with open_system(SupervisorSpec("root", [DynamicSpec("many", scarce, breaker=BREAKER)])) as system:
        many = system.dynamic("many")
        child = many.start("k")
        await crash(many, "k", 1)
        assert not child.alive
        with pytest.raises(Quarantined):
            many.start("k")


async def test_children_that_do_not_get_to_their_stop_in_time_are_killed(
    mock_clock: MockClock, caplog: pytest.LogCaptureFixture
) -> None:
    root = SupervisorSpec("root", [DynamicSpec("many", Script, shutdown=2.0)])
    async with open_system(root, budget=Budget(seconds=0.0)) as system:
        child = system.dynamic("many").start("k")
        for _ in range(100):
            child.urgent(lambda _: mock_clock.jump(1.0))
    assert not child.alive
    assert "root/many: 1 children did not stop within 2 s: killed" in caplog.text


async def test_quarantine_ends_the_questions_that_are_open() -> None:
    async with open_system(counters()) as system:
        many = system.dynamic("many")
        child = many.start("bad")
        async with trio.open_nursery() as nursery:

            async def hopeless() -> None:
                with pytest.raises(Stopped):
                    await ask(child, Ponder, 60.0)

            for _ in range(3):
                child.tell(Crash())
            nursery.start_soon(hopeless)


async def test_with_a_breaker_no_crash_of_a_child_ever_escalates(autojump_clock: MockClock) -> None:
    """The root of this tree allows no restart at all."""
    async with open_system(counters()) as system:
        many = system.dynamic("many")
        for key in range(100):
            many.start(key)
        for key in range(100):
            await crash(many, key, 3)
        assert len(many) == 0


async def test_without_a_breaker_restarts_count_as_in_otp() -> None:
    with pytest.raises(RootGaveUp) as failure:  # noqa: PT012 - the tree lives as long as the block
        async with open_system(counters(breaker=None)) as system:
            many = system.dynamic("many")
            many.start("k")
            many.start("other")
            await crash(many, "k", 2)
            await trio.sleep_forever()
    assert failure.value.path == "root/many/k"
    assert isinstance(failure.value.__cause__, Boom)


async def test_a_dynamic_supervisor_that_gave_up_comes_back_empty() -> None:
    log: list[object] = []
    many = DynamicSpec("many", Counter, breaker=None)
    root = SupervisorSpec("root", [many, recorder(log)])
    async with open_system(root) as system:
        dynamic = system.dynamic("many")
        other, bad = dynamic.start("other"), dynamic.start("bad")
        watcher = system.whereis("recorder")
        assert watcher is not None
        watcher.tell(Watch(other))
        await quiet()
        for _ in range(2):
            bad.tell(Crash())
        await quiet()
        assert not other.alive
        assert [down.address for down in log if isinstance(down, Down)] == [other]
        assert len(dynamic) == 0
        again = dynamic.start("other")
        again.tell(Crash())
        await quiet()
        assert again.incarnation == 2, "its patience is new"


async def test_there_is_a_limit_on_children() -> None:
    async with open_system(counters(max_children=2)) as system:
        many = system.dynamic("many")
        many.start(1)
        many.start(2)
        with pytest.raises(MaxChildren):
            many.start(3)
        assert many.find_or_start(2).alive


async def test_a_child_that_is_stopped_ends_in_order_and_is_not_restarted() -> None:
    log: list[object] = []
    root = SupervisorSpec("root", [DynamicSpec("many", Diary, restart=Restart.PERMANENT)])
    async with open_system(root) as system:
        many = system.dynamic("many")
        child = many.start("k", log)
        await quiet()
        assert many.stop("k", "enough")
        assert many.find("k") is None
        assert not many.stop("k")
        await quiet()
        assert not child.alive
        assert ("stopped", "enough") in log
        assert log.count("started") == 1


async def test_shutdown_waits_for_a_child_that_was_stopped_just_before() -> None:
    log: list[object] = []
    root = SupervisorSpec("root", [DynamicSpec("many", Diary)])
    async with open_system(root, budget=Budget(seconds=0.0)) as system:
        child = system.dynamic("many").start("k", log)
        for number in range(100):
            child.urgent(number)
        system.dynamic("many").stop("k", "enough")
    assert log[-1] == ("stopped", "enough")


async def test_shutdown_stops_all_children_in_order_and_concurrently(caplog: pytest.LogCaptureFixture) -> None:
    logs: list[list[object]] = [[] for _ in range(100)]
    async with open_system(SupervisorSpec("root", [DynamicSpec("many", Diary)])) as system:
        many = system.dynamic("many")
        children = [many.start(key, log) for key, log in enumerate(logs)]
        many.stop(0)
    assert all("stopped" in str(log) for log in logs)
    assert "killed" not in caplog.text
    assert not any(child.alive for child in children)


async def test_a_shutdown_of_no_seconds_kills_all_children_at_once() -> None:
    log: list[object] = []
    async with open_system(SupervisorSpec("root", [DynamicSpec("many", Diary, shutdown=0.0)])) as system:
        child = system.dynamic("many").start("k", log)
        await quiet()
        log.clear()
    assert log == []
    assert not child.alive


async def test_nothing_is_started_after_the_stop() -> None:
    async with open_system(counters()) as system:
        many = system.dynamic("many")
        many.start("k")
    with pytest.raises(NotRunning):
        many.start("another")
    assert len(many) == 0


async def test_children_fall_with_a_sibling_of_their_supervisor_by_strategy() -> None:
    children: list[ChildSpec] = [
        ActorSpec("infrastructure", Counter, name="infrastructure"),
        DynamicSpec("many", Counter),
    ]
    async with open_system(SupervisorSpec("root", children, Strategy.REST_FOR_ONE)) as system:
        many = system.dynamic("many")
        child = many.start("k")
        infrastructure = system.whereis("infrastructure")
        assert infrastructure is not None
        infrastructure.tell(Crash())
        await quiet()
        assert not child.alive
        assert many.find_or_start("k").alive


async def test_the_memory_of_crashes_is_swept(autojump_clock: MockClock) -> None:
    async with open_system(counters(Restart.TEMPORARY)) as system:
        many = system.dynamic("many")
        for generation in range(4):
            for number in range(200):
                many.start((generation, number)).tell(Crash())
            await quiet()
            await trio.sleep(100.0)
        assert len(many._records) <= 400


async def test_children_may_be_of_several_classes() -> None:
    def either(kind: str) -> Actor:
        return Counter() if kind == "counter" else Recorder([])

    async with open_system(SupervisorSpec("root", [DynamicSpec("many", either)])) as system:
        many = system.dynamic("many")
        kinds = [many.start(number, kind).statistics().actor for number, kind in enumerate(("counter", "recorder") * 2)]
    assert kinds == ["Counter", "Recorder"] * 2


async def test_the_arguments_of_a_child_that_is_never_restarted_are_not_kept() -> None:
    async with open_system(counters(Restart.TEMPORARY)) as system:
        child = system.dynamic("many").start("a", 7)
        assert await ask(child, Read, 1.0) == 7
        assert system.dynamic("many").start("b", 7)._extra is None


async def test_who_has_no_key_is_found_by_the_address_and_has_a_path_of_its_own() -> None:
    async with open_system(counters(Restart.TEMPORARY)) as system:
        many = system.dynamic("many")
        one, other = many.start(None), many.start(None)
        assert (one.name, many.find(one), many.find(None), len(many)) == (None, one, None, 2)
        assert (system.find(one.path), system.find(other.path)) == (one, other)
        assert many.stop(one)
        await quiet()
        assert (one.alive, list(many.children())) == (False, [other])
        await crash(many, other, 1)
        assert len(many) == 0
        assert many.start(None).alive, "what one without a key did counts against no other"


async def test_who_has_no_key_is_restarted_like_the_others_and_quarantined_alone() -> None:
    async with open_system(counters()) as system:
        many = system.dynamic("many")
        one, other = many.start(None), many.start(None)
        await crash(many, one, 2)
        assert (one.incarnation, many.find(one)) == (3, one)
        await crash(many, one, 1)
        assert (one.alive, other.alive) == (False, True)
        assert many.start(None).alive
