"""What is promised of actors on other nodes: told in order, asked and watched like any, and never left in silence."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator
from dataclasses import replace

import pytest
import trio
from trio.testing import MockClock

from actors import (
    NO_SUCH_ACTOR,
    NORMAL,
    SHUTDOWN,
    ActorSpec,
    Address,
    Answer,
    Crashed,
    DeadLetter,
    Distribution,
    Down,
    Inbox,
    Intensity,
    Lifeless,
    Mailbox,
    MemoryNetwork,
    NoAnswer,
    Refused,
    RemoteAddress,
    RemoteCrash,
    RemoteReason,
    Reply,
    Restart,
    Stopped,
    SupervisorSpec,
    System,
    TaskSpec,
    TimedOut,
    Unreachable,
    ask,
    change_code,
    open_system,
    suspend,
    trace,
)
from actors.distribution.envelopes import Envelope
from actors.distribution.packets import HEADER, Kind, Packet
from tests.actors.distribution.small_nodes import LIMITS, Hello, JsonCodec, Place, open_place, open_places
from tests.actors.small_actors import Add, Boom, Crash, End, Ponder, Read, Script, Unwatch, Watch, quiet, recorder


class Pair:
    """Two nodes and the network between them."""

    def __init__(self, network: MemoryNetwork, a: Place, b: Place) -> None:
        self.network = network
        self.a = a
        self.b = b

    def cut(self) -> None:
        """Nothing gets through any more."""
        self.network.cut("a", "b")
        self.network.cut("b", "a")

    def mend(self) -> None:
        """It does again."""
        self.network.mend("a", "b")
        self.network.mend("b", "a")


@pytest.fixture
async def pair(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Pair]:
    monkeypatch.setattr(logging.getLogger("actors.supervisor"), "disabled", True)
    async with open_places("a", "b") as (network, (a, b)):
        await quiet()
        yield Pair(network, a, b)


def downs(place: Place) -> list[tuple[object, type | object]]:
    """The deaths its recorder has heard of: whose, and the reason or its class."""
    return [
        (down.address.name, type(down.reason) if down.crashed else down.reason)
        for down in place.log
        if isinstance(down, Down)
    ]


async def expect(asked: Address, failure: type[Exception], error: str = "") -> None:
    """Ask, and fail: if by a crash, then by this one."""
    with pytest.raises(failure) as caught:
        await ask(asked, Ponder, 60.0)
    if error:
        assert isinstance(caught.value.__cause__, RemoteCrash)
        assert caught.value.__cause__.error == error
        assert error in caught.value.__cause__.text


class TestTelling:
    async def test_messages_arrive_in_order_on_another_node(self, pair: Pair) -> None:
        remote = pair.a.there.address("b", "recorder")
        for number in range(500):
            assert remote.tell(number)
        await quiet()
        assert pair.b.log == list(range(500))

    async def test_somebody_may_be_started_for_a_message(self, pair: Pair) -> None:
        assert pair.a.there.address("b", "counters/apples").tell(Add(5))
        await quiet()
        assert pair.b.system.dynamic("counters").find("apples") is not None

    async def test_nobody_is_started_for_an_answer(self, pair: Pair) -> None:
        assert pair.a.there.address("b", "counters/apples").answer(Add(5))
        await quiet()
        assert pair.b.system.dynamic("counters").find("apples") is None
        assert pair.b.there.statistics()[0].undelivered == 1

    async def test_what_is_urgent_comes_first(self, pair: Pair) -> None:
        recorder = pair.a.there.address("b", "recorder")
        recorder.tell(1)
        recorder.tell(2)
        recorder.urgent(3)
        await quiet()
        assert pair.b.log == [3, 1, 2]

    async def test_what_is_told_in_one_slice_goes_in_one_packet(self, pair: Pair) -> None:
        before = pair.network.carried
        for number in range(100):
            pair.a.there.address("b", "recorder").tell(number)
        await quiet()
        assert len(pair.b.log) == 100
        assert pair.network.carried - before == 1

    async def test_what_is_told_to_many_nodes_is_made_bytes_of_once(
        self, pair: Pair, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        encoded: list[object] = []
        encode = JsonCodec.encode

        def counting(codec: JsonCodec, message: object) -> bytes:
            encoded.append(message)
            return encode(codec, message)

        monkeypatch.setattr(JsonCodec, "encode", counting)
        async with open_place(pair.network, "c") as c:
            await quiet()
            for message in (Hello(pair.a.recorder, "one"), Hello(pair.a.recorder, "two")):
                for node in ("b", "c"):
                    pair.a.there.address(node, "recorder").tell(message)
            await quiet()
            assert len(encoded) == 2
            assert [hello.text for hello in pair.b.log if isinstance(hello, Hello)] == ["one", "two"]
            assert [hello.text for hello in c.log if isinstance(hello, Hello)] == ["one", "two"]

    async def test_a_message_that_cannot_cross_is_refused_to_its_teller(self, pair: Pair) -> None:
        with pytest.raises(TypeError, match="cannot cross"):
            pair.a.there.address("b", "recorder").tell(3.5)
        await quiet()
        assert pair.b.log == []

    async def test_a_node_that_is_not_there_takes_nothing(self, pair: Pair) -> None:
        letters = Inbox(10)
        pair.a.system.dead_letters.watch(letters)
        nowhere = pair.a.there.address("c", "recorder")
        assert not nowhere.tell(1)
        assert not nowhere.alive
        assert letters.take_nowait(10) == [DeadLetter(nowhere, 1)]

    async def test_a_node_that_does_not_keep_up_is_told_no_more(self, autojump_clock: MockClock, pair: Pair) -> None:
        recorder = pair.a.there.address("b", "recorder")
        told = 0
        while recorder.tell("x" * 1_000):
            told += 1
        assert 90 < told < 100
        while recorder.tell("y"):
            told += 1
        assert recorder.alive
        with pytest.raises(Refused, match="full"):
            await ask(recorder, Read, 1.0)
        await quiet()
        await trio.sleep(0.1)
        assert recorder.tell("y")
        await quiet()
        assert len(pair.b.log) == told + 1

    async def test_nothing_is_sent_while_nothing_is_going_on(self, autojump_clock: MockClock, pair: Pair) -> None:
        pair.a.recorder.tell(Watch(pair.a.there.address("b", "recorder")))
        await trio.sleep(10.0)
        before = pair.network.carried
        await trio.sleep(3_600.0)
        assert pair.network.carried == before

    async def test_a_transport_that_takes_nothing_for_a_while_is_tried_again(
        self, autojump_clock: MockClock, pair: Pair
    ) -> None:
        pair.network.limit = 0
        assert pair.a.there.address("b", "recorder").tell(1)
        await trio.sleep(0.3)
        assert pair.b.log == []
        pair.network.limit = 100
        await trio.sleep(0.1)
        assert pair.b.log == [1]

    async def test_what_is_told_as_a_node_stops_is_still_sent(self, pair: Pair) -> None:
        there = Distribution("c", pair.network.transport("c"), JsonCodec)
        tree = SupervisorSpec("root", [TaskSpec("links", there.run), recorder([])])
        async with open_system(tree, distribution=there):
            pair.network.join(there)
            await quiet()
            pair.a.recorder.tell(Watch(pair.a.there.address("c", "recorder")))
            await quiet()
            assert there.statistics()[0].watchers == 1
        await quiet()
        assert downs(pair.a) == [("recorder", SHUTDOWN)]


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
        assert [statistics.resets for statistics in pair.a.there.statistics()] == [0]

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


class TestWatching:
    @pytest.mark.parametrize(
        ("message", "reason"),
        [
            (End(), NORMAL),
            (End("bored"), RemoteReason("'bored'")),
            (Crash(), RemoteCrash),
        ],
    )
    async def test_an_end_is_heard_on_another_node(self, pair: Pair, message: object, reason: object) -> None:
        counter = pair.b.system.dynamic("recorders").start("r", [])
        remote = pair.a.there.address("b", "recorders/r")
        pair.a.recorder.tell(Watch(remote))
        await quiet()
        remote.tell(message)
        await quiet()
        assert downs(pair.a) == [("recorders/r", reason)]
        assert remote.alive is counter.alive

    async def test_a_watch_lasts_over_restarts(self, pair: Pair) -> None:
        remote = pair.a.there.address("b", "counters/apples")
        remote.tell(Add())
        pair.a.recorder.tell(Watch(remote))
        await quiet()
        for message in (Crash(), Crash(), End()):
            remote.tell(message)
        await quiet()
        heard = [down for down in pair.a.log if isinstance(down, Down)]
        assert [down.incarnation for down in heard] == [1, 2, 3]
        assert [down.crashed for down in heard] == [True, True, False]
        assert not remote.alive
        assert pair.b.there.statistics()[0].watchers == pair.a.there.statistics()[0].watched == 0

    async def test_every_life_that_ends_in_one_breath_is_told_of(self, pair: Pair) -> None:
        remote = pair.a.there.address("b", "counters/apples")
        remote.tell(Add())
        pair.a.recorder.tell(Watch(remote))
        await quiet()
        apples = pair.b.system.dynamic("counters").find("apples")
        assert apples is not None
        for _ in range(2):
            apples.tell(Crash())
        await quiet()
        assert len(downs(pair.a)) == 2

    async def test_a_death_comes_behind_all_that_the_dead_had_told(self, pair: Pair) -> None:
        script, _ = scripted(pair.b, "between")
        pair.a.recorder.tell(Watch(pair.a.there.address("b", "between")))
        await quiet()
        back = pair.b.there.address("a", "recorder")

        def tell_and_die(actor: Script) -> None:
            for number in range(3):
                back.tell(number)
            actor.stop()

        script.tell(tell_and_die)
        await quiet()
        assert pair.a.log[:3] == [0, 1, 2]
        assert downs(pair.a) == [("between", NORMAL)]
        assert isinstance(pair.a.log[3], Down)

    async def test_a_death_comes_before_what_the_next_life_tells(self, pair: Pair) -> None:
        script, _ = scripted(pair.b, "between")
        pair.a.recorder.tell(Watch(pair.a.there.address("b", "between")))
        await quiet()
        back = pair.b.there.address("a", "recorder")
        script.tell(lambda actor: actor.crash())
        script.tell(lambda actor: back.tell("the next life"))
        await quiet()
        assert isinstance(pair.a.log[0], Down)
        assert pair.a.log[1:] == ["the next life"]

    async def test_nobody_by_this_name_is_down_already(self, pair: Pair) -> None:
        pair.a.recorder.tell(Watch(pair.a.there.address("b", "counters/apples")))
        await quiet()
        assert downs(pair.a) == [("counters/apples", NO_SUCH_ACTOR)]

    async def test_told_first_and_watched_then_it_is_there(self, pair: Pair) -> None:
        remote = pair.a.there.address("b", "counters/apples")
        remote.tell(Add())
        pair.a.recorder.tell(Watch(remote))
        await quiet()
        assert downs(pair.a) == []

    async def test_a_node_that_is_not_there_is_down_already(self, pair: Pair) -> None:
        pair.a.recorder.tell(Watch(pair.a.there.address("c", "recorder")))
        await quiet()
        assert downs(pair.a) == [("recorder", Unreachable)]

    async def test_the_death_of_a_node_is_the_death_of_all_on_it(self, pair: Pair) -> None:
        for name in ("counters/apples", "recorder"):
            pair.a.there.address("b", name).tell(Add())
            pair.a.recorder.tell(Watch(pair.a.there.address("b", name)))
        await quiet()
        pair.network.leave("b")
        await quiet()
        assert sorted(downs(pair.a), key=str) == [("counters/apples", Unreachable), ("recorder", Unreachable)]

    async def test_both_sides_hear_of_a_lost_link(self, autojump_clock: MockClock, pair: Pair) -> None:
        pair.a.recorder.tell(Watch(pair.a.there.address("b", "recorder")))
        pair.b.recorder.tell(Watch(pair.b.there.address("a", "recorder")))
        await quiet()
        pair.network.drop("a", "b")
        pair.a.there.address("b", "recorder").tell("the last of a burst")
        await trio.sleep(5.0)
        assert downs(pair.a) == downs(pair.b) == [("recorder", Unreachable)]
        assert "the last of a burst" not in pair.b.log

    async def test_after_a_reset_it_is_watched_anew(self, autojump_clock: MockClock, pair: Pair) -> None:
        remote = pair.a.there.address("b", "recorder")
        pair.cut()
        pair.a.recorder.tell(Watch(remote))
        await trio.sleep(5.0)
        assert downs(pair.a) == [("recorder", Unreachable)]
        pair.mend()
        await trio.sleep(2.0)
        assert pair.a.there.reaches("b")
        pair.a.recorder.tell(Watch(remote))
        remote.tell(End())
        await quiet()
        assert downs(pair.a) == [("recorder", Unreachable), ("recorder", NORMAL)]

    async def test_a_node_may_come_back(self, autojump_clock: MockClock, pair: Pair) -> None:
        remote = pair.a.there.address("b", "recorder")
        pair.a.recorder.tell(Watch(remote))
        await quiet()
        pair.a.there.node_down("b")
        assert not remote.tell(1)
        pair.a.there.node_up("b")
        await trio.sleep(1.0)
        assert remote.tell(2)
        await quiet()
        assert pair.b.log == [2]
        assert pair.b.there.statistics()[0].watchers == 0
        assert pair.b.there.statistics()[0].resets == 1

    async def test_a_watch_is_over_when_the_supervisor_gives_up(self, pair: Pair) -> None:
        there = Distribution("c", pair.network.transport("c"), JsonCodec)
        fragile = SupervisorSpec("fragile", [recorder([])], intensity=Intensity(0, 1.0), restart=Restart.TEMPORARY)
        tree = SupervisorSpec("root", [TaskSpec("links", there.run), fragile])
        async with open_system(tree, distribution=there):
            pair.network.join(there)
            await quiet()
            remote = pair.a.there.address("c", "recorder")
            pair.a.recorder.tell(Watch(remote))
            await quiet()
            remote.tell(Crash())
            await quiet()
            assert downs(pair.a) == [("recorder", RemoteCrash)]
            assert sum(statistics.watched for statistics in pair.a.there.statistics()) == 0
            assert not remote.alive

    async def test_two_who_watch_are_one_watch_across(self, pair: Pair) -> None:
        remote = pair.a.there.address("b", "recorder")
        log: list[object] = []
        second = pair.a.system.dynamic("recorders").start("second", log)
        for watcher in (pair.a.recorder, second):
            watcher.tell(Watch(remote))
        await quiet()
        assert pair.b.there.statistics()[0].watchers == 1
        pair.a.recorder.tell(Unwatch(remote))
        await quiet()
        assert pair.b.there.statistics()[0].watchers == 1
        remote.tell(End())
        await quiet()
        assert downs(pair.a) == []
        assert len(log) == 1

    async def test_who_has_ended_watches_no_more(self, pair: Pair) -> None:
        log: list[object] = []
        second = pair.a.system.dynamic("recorders").start("second", log)
        second.tell(Watch(pair.a.there.address("b", "recorder")))
        await quiet()
        second.tell(End())
        await quiet()
        assert pair.b.there.statistics()[0].watchers == 0

    async def test_there_are_only_so_many_watches(self, pair: Pair) -> None:
        limits = replace(LIMITS, watches=1)
        async with open_place(pair.network, "c", limits) as c:
            await quiet()
            for key in ("one", "two"):
                c.system.dynamic("recorders").start(key, [])
                pair.a.recorder.tell(Watch(pair.a.there.address("c", f"recorders/{key}")))
            await quiet()
            assert downs(pair.a) == [("recorders/two", Unreachable)]

    async def test_who_missed_a_message_because_it_was_full_is_as_good_as_lost(self, pair: Pair) -> None:
        async with open_place(pair.network, "c", mailbox=Mailbox(limit=3)) as c:
            await quiet()
            apples = pair.a.there.address("c", "counters/apples")
            apples.tell(Add())
            pair.a.recorder.tell(Watch(apples))
            await quiet()
            for _ in range(5):
                apples.tell(Add())
            await quiet()
            assert downs(pair.a) == [("counters/apples", Unreachable)]
            assert c.there.statistics()[0].undelivered == 2
            assert c.there.statistics()[0].watchers == 0

    async def test_nobody_links_across_nodes(self, pair: Pair) -> None:
        with pytest.raises(TypeError, match="another node"):
            pair.a.system.links.link(pair.a.recorder, pair.a.there.address("b", "recorder"))


class TestAddresses:
    async def test_there_is_one_for_a_node_and_a_name(self, pair: Pair) -> None:
        remote = pair.a.there.address("b", "recorder")
        assert isinstance(remote, RemoteAddress)
        assert pair.a.there.address("b", "recorder") is remote
        assert (remote.node, remote.name, remote.path) == ("b", "recorder", "b:recorder")
        assert remote.statistics().state == "remote"

    async def test_of_this_node_it_is_the_actors_own(self, pair: Pair) -> None:
        assert pair.a.there.address("a", "recorder") is pair.a.recorder
        apples = pair.a.system.dynamic("counters").start("apples")
        assert pair.a.there.address("a", "counters/apples") is apples

    async def test_of_nobody_on_this_node_it_has_stopped(self, autojump_clock: MockClock, pair: Pair) -> None:
        nobody = pair.a.there.address("a", "counters/none")
        assert not nobody.tell(1)
        with pytest.raises(Stopped):
            await ask(nobody, Read, 1.0)
        pair.a.recorder.tell(Watch(nobody))
        await quiet()
        assert downs(pair.a) == [("counters/none", NORMAL)]

    async def test_one_in_a_message_means_the_same_actor_there(self, pair: Pair) -> None:
        async with open_place(pair.network, "c") as c:
            await quiet()
            for sender in (
                pair.a.recorder,
                pair.a.there.address("b", "recorder"),
                pair.a.there.address("c", "recorder"),
            ):
                pair.a.there.address("c", "recorder").tell(Hello(sender))
            await quiet()
            senders = [hello.sender for hello in c.log if isinstance(hello, Hello)]
            assert senders == [
                c.there.address("a", "recorder"),
                c.there.address("b", "recorder"),
                c.recorder,
            ]
            senders[0].tell("back")
            await quiet()
            assert pair.a.log == ["back"]

    async def test_one_without_a_name_cannot_be_spoken_of(self, pair: Pair) -> None:
        nameless = pair.a.system.dynamic("recorders").start(None, [])
        with pytest.raises(TypeError, match="no name"):
            pair.a.there.address("b", "recorder").tell(Hello(nameless))

    async def test_nobody_here_changes_suspends_or_groups_it(self, pair: Pair) -> None:
        remote = pair.a.there.address("b", "recorder")
        with pytest.raises(Lifeless):
            suspend(remote)
        with pytest.raises(Lifeless):
            change_code(remote, Keeping)
        with pytest.raises(Lifeless):
            trace(remote, Inbox(1), seconds=1.0)
        pair.a.system.join("all", remote)
        assert pair.a.system.members("all") == ()

    async def test_a_reply_is_spoken_of_in_a_message_only(self, pair: Pair) -> None:
        with pytest.raises(ValueError, match="within a message"):
            pair.a.there.imported("?5")
        with pytest.raises(ValueError, match="neither"):
            pair.a.there.imported("nonsense")

    @pytest.mark.parametrize("name", ["", "a:b", "a?"])
    def test_a_node_is_not_called_so(self, name: str) -> None:
        with pytest.raises(ValueError, match="cannot be called"):
            Distribution(name, MemoryNetwork().transport("x"), JsonCodec)

    async def test_a_distribution_has_one_system(self, pair: Pair) -> None:
        with pytest.raises(RuntimeError, match="has a system"):
            System(SupervisorSpec("root"), distribution=pair.a.there)


class TestOtherVersions:
    async def test_a_message_that_is_not_known_here_is_passed_over(
        self, autojump_clock: MockClock, pair: Pair, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        newer = pair.a.there.address("b", "recorder")
        monkeypatch.setattr("tests.actors.distribution.small_nodes.UNKNOWN", {"Add", "Read"})
        newer.tell(Add())
        newer.tell("known")
        with pytest.raises(Refused, match="understand"):
            await ask(newer, Read, 1.0)
        assert pair.b.log == ["known"]
        assert pair.b.there.statistics()[0].not_understood == 2
        assert "not understood here (2)" in caplog.text

    async def test_an_answer_that_is_not_known_here_ends_the_question(
        self, autojump_clock: MockClock, pair: Pair, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        script, _ = scripted(pair.b, "between")
        async with trio.open_nursery() as nursery:

            async def wait() -> None:
                with pytest.raises(Refused, match="understand"):
                    await ask(pair.a.there.address("b", "between"), Read, 5.0)

            nursery.start_soon(wait)
            await quiet()
            monkeypatch.setattr("tests.actors.distribution.small_nodes.UNKNOWN", {"Add"})
            script.tell(lambda actor: actor.kept.pop().reply_to.tell(Add()))

    async def test_an_envelope_of_an_unknown_kind_is_passed_over(self, pair: Pair) -> None:
        peer = pair.a.there.peer("b")
        assert peer is not None
        peer.post(Envelope(200, 7, "whatever", b"it says"))
        pair.a.there.address("b", "recorder").tell("known")
        await quiet()
        assert pair.b.log == ["known"]
        assert pair.b.there.statistics()[0].not_understood == 1

    async def test_an_envelope_that_is_none_is_passed_over(self, pair: Pair) -> None:
        peer = pair.a.there.peer("b")
        assert peer is not None
        assert peer.link.take(b"?", trio.current_time())
        pair.a.there.address("b", "recorder").answer("known")
        await quiet()
        assert pair.b.log == ["known"]
        assert pair.b.there.statistics()[0].not_understood == 1

    async def test_a_node_of_another_major_version_is_treated_as_down(
        self, pair: Pair, caplog: pytest.LogCaptureFixture
    ) -> None:
        remote = pair.a.there.address("b", "recorder")
        pair.a.recorder.tell(Watch(remote))
        await quiet()
        pair.a.there.received("b", bytes((2,)) + Packet(Kind.DATA, 1, 1).encoded()[1:])
        await quiet()
        assert downs(pair.a) == [("recorder", Unreachable)]
        assert not remote.tell(1)
        assert pair.a.there.nodes == ()
        assert "version 2" in caplog.text
        pair.a.there.received("b", Packet(Kind.GREETING, 1, 0).encoded())
        assert not remote.alive, "until somebody says that it is up"

    @pytest.mark.parametrize("data", [b"", b"\x01", b"\x01" * HEADER.size, b"\x01" * 500])
    async def test_what_is_no_packet_harms_nobody(self, pair: Pair, data: bytes) -> None:
        pair.a.there.received("b", data)
        pair.a.there.received("nobody", data)
        pair.a.there.address("b", "recorder").tell(1)
        await quiet()
        assert pair.b.log == [1]


class Keeping(Script):
    """Does what it is told to do, keeps questions, and writes down what it hears."""

    __slots__ = ("heard", "kept")

    def __init__(self, heard: list[object]) -> None:
        self.heard = heard
        self.kept: list[object] = []

    def crash(self) -> None:
        """What crashes on purpose does."""
        raise Boom

    def receive(self, message: object) -> None:
        if callable(message):
            message(self)
        elif isinstance(message, (Answer, NoAnswer)):
            self.heard.append(message)
        else:
            self.kept.append(message)


def scripted(place: Place, name: str = "scripted") -> tuple[Address, list[object]]:
    """One who does what it is told to do, and what it hears."""
    heard: list[object] = []
    return place.system.spawn(ActorSpec(name, Keeping, (heard,), name=name)), heard
