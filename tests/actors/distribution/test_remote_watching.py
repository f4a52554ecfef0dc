"""Actors on other nodes are watched like any: each death is heard of once, behind what was told before."""

from __future__ import annotations

from dataclasses import replace

import pytest
import trio
from trio.testing import MockClock

from actors import (
    NO_SUCH_ACTOR,
    NORMAL,
    Distribution,
    Down,
    Intensity,
    Mailbox,
    RemoteCrash,
    RemoteReason,
    Restart,
    SupervisorSpec,
    TaskSpec,
    Unreachable,
    open_system,
)
from tests.actors.distribution.pairs import Pair, downs, scripted
from tests.actors.distribution.small_nodes import LIMITS, JsonCodec, open_place
from tests.actors.small_actors import Add, Crash, End, Script, Unwatch, Watch, quiet, recorder


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
        assert pair.b.there.losses().resets == 1

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
            assert c.there.losses().undelivered == 2
            assert c.there.statistics()[0].watchers == 0

    async def test_nobody_links_across_nodes(self, pair: Pair) -> None:
        with pytest.raises(TypeError, match="another node"):
            pair.a.system.links.link(pair.a.recorder, pair.a.there.address("b", "recorder"))
