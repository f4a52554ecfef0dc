"""The run queue: order, urgency, fairness, and what a crash in the middle of a turn costs."""

from __future__ import annotations

from collections import defaultdict
from functools import partial
from itertools import pairwise
from typing import cast

import pytest
import trio
from hypothesis import given, settings
from hypothesis import strategies as st

from actors import Actor, ActorSpec, Address, Budget, DynamicSpec, Mailbox, Restart, SupervisorSpec, open_system
from tests.actors.small_actors import Crash, Diary, Recorder, Script, quiet, recorder, tell_script, tree

ROOMY = Mailbox(limit=1_000_000)


async def test_messages_of_one_sender_arrive_in_the_order_they_were_told() -> None:
    log: list[object] = []
    async with open_system(tree(recorder(log, mailbox=ROOMY))) as system:
        address = system.whereis("recorder")
        assert address is not None
        for number in range(1_000):
            address.tell(number)
        await quiet()
    assert log == list(range(1_000))


def _note(log: list[object], entry: object, _: Script) -> None:
    log.append(entry)


class Forwarder(Actor):
    """Tells each of its messages, signed, to the one it is for; told to crash, it crashes."""

    __slots__ = ("sign",)

    def __init__(self, sign: int) -> None:
        self.sign = sign

    def receive(self, message: object) -> None:
        match message:
            case (int() as number, Address() as to):
                to.tell((self.sign, number))
            case _:
                raise RuntimeError("as told")


@settings(max_examples=40, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 2), st.booleans()), max_size=200), st.integers(1, 5))
async def test_order_is_kept_between_every_pair_whatever_the_interleaving_and_the_crashes(
    script: list[tuple[int, int, bool]], budget: int
) -> None:
    logs: list[list[object]] = [[], [], []]
    told: dict[tuple[int, int], list[int]] = defaultdict(list)
    root = tree(*(recorder(log, f"to-{place}") for place, log in enumerate(logs)))
    root = SupervisorSpec(
        "root", [*root.children, DynamicSpec("from", Forwarder, breaker=None, intensity=root.intensity)]
    )
    async with open_system(root, budget=Budget(messages=budget)) as system:
        senders = [system.dynamic("from").start(sign, sign) for sign in range(4)]
        receivers = [system.whereis(f"to-{place}") for place in range(3)]
        for number, (sender, receiver, crash) in enumerate(script):
            if crash:
                senders[sender].tell("crash")
            else:
                senders[sender].tell((number, receivers[receiver]))
                told[sender, receiver].append(number)
        await quiet()
    for receiver, log in enumerate(logs):
        for sender in range(4):
            assert [number for sign, number in cast(list[tuple[int, int]], log) if sign == sender] == told[
                sender, receiver
            ]


async def test_urgent_messages_come_first_and_in_order() -> None:
    log: list[object] = []
    async with open_system(tree(recorder(log))) as system:
        address = system.whereis("recorder")
        assert address is not None
        address.tell("a")
        address.tell("b")
        address.urgent(1)
        address.urgent(2)
        await quiet()
    assert log == [1, 2, "a", "b"]


async def test_what_is_urgent_comes_ahead_of_the_rest_of_a_turn() -> None:
    log: list[object] = []
    async with open_system(tree()) as system:
        script = system.spawn(ActorSpec("script", Script))
        tell_script(script, lambda actor: actor.address.urgent(lambda _: log.append("urgent")))
        tell_script(script, lambda _: log.append("ordinary"))
        await quiet()
    assert log == ["urgent", "ordinary"]


async def test_one_with_a_million_messages_lets_every_message_of_another_pass_after_one_budget() -> None:
    """Counted in messages, so the machine does not matter: of the other's messages none waits longer than that."""
    received: list[int] = []
    seen: list[int] = []

    class Busy(Actor):
        """Counts what it receives."""

        __slots__ = ("count",)

        def __init__(self) -> None:
            self.count = 0

        def receive(self, message: object) -> None:
            self.count += 1

        def settled(self) -> None:
            received.append(self.count)

    def look_again(actor: Script) -> None:
        seen.append(received[-1] if received else 0)
        if seen[-1] < 1_000_000:
            actor.address.tell(look_again)

    many = ActorSpec("busy", Busy, mailbox=ROOMY, name="busy")
    async with open_system(tree(many), budget=Budget(messages=50)) as system:
        busy = system.whereis("busy")
        other = system.spawn(ActorSpec("other", Script))
        await quiet()
        assert busy is not None
        for _ in range(1_000_000):
            busy.tell("work")
        tell_script(other, look_again)
        await quiet()
    assert received[-1] == 1_000_000
    assert max(later - earlier for earlier, later in pairwise([0, *seen])) <= 50


async def test_an_actor_that_never_runs_dry_does_not_keep_trio_from_its_tasks() -> None:
    """The slice ends by the clock: a task gets its turn although an actor tells itself for ever."""
    async with open_system(tree()) as system:
        script = system.spawn(ActorSpec("script", Script))
        running = True

        def again(actor: Script) -> None:
            if running:
                actor.address.tell(again)

        tell_script(script, again)
        with trio.fail_after(10):
            for _ in range(3):
                await trio.lowlevel.checkpoint()
            while script.statistics().handled < 1_000:
                await trio.lowlevel.checkpoint()
        running = False
        await quiet()


@pytest.mark.parametrize("waiting", [1, 3])
async def test_what_an_actor_tells_itself_waits_until_the_others_have_had_their_turn(waiting: int) -> None:
    log: list[object] = []
    async with open_system(tree()) as system:
        busy, other = (system.spawn(ActorSpec(id, Script)) for id in ("busy", "other"))
        for _ in range(waiting):
            tell_script(busy, lambda actor: tell_script(actor.address, lambda _: log.append("went on")))
        tell_script(other, lambda _: log.append("other"))
        await quiet()
    assert log == ["other", *["went on"] * waiting]


@pytest.mark.parametrize("waiting", [1, 2])
async def test_a_message_that_ends_its_actor_in_order_is_the_last_whether_or_not_another_waits(waiting: int) -> None:
    log: list[object] = []
    async with open_system(tree()) as system:
        script = system.spawn(ActorSpec("script", Script, restart=Restart.TEMPORARY))
        tell_script(script, lambda actor: actor.stop())
        for _ in range(waiting - 1):
            tell_script(script, lambda _: log.append("too late"))
        await quiet()
        assert (script.alive, script.statistics().handled, log) == (False, 1, [])


async def test_an_ordinary_message_waits_for_all_that_are_urgent() -> None:
    log: list[object] = []
    async with open_system(tree()) as system:
        script = system.spawn(ActorSpec("script", Script))
        tell_script(script, lambda _: log.append("ordinary"))
        for number in range(3):
            script.urgent(partial(_note, log, number))
        await quiet()
        assert log == [0, 1, 2, "ordinary"]
        assert script.statistics().peak == 1


async def test_settled_is_called_once_behind_messages_that_waited_together() -> None:
    log: list[object] = []
    async with open_system(tree(ActorSpec("diary", Diary, (log,), name="diary"))) as system:
        diary = system.whereis("diary")
        assert diary is not None
        await quiet()
        log.clear()
        diary.tell("a")
        diary.tell("b")
        await quiet()
        diary.urgent("c")
        await quiet()
    assert log[:5] == ["a", "b", "settled", "c", "settled"]


async def test_a_crash_in_settled_is_a_crash() -> None:
    class Brittle(Recorder):
        __slots__ = ()

        def settled(self) -> None:
            raise RuntimeError("cannot settle")

    async with open_system(tree(ActorSpec("brittle", Brittle, ([],), name="brittle"))) as system:
        brittle = system.whereis("brittle")
        assert brittle is not None
        brittle.tell("a")
        await quiet()
        assert brittle.incarnation == 2


async def test_a_crash_costs_that_message_and_no_other() -> None:
    log: list[object] = []
    async with open_system(tree(recorder(log))) as system:
        address = system.whereis("recorder")
        assert address is not None
        for message in ("a", Crash(), "b", Crash(), "c"):
            address.tell(message)
        await quiet()
        assert log == ["a", "b", "c"]
        assert address.incarnation == 3
        assert address.statistics().handled == 5


async def test_a_long_backlog_is_received_in_order_over_many_turns() -> None:
    log: list[object] = []
    async with open_system(tree(recorder(log, mailbox=ROOMY)), budget=Budget(messages=7)) as system:
        address = system.whereis("recorder")
        assert address is not None
        for number in range(5_000):
            address.tell(number)
        await quiet()
        assert log == list(range(5_000))
        assert address.statistics().peak == 5_000
        assert address.statistics().waiting == 0


async def test_one_whose_life_is_cut_short_is_taken_off_the_run_queue() -> None:
    async with open_system(tree(recorder([]))) as system:
        address = system.whereis("recorder")
        assert address is not None
        system.scheduler.withdraw(address)
        address.tell("a")
        assert system.scheduler.ready == 1
        system.scheduler.withdraw(address)
        assert system.scheduler.ready == 0
        system.scheduler.enqueue(address)


async def test_a_bug_in_the_runtime_ends_the_process() -> None:
    """The run queue belongs to everyone: when its loop fails, nothing goes on as if it had not."""
    with trio.fail_after(10), pytest.raises(ExceptionGroup) as failure:  # noqa: PT012 - as long as the tree lives
        async with open_system(tree(recorder([]))) as system:
            address = system.whereis("recorder")
            assert address is not None
            address._box = 5  # type: ignore[assignment]
            system.scheduler.enqueue(address)
            await trio.sleep_forever()
    assert failure.group_contains(TypeError)
