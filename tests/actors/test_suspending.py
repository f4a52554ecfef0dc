"""Suspended: alive, but deaf until it is resumed, or stopped."""

from __future__ import annotations

import gc

import pytest
import trio
import trio.lowlevel
import trio.testing

from actors import (
    SHUTDOWN,
    ActorSpec,
    Address,
    Backoff,
    Down,
    DynamicSpec,
    Intensity,
    Lifeless,
    Mailbox,
    Restart,
    SupervisorSpec,
    System,
    ask,
    get_state,
    open_system,
    resume,
    suspend,
)
from tests.actors.small_actors import (
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
    tell_script,
    tree,
)


def found(system: System, name: str = "recorder") -> Address:
    address = system.whereis(name)
    assert address is not None
    return address


async def test_what_is_told_to_a_suspended_actor_waits_and_is_received_in_order_when_it_is_resumed() -> None:
    log: list[object] = []
    async with open_system(tree(recorder(log))) as system:
        address = found(system)
        suspend(address)
        for message in ("a", "b"):
            assert address.tell(message)
        address.urgent("first")
        await quiet()
        assert log == []
        assert (address.statistics().state, address.statistics().waiting) == ("suspended", 2)
        assert address.alive
        resume(address)
        await quiet()
        assert log == ["first", "a", "b"]
        assert (address.statistics().state, address.incarnation) == ("resting", 1)


async def test_one_that_waits_for_its_turn_is_suspended_before_it_and_is_in_the_queue_once_afterwards() -> None:
    log: list[object] = []
    async with open_system(tree(recorder(log))) as system:
        address = found(system)
        address.tell("a")
        suspend(address)
        assert system.scheduler.ready == 0
        resume(address)
        assert system.scheduler.ready == 1
        await quiet()
        assert log == ["a"]


async def test_to_suspend_and_to_resume_again_changes_nothing() -> None:
    log: list[object] = []
    async with open_system(tree(recorder(log))) as system:
        address = found(system)
        suspend(address)
        address.tell("a")
        suspend(address)
        resume(address)
        resume(address)
        await quiet()
        resume(address)
        address.tell("b")
        await quiet()
        assert log == ["a", "b"]


async def test_its_mailbox_is_as_bounded_as_before() -> None:
    async with open_system(tree(recorder([], mailbox=Mailbox(limit=2)))) as system:
        address = found(system)
        suspend(address)
        assert [address.tell(message) for message in "abc"] == [True, True, False]


async def test_one_that_has_stopped_cannot_be_suspended_nor_resumed() -> None:
    async with open_system(tree(ActorSpec("c", Counter, name="c", restart=Restart.TRANSIENT))) as system:
        address = found(system, "c")
        address.tell(End())
        await quiet()
        for deed in (suspend, resume, get_state):
            with pytest.raises(Lifeless, match="root/c has stopped"):
                deed(address)


async def test_one_that_waits_for_its_restart_cannot_be_suspended(autojump_clock: trio.testing.MockClock) -> None:
    slow = SupervisorSpec(
        "root", [ActorSpec("c", Counter, name="c")], intensity=Intensity(10), backoff=Backoff(first=5.0)
    )
    async with open_system(slow) as system:
        address = found(system, "c")
        address.tell(Crash())
        await trio.sleep(1)
        assert address.statistics().state == "waiting"
        with pytest.raises(Lifeless, match="waits for its restart"):
            suspend(address)


async def test_an_actor_cannot_suspend_itself() -> None:
    errors: list[RuntimeError] = []

    def try_it(actor: Script) -> None:
        with pytest.raises(RuntimeError, match="cannot suspend itself") as error:
            suspend(actor.address)
        errors.append(error.value)

    async with open_system(tree(ActorSpec("s", Script, name="s"))) as system:
        tell_script(found(system, "s"), try_it)
        await quiet()
        assert len(errors) == 1
        assert found(system, "s").statistics().state == "resting"


async def test_an_actor_suspends_and_resumes_another() -> None:
    log: list[object] = []
    async with open_system(tree(recorder(log), ActorSpec("s", Script, name="s"))) as system:
        other = found(system)
        tell_script(found(system, "s"), lambda _: suspend(other))
        other.tell("a")
        await quiet()
        assert log == []
        tell_script(found(system, "s"), lambda _: resume(other))
        await quiet()
        assert log == ["a"]


async def test_to_watch_a_suspended_actor_says_nothing_until_it_ends() -> None:
    log: list[object] = []
    async with open_system(tree(recorder(log), recorder([], "watched"))) as system:
        watched = found(system, "watched")
        suspend(watched)
        found(system).tell(Watch(watched))
        await quiet()
        assert log == []
        watched.tell(Crash())
        resume(watched)
        await quiet()
        (down,) = log
        assert isinstance(down, Down)
        assert isinstance(down.reason, Boom)


async def test_it_stays_in_its_groups_and_can_join_another() -> None:
    async with open_system(tree(recorder([]))) as system:
        address = found(system)
        system.join("a", address)
        suspend(address)
        system.join("b", address)
        assert system.members("a") == system.members("b") == (address,)


async def test_its_timers_go_on_and_what_they_tell_waits(autojump_clock: trio.testing.MockClock) -> None:
    ticked: list[float] = []

    def tick(_: Script) -> None:
        ticked.append(trio.current_time())

    async with open_system(tree(ActorSpec("s", Script, name="s"))) as system:
        address = found(system, "s")
        tell_script(address, lambda actor: actor.send_every(1.0, tick))
        tell_script(address, lambda actor: actor.send_after(2.5, tick))
        await trio.sleep(0.5)
        suspend(address)
        await trio.sleep(3)
        assert (ticked, address.statistics().waiting) == ([], 4)
        resume(address)
        await trio.lowlevel.checkpoint()
        await quiet()
        assert len(ticked) == 4


async def test_a_question_to_it_is_answered_when_it_is_resumed() -> None:
    async with open_system(tree(ActorSpec("c", Counter, (7,), name="c"))) as system:
        address = found(system, "c")
        suspend(address)
        answers: list[int] = []

        async def ask_it() -> None:
            answers.append(await ask(address, Read, seconds=10))

        async with trio.open_nursery() as nursery:
            nursery.start_soon(ask_it)
            await quiet()
            assert answers == []
            resume(address)
        assert answers == [7]


async def test_its_supervisor_stops_it_at_once_and_in_order(autojump_clock: trio.testing.MockClock) -> None:
    log: list[object] = []
    async with open_system(tree(ActorSpec("diary", Diary, (log,), name="diary", shutdown=5.0))) as system:
        address = found(system, "diary")
        await quiet()
        log.clear()
        suspend(address)
        address.urgent("urgent")
        address.tell("ordinary")
        before = trio.current_time()
    assert trio.current_time() == before, "nobody waited for its time to be up"
    assert log == [("stopped", SHUTDOWN)], "and it received nothing more"
    assert not system.suspended


async def test_a_dynamic_supervisor_stops_it_at_once_too(autojump_clock: trio.testing.MockClock) -> None:
    log: list[object] = []
    async with open_system(SupervisorSpec("root", [DynamicSpec("many", Diary)])) as system:
        many = system.dynamic("many")
        for key in "ab":
            suspend(many.start(key, log))
        assert many.stop("a")
        await quiet()
        assert log == ["started", "settled", ("stopped", SHUTDOWN)], "it was suspended before it had started"
        assert len(many) == 1
    assert log == ["started", "settled", ("stopped", SHUTDOWN)] * 2
    assert not system.suspended


async def test_it_is_killed_when_it_gets_no_time_to_stop() -> None:
    log: list[object] = []
    root = SupervisorSpec(
        "root",
        [ActorSpec("diary", Diary, (log,), name="diary", shutdown=0.0), DynamicSpec("many", Diary, shutdown=0.0)],
    )
    async with open_system(root) as system:
        others = [found(system, "diary"), system.dynamic("many").start("k", log)]
        await quiet()
        log.clear()
        for other in others:
            suspend(other)
    assert log == []
    assert not system.suspended
    assert not any(other.alive for other in others)


async def test_one_that_is_linked_with_it_takes_it_along() -> None:
    log: list[object] = []
    root = tree(ActorSpec("s", Script, name="s"), ActorSpec("diary", Diary, (log,), name="diary"))
    async with open_system(root) as system:
        diary = found(system, "diary")
        await quiet()
        log.clear()
        suspend(diary)
        tell_script(found(system, "s"), lambda actor: actor.link(diary))
        diary.tell("waits")
        await quiet()
        assert log == []
        tell_script(found(system, "s"), lambda actor: actor.stop("tired"))
        await quiet()
        assert log == [("stopped", "tired"), "started", "waits", "settled"]
        assert diary.statistics().state == "resting", "its next life is not suspended"


async def test_a_start_that_is_suspended_goes_on_when_it_is_resumed() -> None:
    log: list[object] = []
    async with open_system(SupervisorSpec("root", [DynamicSpec("many", Diary)])) as system:
        child = system.dynamic("many").start("k", log)
        suspend(child)
        child.tell("a")
        await quiet()
        assert log == []
        resume(child)
        await quiet()
        assert log == ["started", "a", "settled"]


async def test_a_state_can_be_read_without_being_asked_for() -> None:
    async with open_system(tree(ActorSpec("c", Counter, (7,), name="c"))) as system:
        address = found(system, "c")
        assert get_state(address) == {"count": 7, "kept": []}
        suspend(address)
        address.tell(Add())
        state = get_state(address)
        assert state["count"] == 7
        state["count"] = 8
        assert get_state(address)["count"] == 7, "a copy"


async def test_a_suspended_actor_that_is_killed_leaves_no_garbage() -> None:
    async with open_system(SupervisorSpec("root", [DynamicSpec("many", Recorder)])) as system:
        many = system.dynamic("many")
        log: list[object] = []
        with collected() as garbage:
            for _ in range(3):
                suspend(many.start("k", log))
                many.stop("k")
                await quiet()
            gc.collect()
            assert not [thing for thing in garbage if isinstance(thing, (Recorder, Address))]
