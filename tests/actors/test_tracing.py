"""Traces: what is shown, to whom, and how they end."""

from __future__ import annotations

import pytest
import trio
import trio.testing

from actors import (
    Actor,
    ActorSpec,
    Address,
    AlreadyTraced,
    DynamicSpec,
    Inbox,
    Lifeless,
    Overrun,
    Received,
    Restart,
    RunawayPolicy,
    SupervisorSpec,
    System,
    change_code,
    get_state,
    open_system,
    resume,
    suspend,
    trace,
    trace_class,
)
from tests.actors.small_actors import Add, Counter, Crash, Diary, End, Recorder, quiet, recorder, tree

COUNTER = ActorSpec("counter", Counter, name="counter")


def found(system: System, name: str) -> Address:
    address = system.whereis(name)
    assert address is not None
    return address


def shown(inbox: Inbox) -> list[object]:
    """The messages in an inbox that traces are told to."""
    events = inbox.take_nowait(1_000)
    assert all(isinstance(event, Received) for event in events)
    return [event.message for event in events if isinstance(event, Received)]


async def test_each_message_is_shown_with_when_who_and_which_life_and_is_received_all_the_same(
    autojump_clock: trio.testing.MockClock,
) -> None:
    inbox = Inbox(10)
    async with open_system(tree(COUNTER)) as system:
        address = found(system, "counter")
        trace(address, inbox, seconds=60.0)
        address.tell(Add(2))
        await trio.sleep(1)
        address.urgent(Add(3))
        start = trio.current_time()
        await trio.sleep(1)
        assert inbox.take_nowait(10) == [Received(start - 1, address, 1, Add(2)), Received(start, address, 1, Add(3))]
        assert get_state(address)["count"] == 5
        assert address.statistics().actor == "Counter"


async def test_it_ends_after_its_time_and_nothing_of_it_is_left(autojump_clock: trio.testing.MockClock) -> None:
    inbox = Inbox(10)
    receive = Counter.receive
    async with open_system(tree(COUNTER, recorder([]))) as system:
        address, other = found(system, "counter"), found(system, "recorder")
        actor = address._actor
        traces = [trace(address, inbox, seconds=5.0), trace_class(system, Counter, inbox, seconds=5.0)]
        traces.append(trace_class(system, Recorder, inbox, seconds=5.0))
        assert all(each.pending for each in traces)
        await trio.sleep(6)
        assert not any(each.pending for each in traces)
        address.tell(Add())
        other.tell("a")
        await quiet()
        assert shown(inbox) == []
        assert address._actor is actor
        assert Counter.receive is receive
        assert not system.traces
        assert len(system.timers) == 0


async def test_it_ends_after_its_number_of_messages() -> None:
    inbox = Inbox(10)
    async with open_system(tree(COUNTER)) as system:
        address = found(system, "counter")
        limited = trace(address, inbox, seconds=60.0, most=3)
        for number in range(5):
            address.tell(Add(number))
        await quiet()
        assert shown(inbox) == [Add(0), Add(1), Add(2)]
        assert not limited.pending
        assert len(system.timers) == 0
        assert get_state(address)["count"] == 10


async def test_it_can_be_ended_early_and_more_than_once() -> None:
    inbox = Inbox(10)
    async with open_system(tree(COUNTER)) as system:
        address = found(system, "counter")
        early = trace(address, inbox, seconds=60.0)
        early.stop()
        early.stop()
        address.tell(Add())
        trace(address, inbox, seconds=60.0)
        address.tell(Add(2))
        await quiet()
        assert shown(inbox) == [Add(), Add(2)], "both were received after the second had begun"
        assert early.told == 0


async def test_what_the_one_that_looks_cannot_take_is_dropped_and_counted() -> None:
    async with open_system(tree(COUNTER)) as system:
        address = found(system, "counter")
        narrow = trace(address, Inbox(2), seconds=60.0, most=5)
        for _ in range(7):
            address.tell(Add())
        await quiet()
        assert (narrow.told, narrow.dropped) == (2, 3)
        assert get_state(address)["count"] == 7


async def test_it_follows_its_actor_over_restarts() -> None:
    inbox = Inbox(10)
    async with open_system(tree(COUNTER, DynamicSpec("many", Counter))) as system:  # type: ignore[arg-type]
        for address in (found(system, "counter"), system.dynamic("many").start("k")):
            lasting = trace(address, inbox, seconds=60.0)
            for message in (Add(), Crash(), Add(2)):
                address.tell(message)
            await quiet()
            events = [event for event in inbox.take_nowait(10) if isinstance(event, Received)]
            assert [event.incarnation for event in events] == [1, 1, 2]
            lasting.stop()
            address.tell(Crash())
            address.tell(Add())
            await quiet()
            assert shown(inbox) == []


async def test_hooks_are_handed_on() -> None:
    log: list[object] = []
    inbox = Inbox(10)
    async with open_system(SupervisorSpec("root", [DynamicSpec("many", Diary)])) as system:
        diary = system.dynamic("many").start("k", log)
        trace(diary, inbox, seconds=60.0)
        diary.tell("a")
        diary.tell(End("over"))
        await quiet()
    assert log == ["started", "a", "settled", ("stopped", "over")]


async def test_it_follows_its_actor_over_a_change_of_its_code_and_a_suspension() -> None:
    class Counter2(Counter):
        __slots__ = ()

    inbox = Inbox(10)
    async with open_system(tree(COUNTER)) as system:
        address = found(system, "counter")
        trace(address, inbox, seconds=60.0)
        suspend(address)
        change_code(address, Counter2)
        address.tell(Add())
        resume(address)
        await quiet()
        assert shown(inbox) == [Add()]
        suspend(address)
        system.traces[address].stop()
        resume(address)
        address.tell(Add())
        await quiet()
        assert shown(inbox) == []
        assert type(address._actor) is Counter2


async def test_a_class_is_traced_with_those_that_are_born_meanwhile_but_not_with_classes_derived_from_it() -> None:
    inbox = Inbox(10)
    async with open_system(SupervisorSpec("root", [DynamicSpec("a", Recorder), DynamicSpec("b", Diary)])) as system:
        before = system.dynamic("a").start("before", [])
        trace_class(system, Recorder, inbox, seconds=60.0)
        after = system.dynamic("a").start("after", [])
        diary = system.dynamic("b").start("diary", [])
        for address in (before, after, diary):
            address.tell(address.name)
        await quiet()
        assert shown(inbox) == ["before", "after"]


async def test_a_class_that_inherits_how_it_receives_is_traced_without_its_base() -> None:
    inbox = Inbox(10)
    async with open_system(SupervisorSpec("root", [DynamicSpec("a", Recorder), DynamicSpec("b", Diary)])) as system:
        plain, diary = system.dynamic("a").start("plain", []), system.dynamic("b").start("diary", [])
        of_diaries = trace_class(system, Diary, inbox, seconds=60.0)
        for address in (plain, diary):
            address.tell(address.name)
        await quiet()
        assert shown(inbox) == ["diary"]
        of_diaries.stop()
        assert "receive" not in vars(Diary)


async def test_who_looks_is_not_shown_to_itself() -> None:
    log: list[object] = []
    async with open_system(tree(recorder(log), recorder([], "other"))) as system:
        looking, other = found(system, "recorder"), found(system, "other")
        trace_class(system, Recorder, looking, seconds=60.0)
        trace(looking, looking, seconds=60.0)
        other.tell("a")
        await quiet()
        (event,) = log
        assert isinstance(event, Received)
        assert (event.address, event.message) == (other, "a")


class Spinning(Actor):
    """Goes round in its first life until it is ended from outside."""

    __slots__ = ()

    def receive(self, message: object) -> None:
        while self.address.incarnation == 1:
            pass


@pytest.mark.parametrize("of_class", [False, True])
async def test_a_traced_actor_that_does_not_come_to_an_end_is_ended_as_any_other(of_class: bool) -> None:
    inbox = Inbox(10)
    policy = RunawayPolicy(overrun=0.03, blocked=None)
    async with open_system(tree(ActorSpec("spinning", Spinning, name="spinning")), runaways=policy) as system:
        address = found(system, "spinning")
        if of_class:
            trace_class(system, Spinning, inbox, seconds=60.0)
        else:
            trace(address, inbox, seconds=60.0)
        address.tell("round")
        await quiet()
        assert (address.incarnation, type(address.statistics().last_reason)) == (2, Overrun)
        assert shown(inbox) == ["round"]


async def test_there_is_one_trace_of_each_at_a_time() -> None:
    inbox = Inbox(10)
    async with open_system(tree(COUNTER)) as system:
        address = found(system, "counter")
        trace(address, inbox, seconds=60.0)
        with pytest.raises(AlreadyTraced):
            trace(address, inbox, seconds=60.0)
        trace_class(system, Counter, inbox, seconds=60.0)
        with pytest.raises(AlreadyTraced):
            trace_class(system, Counter, inbox, seconds=60.0)
        address.tell(Add())
        await quiet()
        assert shown(inbox) == [Add(), Add()], "one of each, though"


async def test_traces_end_with_the_system() -> None:
    receive = Counter.receive
    async with open_system(tree(COUNTER)) as system:
        of_class = trace_class(system, Counter, Inbox(1), seconds=60.0)
    assert Counter.receive is receive
    assert not of_class.pending


@pytest.mark.parametrize(("seconds", "most"), [(0.0, 1), (-1.0, 1), (1.0, 0)])
async def test_a_trace_without_a_bound_is_refused(seconds: float, most: int) -> None:
    async with open_system(tree(COUNTER)) as system:
        with pytest.raises(ValueError, match="a trace lasts"):
            trace(found(system, "counter"), Inbox(1), seconds=seconds, most=most)


async def test_one_that_has_stopped_is_not_traced_and_one_that_stops_meanwhile_does_no_harm() -> None:
    inbox = Inbox(10)
    transient = ActorSpec("counter", Counter, name="counter", restart=Restart.TRANSIENT)
    async with open_system(tree(transient)) as system:
        address = found(system, "counter")
        going = trace(address, inbox, seconds=60.0)
        address.tell(End())
        await quiet()
        with pytest.raises(Lifeless):
            trace(address, inbox, seconds=60.0)
        going.stop()
        assert shown(inbox) == [End()]
