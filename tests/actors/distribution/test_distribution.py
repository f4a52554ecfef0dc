"""What is promised of actors on other nodes: told in order, found by name, understood or said not to be."""

from __future__ import annotations

import pytest
import trio
from trio.testing import MockClock

from actors import (
    NORMAL,
    SHUTDOWN,
    DeadLetter,
    Distribution,
    Inbox,
    Lifeless,
    Losses,
    MemoryNetwork,
    Refused,
    RemoteAddress,
    Stopped,
    SupervisorSpec,
    System,
    TaskSpec,
    Unreachable,
    ask,
    change_code,
    open_system,
    suspend,
    trace,
)
from actors.distribution.envelopes import Envelope
from actors.distribution.packets import HEADER, Kind, Packet
from tests.actors.distribution.pairs import Keeping, Pair, downs, scripted
from tests.actors.distribution.small_nodes import Hello, JsonCodec, open_place
from tests.actors.small_actors import Add, Read, Watch, quiet, recorder


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
        assert pair.b.there.losses().undelivered == 1

    async def test_what_is_urgent_comes_first(self, pair: Pair) -> None:
        recorder = pair.a.there.address("b", "recorder")
        recorder.tell(1)
        recorder.tell(2)
        recorder.urgent(3)
        await quiet()
        assert pair.b.log == [3, 1, 2]

    async def test_what_is_told_in_one_slice_goes_in_one_packet(self, pair: Pair) -> None:
        pair.a.there.address("b", "recorder").tell("which opens the link")
        await quiet()
        before = pair.network.carried
        for number in range(100):
            pair.a.there.address("b", "recorder").tell(number)
        await quiet()
        assert len(pair.b.log) == 101
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

    async def test_what_came_to_nothing_is_counted_also_with_nodes_that_are_gone(self, pair: Pair) -> None:
        pair.a.there.address("b", "nobody").tell(1)
        await quiet()
        assert pair.b.there.losses() == Losses(undelivered=1)
        pair.b.there.node_down("a")
        assert pair.b.there.statistics() == ()
        assert pair.b.there.losses() == Losses(undelivered=1, resets=1)

    async def test_nothing_is_sent_while_nothing_is_going_on(self, autojump_clock: MockClock, pair: Pair) -> None:
        pair.a.recorder.tell(Watch(pair.a.there.address("b", "recorder")))
        await trio.sleep(10.0)
        before = pair.network.carried
        await trio.sleep(3_600.0)
        assert pair.network.carried == before

    async def test_nodes_that_tell_each_other_nothing_have_no_link(self, autojump_clock: MockClock, pair: Pair) -> None:
        async with open_place(pair.network, "c") as c:
            await trio.sleep(10.0)
            assert (pair.network.carried, c.there.nodes, c.there.reaches("a")) == (0, ("a", "b"), True)
            assert c.there.address("a", "recorder").alive
            assert c.there.address("a", "recorder").tell("hello")
            await quiet()
            assert [(one.node, one.phase) for one in c.there.statistics()] == [("a", "up"), ("b", "none")]
            assert pair.a.log == ["hello"]

    async def test_many_nodes_are_waited_for_longer(self, autojump_clock: MockClock, pair: Pair) -> None:
        pair.a.there.address("b", "recorder").tell("which opens the link")
        await quiet()
        pair.a.there.wait_longer(10.0)
        pair.cut()
        pair.a.there.address("b", "recorder").tell("lost")
        await trio.sleep(9.0)
        assert pair.a.there.losses() == Losses()
        await trio.sleep(2.0)
        assert pair.a.there.losses() == Losses(resets=1)
        pair.mend()

    async def test_who_was_thought_to_be_dead_hears_that_its_link_is_over(
        self, autojump_clock: MockClock, pair: Pair
    ) -> None:
        remote = pair.a.there.address("b", "recorder")
        pair.a.recorder.tell(Watch(remote))
        await quiet()
        pair.b.there.node_down("a")
        pair.b.there.node_up("a")
        await trio.sleep(1.0)
        assert downs(pair.a) == [("recorder", Unreachable)]

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
        assert pair.b.there.losses().not_understood == 2
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
        assert pair.b.there.losses().not_understood == 1

    async def test_an_envelope_that_is_none_is_passed_over(self, pair: Pair) -> None:
        peer = pair.a.there.peer("b")
        assert peer is not None
        assert peer.link.take(b"?", trio.current_time())
        pair.a.there.address("b", "recorder").answer("known")
        await quiet()
        assert pair.b.log == ["known"]
        assert pair.b.there.losses().not_understood == 1

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
