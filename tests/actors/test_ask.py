"""Asking: a question ends with its answer, or with the reason why there is none. Never in silence."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import pytest
import trio
from trio.testing import MockClock

from actors import (
    Actor,
    ActorSpec,
    Address,
    AskFailed,
    Crashed,
    Inbox,
    Mailbox,
    Overflow,
    Refused,
    Reply,
    Restart,
    Stopped,
    System,
    TimedOut,
    ask,
    open_system,
)
from actors.ask import Awaited, put
from tests.actors.small_actors import Add, Boom, Counter, Crash, End, Ponder, Read, quiet, tree


def counter(restart: Restart = Restart.PERMANENT, mailbox: Mailbox | None = None) -> ActorSpec:
    return ActorSpec("counter", Counter, restart=restart, mailbox=mailbox or Mailbox(), name="counter")


def the(system: System) -> Address:
    address = system.whereis("counter")
    assert address is not None
    return address


async def ends_with(failure: type[AskFailed], address: Address, question: Callable[[Reply[int]], object]) -> None:
    with pytest.raises(failure):
        await ask(address, question, 60.0)


async def test_an_ask_ends_with_the_answer() -> None:
    async with open_system(tree(counter())) as system:
        the(system).tell(Add(3))
        assert await ask(the(system), Read, 1.0) == 3


async def test_a_question_that_is_never_answered_ends_by_its_deadline(autojump_clock: MockClock) -> None:
    async with open_system(tree(counter())) as system:
        with pytest.raises(TimedOut):
            await ask(the(system), Ponder, 2.5)
    assert trio.current_time() == pytest.approx(2.5, abs=0.01)


async def test_a_late_answer_is_dropped_and_harms_nobody() -> None:
    async with open_system(tree(counter())) as system:
        replies: list[Reply[int]] = []

        def keep(reply: Reply[int]) -> Ponder:
            replies.append(reply)
            return Ponder(reply)

        with pytest.raises(TimedOut):
            await ask(the(system), keep, 0.0)
        assert not replies[0].tell(5)
        assert await ask(the(system), Read, 1.0) == 0


async def test_a_reply_is_used_once() -> None:
    reply: Awaited[int] = Awaited()
    assert reply.tell(1)
    assert not reply.answer(2)
    assert await reply.wait(1.0) == 1


async def test_a_stopped_actor_answers_at_once_that_it_has() -> None:
    async with open_system(tree(counter(Restart.TEMPORARY))) as system:
        address = the(system)
        address.tell(End())
        await quiet()
        await ends_with(Stopped, address, Read)


async def test_a_full_mailbox_refuses_the_question_at_once() -> None:
    async with open_system(tree(counter(mailbox=Mailbox(1)))) as system:
        the(system).tell(Add())
        await ends_with(Refused, the(system), Read)


async def test_a_question_whose_handling_crashes_ends_at_once_and_says_why(autojump_clock: MockClock) -> None:
    @dataclass(frozen=True)
    class Poison:
        reply_to: Reply[int]

    class Fragile(Counter):
        __slots__ = ()

        def receive(self, message: object) -> None:
            if isinstance(message, Poison):
                raise Boom("poison")
            super().receive(message)

    async with open_system(tree(ActorSpec("counter", Fragile, name="counter"))) as system:
        with pytest.raises(Crashed) as failure:
            await ask(the(system), Poison, 60.0)
    assert isinstance(failure.value.__cause__, Boom)
    assert trio.current_time() < 1.0


async def test_a_crash_ends_every_question_received_and_keeps_those_still_in_the_mailbox() -> None:
    async with open_system(tree(counter())) as system, trio.open_nursery() as nursery:
        nursery.start_soon(ends_with, Crashed, the(system), Ponder)
        nursery.start_soon(ends_with, Crashed, the(system), Ponder)
        await quiet()
        the(system).tell(Crash())
        assert await ask(the(system), Read, 1.0) == 0
        assert the(system).incarnation == 2


async def test_a_stop_ends_every_question_received_or_not() -> None:
    async with open_system(tree(counter(Restart.TEMPORARY))) as system, trio.open_nursery() as nursery:
        address = the(system)
        nursery.start_soon(ends_with, Stopped, address, Ponder)
        await quiet()
        address.tell(End())
        nursery.start_soon(ends_with, Stopped, address, Ponder)


async def test_a_crash_without_a_restart_ends_the_questions_in_the_mailbox_as_well() -> None:
    async with open_system(tree(counter(Restart.TEMPORARY))) as system, trio.open_nursery() as nursery:
        address = the(system)
        nursery.start_soon(ends_with, Crashed, address, Ponder)
        await quiet()
        address.tell(Crash())
        nursery.start_soon(ends_with, Stopped, address, Ponder)


async def test_a_system_that_stops_leaves_no_question_open() -> None:
    async with trio.open_nursery() as nursery, open_system(tree(counter())) as system:
        nursery.start_soon(ends_with, Stopped, the(system), Ponder)
        await quiet()


@dataclass(frozen=True)
class Relayed:
    """A question between actors: no reply object, but an address and a reference of the asker's own."""

    reply_to: Address
    ref: int


@dataclass(frozen=True)
class Answered:
    ref: int
    by: str


async def test_between_actors_a_question_carries_the_address_for_its_answer() -> None:
    class Oracle(Actor):
        __slots__ = ()

        def receive(self, message: object) -> None:
            assert isinstance(message, Relayed)
            message.reply_to.answer(Answered(message.ref, self.address.path))

    answers: list[object] = []

    class Pilgrim(Actor):
        __slots__ = ()

        def receive(self, message: object) -> None:
            match message:
                case Address():
                    message.tell(Relayed(self.address, 7))
                case _:
                    answers.append(message)

    async with open_system(
        tree(ActorSpec("oracle", Oracle, name="o"), ActorSpec("pilgrim", Pilgrim, name="p"))
    ) as system:
        oracle, pilgrim = system.whereis("o"), system.whereis("p")
        assert oracle is not None
        assert pilgrim is not None
        pilgrim.tell(oracle)
        await quiet()
    assert answers == [Answered(7, "root/oracle")]


async def test_a_cycle_of_asks_ends_by_deadline(autojump_clock: MockClock) -> None:
    """Two tasks that serve an inbox, each asking the other before it answers."""
    inboxes = [Inbox(10), Inbox(10)]
    outcomes: list[str] = []

    async def serve(own: Inbox, other: Inbox) -> None:
        (question,) = await own.take(1)
        assert isinstance(question, Ponder)
        try:
            await ask(other, Ponder, 5.0)
        except TimedOut:
            outcomes.append("timed out")

    async with trio.open_nursery() as nursery:
        for own, other in (inboxes, inboxes[::-1]):
            own.tell(Ponder(Awaited()))
            nursery.start_soon(serve, own, other)
    assert outcomes == ["timed out", "timed out"]


async def test_an_inbox_that_is_full_refuses_the_question() -> None:
    inbox = Inbox(1)
    inbox.tell("already there")
    with pytest.raises(Refused):
        await ask(inbox, Ponder, 1.0)


async def test_a_cancelled_ask_leaves_nothing_behind() -> None:
    async with open_system(tree(counter())) as system:
        with trio.move_on_after(0.0):
            await ask(the(system), Ponder, 60.0)
        extra = the(system)._extra
        assert extra is not None
        assert extra.questions is None


@pytest.mark.parametrize("overflow", [Overflow.DROP_OLDEST, Overflow.DROP_NEWEST, Overflow.GAP])
async def test_a_question_that_a_full_mailbox_drops_ends_at_once(overflow: Overflow) -> None:
    """Also where `tell` says that all is well: the sender of a hint need not care, who asks a question waits."""
    reply: Awaited[int] = Awaited()
    async with open_system(tree(counter(mailbox=Mailbox(1, overflow)))) as system:
        address = the(system)
        if overflow is not Overflow.DROP_OLDEST:
            address.tell(Add())
        put(address, Read(reply), reply)
        if overflow is Overflow.DROP_OLDEST:
            address.tell(Add())
        with pytest.raises(Refused):
            await reply.wait(60.0)
        await quiet()
        assert await ask(address, Read, 1.0) == 1
        assert address.statistics().dropped == 1


@pytest.mark.parametrize("overflow", [Overflow.DROP_OLDEST, Overflow.DROP_NEWEST, Overflow.GAP])
async def test_a_question_that_a_full_inbox_drops_ends_at_once(overflow: Overflow) -> None:
    inbox = Inbox(1, overflow)
    if overflow is Overflow.DROP_OLDEST:
        reply: Awaited[int] = Awaited()
        inbox.tell(Read(reply))
        inbox.tell("the next one")
        with pytest.raises(Refused):
            await reply.wait(60.0)
    else:
        inbox.tell("already there")
        with pytest.raises(Refused):
            await ask(inbox, Ponder, 60.0)
