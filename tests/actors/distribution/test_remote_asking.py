"""Actors on other nodes are asked like any, and no question ends in silence."""

from __future__ import annotations

import pytest
import trio
from trio.testing import MockClock

from actors import (
    Address,
    Answer,
    Crashed,
    Mailbox,
    NoAnswer,
    Refused,
    RemoteCrash,
    Reply,
    Stopped,
    TimedOut,
    Unreachable,
    ask,
)
from tests.actors.distribution.pairs import Pair, scripted
from tests.actors.distribution.small_nodes import LIMITS, open_place
from tests.actors.small_actors import Add, Crash, End, Ponder, Read, quiet


async def expect(asked: Address, failure: type[Exception], error: str = "") -> None:
    """Ask, and fail: if by a crash, then by this one."""
    with pytest.raises(failure) as caught:
        await ask(asked, Ponder, 60.0)
    if error:
        assert isinstance(caught.value.__cause__, RemoteCrash)
        assert caught.value.__cause__.error == error
        assert error in caught.value.__cause__.text


class TestAsking:
    async def test_a_question_is_answered(self, autojump_clock: MockClock, pair: Pair) -> None:
        apples = pair.a.there.address("b", "counters/apples")
        apples.tell(Add(5))
        assert await ask(apples, Read, 1.0) == 5
        here = pair.b.system.dynamic("counters").find("apples")
        assert here is not None
        assert here._more().questions is None
        assert (pair.a.there.statistics()[0].questions, pair.b.there.statistics()[0].asked_here) == (0, 0)

    async def test_an_actor_asks_too(self, pair: Pair) -> None:
        apples = pair.a.there.address("b", "counters/apples")
        script, heard = scripted(pair.a)
        script.tell(lambda actor: actor.send_request(apples, Read, seconds=1.0, label="apples"))
        await quiet()
        assert heard == [Answer("apples", 0)]

    async def test_a_crash_ends_the_question_at_once(self, autojump_clock: MockClock, pair: Pair) -> None:
        apples = pair.a.there.address("b", "counters/apples")
        async with trio.open_nursery() as nursery:
            nursery.start_soon(expect, apples, Crashed, "Boom")
            await quiet()
            apples.tell(Crash("it was too heavy"))
        assert trio.current_time() < 1.0

    async def test_a_stop_ends_the_question_at_once(self, autojump_clock: MockClock, pair: Pair) -> None:
        apples = pair.a.there.address("b", "counters/apples")
        async with trio.open_nursery() as nursery:
            nursery.start_soon(expect, apples, Stopped)
            await quiet()
            apples.tell(End())

    async def test_the_end_of_a_node_ends_the_question_at_once(self, autojump_clock: MockClock, pair: Pair) -> None:
        apples = pair.a.there.address("b", "counters/apples")
        async with trio.open_nursery() as nursery:
            nursery.start_soon(expect, apples, Unreachable)
            await quiet()
            pair.network.leave("b")
        assert trio.current_time() < 1.0

    async def test_a_cut_ends_the_question_when_the_link_is_given_up(
        self, autojump_clock: MockClock, pair: Pair
    ) -> None:
        pair.cut()
        await expect(pair.a.there.address("b", "counters/apples"), Unreachable)
        assert trio.current_time() == pytest.approx(LIMITS.link.time_out, abs=0.1)
        with pytest.raises(Unreachable):
            await ask(pair.a.there.address("b", "counters/apples"), Read, 60.0)
        assert trio.current_time() < 2 * LIMITS.link.time_out, "who is known not to answer is not waited for"

    async def test_nobody_by_this_name_is_as_good_as_stopped(self, autojump_clock: MockClock, pair: Pair) -> None:
        with pytest.raises(Stopped, match="there is no nobody on b"):
            await ask(pair.a.there.address("b", "nobody"), Read, 1.0)

    async def test_a_question_that_is_out_of_time_is_forgotten_there_too(
        self, autojump_clock: MockClock, pair: Pair
    ) -> None:
        apples = pair.a.there.address("b", "counters/apples")
        with pytest.raises(TimedOut):
            await ask(apples, Ponder, 0.1)
        await quiet()
        assert (pair.a.there.statistics()[0].questions, pair.b.there.statistics()[0].asked_here) == (0, 0)

    async def test_who_is_full_refuses(self, autojump_clock: MockClock, pair: Pair) -> None:
        async with open_place(pair.network, "c", mailbox=Mailbox(limit=3)) as c:
            await quiet()
            apples = pair.a.there.address("c", "counters/apples")
            script, heard = scripted(pair.a)
            for _ in range(5):
                script.tell(lambda actor: actor.send_request(apples, Ponder, seconds=1.0))
            await quiet()
            assert [type(refusal.failure) for refusal in heard if isinstance(refusal, NoAnswer)] == [Refused, Refused]
            assert c.there.statistics()[0].asked_here == 3

    async def test_an_answer_that_crosses_with_the_end_of_patience_is_dropped(
        self, autojump_clock: MockClock, pair: Pair
    ) -> None:
        script, _ = scripted(pair.b, "between")
        with pytest.raises(TimedOut):
            await ask(pair.a.there.address("b", "between"), Ponder, 0.1)
        script.tell(lambda actor: actor.kept.pop().reply_to.tell(5))
        await quiet()
        assert pair.a.there.losses().resets == 0

    async def test_who_is_asked_over_a_link_that_is_lost_asks_nobody_any_more(self, pair: Pair) -> None:
        script, _ = scripted(pair.b, "between")
        kept: list[Reply[int]] = []
        async with trio.open_nursery() as nursery:
            nursery.start_soon(expect, pair.a.there.address("b", "between"), Unreachable)
            await quiet()
            script.tell(lambda actor: kept.append(actor.kept.pop().reply_to))
            await quiet()
            before = kept[0].over
            pair.b.there.node_down("a")
            assert (before, kept[0].over) == (False, True)
            assert not kept[0].tell(5)
            kept[0].fail(Refused("too late"))
            pair.b.there.node_up("a")

    async def test_an_answer_may_have_a_question_in_it(self, autojump_clock: MockClock, pair: Pair) -> None:
        apples = pair.b.system.dynamic("counters").start("apples")
        script, _ = scripted(pair.b, "between")
        answers: list[Read] = []

        async def wait() -> None:
            answers.append(await ask(pair.a.there.address("b", "between"), Read, 5.0))  # type: ignore[arg-type]

        async def ask_back(question: Read) -> None:
            assert await ask(apples, lambda reply: answer_with(question, reply), 5.0) == 7

        def answer_with(question: Read, reply: Reply[int]) -> Add:
            question.reply_to.tell(Read(reply))
            return Add()

        async with trio.open_nursery() as nursery:
            nursery.start_soon(wait)
            await quiet()
            questions: list[Read] = []
            script.tell(lambda actor: questions.append(actor.kept.pop()))
            await quiet()
            nursery.start_soon(ask_back, questions[0])
            await quiet()
            answers[0].reply_to.tell(7)

    async def test_questions_that_were_handed_on_in_vain_make_place_for_others(
        self, autojump_clock: MockClock, pair: Pair
    ) -> None:
        async with open_place(pair.network, "c") as c:
            await quiet()
            script, _ = scripted(pair.a)
            between, _ = scripted(pair.b, "between")
            third = pair.b.there.address("c", "counters/apples")
            remote = pair.a.there.address("b", "between")
            for _ in range(LIMITS.questions):
                script.tell(lambda actor: actor.send_request(remote, Ponder, seconds=1.0))
            await quiet()
            between.tell(lambda actor: [third.tell(question) for question in actor.kept])
            await quiet()
            assert len(c.there.peer("b").asked_here) == LIMITS.questions  # type: ignore[union-attr]
            await trio.sleep(2.0)
            assert await ask(third, Read, 1.0) == 0
            assert len(c.there.peer("b").asked_here) == 0  # type: ignore[union-attr]

    async def test_there_are_only_so_many_open_questions(self, autojump_clock: MockClock, pair: Pair) -> None:
        apples = pair.a.there.address("b", "counters/apples")
        script, heard = scripted(pair.a)
        for _ in range(LIMITS.questions + 1):
            script.tell(lambda actor: actor.send_request(apples, Ponder, seconds=1.0))
        await quiet()
        assert [type(refusal.failure) for refusal in heard if isinstance(refusal, NoAnswer)] == [Refused]
        await trio.sleep(2.0)
        assert len(heard) == LIMITS.questions + 1
        assert await ask(apples, Read, 1.0) == 0

    async def test_a_question_may_be_handed_on_to_a_third_node(self, autojump_clock: MockClock, pair: Pair) -> None:
        async with open_place(pair.network, "c"):
            await quiet()
            third = pair.b.there.address("c", "counters/apples")
            third.tell(Add(3))
            script, _ = scripted(pair.b, "between")
            answer: list[int] = []

            async def wait() -> None:
                answer.append(await ask(pair.a.there.address("b", "between"), Read, 5.0))

            async with trio.open_nursery() as nursery:
                nursery.start_soon(wait)
                await quiet()
                script.tell(lambda actor: third.tell(actor.kept.pop()))
            assert answer == [3]

    async def test_an_answer_that_cannot_cross_is_the_crash_of_who_gives_it(
        self, autojump_clock: MockClock, pair: Pair
    ) -> None:
        script, _ = scripted(pair.b, "between")
        async with trio.open_nursery() as nursery:
            nursery.start_soon(expect, pair.a.there.address("b", "between"), Crashed, "TypeError")
            await quiet()
            script.tell(lambda actor: actor.kept.pop().reply_to.tell(3.5))

    async def test_whoever_is_started_too_often_refuses_by_stopped(self, autojump_clock: MockClock, pair: Pair) -> None:
        apples = pair.a.there.address("b", "counters/apples")
        for _ in range(10):
            apples.tell(Crash())
        await quiet()
        with pytest.raises(Stopped):
            await ask(apples, Read, 1.0)
