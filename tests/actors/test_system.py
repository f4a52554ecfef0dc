"""The system as a whole: run, ready, stop, give up; a tree that can be read; garbage that is frozen on demand."""

from __future__ import annotations

import gc
import sys
from collections.abc import Iterator

import pytest
import trio
import trio.lowlevel

from actors import (
    ActorSpec,
    Budget,
    DynamicSpec,
    FreezePolicy,
    RootGaveUp,
    SupervisorSpec,
    System,
    TaskContext,
    TaskSpec,
    open_system,
    run,
)
from actors.garbage import Freezer
from tests.actors.small_actors import Boom, Counter, Crash, Diary, Recorder, quiet, recorder, tree


async def idle(context: TaskContext) -> None:
    context.started()
    await trio.sleep_forever()


async def test_run_says_when_everything_is_ready_and_stops_in_order_when_cancelled() -> None:
    log: list[object] = []
    with trio.CancelScope() as scope:

        def ready(system: System) -> None:
            log.append("ready")
            scope.cancel()

        await run(SupervisorSpec("root", [ActorSpec("diary", Diary, (log,))]), on_ready=ready, freeze=None)
    assert scope.cancelled_caught
    assert [entry for entry in log if entry != "settled"][:2] == ["started", "ready"]
    assert "stopped" in str(log[-1])


async def test_a_second_cancel_does_not_cut_the_stop_short() -> None:
    flushed = False

    async def careful(context: TaskContext) -> None:
        nonlocal flushed
        context.started()
        try:
            await trio.sleep_forever()
        finally:
            with context.finishing():
                for _ in range(10):
                    await trio.lowlevel.checkpoint()
                flushed = True

    with trio.CancelScope() as outer, trio.CancelScope() as inner:

        def ready(_: System) -> None:
            inner.cancel()
            outer.cancel()

        await run(SupervisorSpec("root", [TaskSpec("careful", careful)]), on_ready=ready, freeze=None)
    assert flushed


async def test_a_root_that_gives_up_ends_the_block_it_was_opened_for() -> None:
    with pytest.raises(RootGaveUp) as failure:  # noqa: PT012 - as long as the tree lives
        async with open_system(SupervisorSpec("root", [recorder([])])) as system:
            address = system.whereis("recorder")
            assert address is not None
            for _ in range(2):
                address.tell(Crash())
            await trio.sleep_forever()
    assert failure.value.path == "root/recorder"
    assert str(failure.value) == "root/recorder ended more than 1 times in 5 s"
    assert isinstance(failure.value.__cause__, Boom)


async def test_an_exception_in_the_block_comes_out_as_it_is() -> None:
    with pytest.raises(Boom):
        async with open_system(tree()):
            raise Boom


async def test_what_is_spawned_is_part_of_the_tree_and_stops_with_it() -> None:
    log: list[object] = []
    async with open_system(tree()) as system:
        spawned = system.spawn(ActorSpec("extra", Diary, (log,)))
        await quiet()
        assert spawned.path == "root/extra/extra"
        with pytest.raises(ValueError, match="extra is the id"):
            system.spawn(ActorSpec("extra", Diary, (log,)))
    assert not spawned.alive
    assert "stopped" in str(log[-1])


async def test_the_tree_is_text_one_line_a_child() -> None:
    root = SupervisorSpec(
        "root",
        [
            TaskSpec("listener", idle),
            SupervisorSpec("store", [ActorSpec("writer", Recorder, ([],), name="writer")]),
            DynamicSpec("many", Counter),
        ],
    )
    async with open_system(root) as system:
        many = system.dynamic("many")
        for key in range(12):
            many.start(key)
        crashed = many.find(0)
        assert crashed is not None
        crashed.tell(Crash())
        await quiet()
        assert system.tree_text(most=2).splitlines() == [
            "root: supervisor, running (one_for_one)",
            "  listener: task, running",
            "  store: supervisor, running (one_for_one)",
            "    writer: actor, resting (Recorder)",
            "  many: dynamic, running (12 children, 1 restarts)",
            "    0: actor, resting, restarted 1x (Counter)",
            "    1: actor, resting (Counter)",
            "    … and 10 more",
        ]


async def test_an_actor_says_how_it_is() -> None:
    async with open_system(tree(recorder([]))) as system:
        address = system.whereis("recorder")
        assert address is not None
        for message in ("a", "b", Crash("why"), "c"):
            address.tell(message)
        assert system.scheduler.ready == 1
        assert address.statistics().waiting == 4
        assert address.statistics().state == "ready"
        await quiet()
        assert system.scheduler.ready == 0
        now = address.statistics()
        assert (now.path, now.actor, now.state) == ("root/recorder", "Recorder", "resting")
        assert (now.waiting, now.peak, now.handled, now.restarts, now.dropped) == (0, 4, 4, 1, 0)
        assert isinstance(now.last_reason, Boom)
        assert repr(address) == "<Address root/recorder #2 resting>"


async def test_an_actor_at_rest_is_its_address_and_its_state() -> None:
    async with open_system(SupervisorSpec("root", [DynamicSpec("many", Counter)])) as system:
        address = system.dynamic("many").start("k")
        for _ in range(3):
            address.tell("hello")
        await quiet()
        assert sys.getsizeof(address) <= 128
        assert (address._box, address._urgent, address._extra) == (None, None, None)
        assert not hasattr(address, "__dict__")


@pytest.fixture
def thawed() -> Iterator[None]:
    """Whatever a test freezes is given back."""
    yield
    gc.unfreeze()


@pytest.mark.usefixtures("thawed")
async def test_garbage_is_frozen_after_the_start_and_at_every_so_many_births() -> None:
    frozen: list[int] = []
    root = SupervisorSpec("root", [DynamicSpec("many", Counter)])
    system = System(root, Budget(), FreezePolicy(every=10))
    with trio.CancelScope() as scope:

        async def spawn_some() -> None:
            frozen.append(gc.get_freeze_count())
            for key in range(30):
                system.dynamic("many").start(key)
                gc.collect(1)  # as happens by itself every few thousand objects
                frozen.append(gc.get_freeze_count())
            scope.cancel()

        async with trio.open_nursery() as nursery:
            await system.run(lambda _: nursery.start_soon(spawn_some))
    assert frozen[0] > 0, "frozen at the start"
    assert len(set(frozen)) >= 4, "and three times since"
    assert system.freezes >= 4
    assert gc.get_freeze_count() == 0, "and given back at the end"


@pytest.mark.usefixtures("thawed")
def test_what_is_garbage_already_is_not_frozen() -> None:
    class Cycle:
        pass

    cycle = Cycle()
    cycle.itself = cycle  # type: ignore[attr-defined]
    del cycle
    freezer = Freezer(FreezePolicy(), lambda: 0)
    freezer.start()
    freezer.stop()
    assert not [thing for thing in gc.get_objects() if isinstance(thing, Cycle)]


@pytest.mark.usefixtures("thawed")
def test_what_grows_old_is_frozen_without_any_births_once_it_is_much() -> None:
    gc.collect()
    gc.freeze()
    freezer = Freezer(FreezePolicy(every=1_000_000, old=5_000), lambda: 0)
    freezer.start()
    before = freezer.freezes, gc.get_freeze_count()
    try:
        few = [[] for _ in range(1_000)]  # type: list[list[object]]
        gc.collect()
        assert freezer.freezes == before[0], "the collector still sees them"
        many = [[few] for _ in range(5_000)]
        for _ in range(8):
            gc.collect(1)
        assert freezer.freezes == before[0] + 1
        assert gc.get_freeze_count() >= before[1] + len(many)
    finally:
        freezer.stop()


async def test_no_garbage_policy_unless_asked() -> None:
    before = gc.get_freeze_count()
    async with open_system(SupervisorSpec("root", [DynamicSpec("many", Counter)])) as system:
        system.dynamic("many").start("k")
        await quiet()
        assert gc.get_freeze_count() == before
