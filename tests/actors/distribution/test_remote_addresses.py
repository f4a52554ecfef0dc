"""There is one address for each actor elsewhere: as long as somebody refers to it, or watches by it."""

from __future__ import annotations

from weakref import ref

from actors import NORMAL, Down
from actors.distribution.envelopes import Envelope, EnvelopeKind
from actors.distribution.remote_address import RemoteAddress
from actors.ties import watchers_of
from tests.actors.distribution.pairs import Pair, downs
from tests.actors.small_actors import Add, Crash, End, Unwatch, Watch, quiet


async def test_it_is_the_same_however_often_it_is_looked_for(pair: Pair) -> None:
    await quiet()
    there = pair.a.there
    apples = there.address("b", "counters/apples")
    assert there.address("b", "counters/" + "apples") is apples
    assert there.address("b", "counters/pears") is not apples
    assert there.address("c", "counters/apples") is not apples


async def test_all_of_a_node_share_its_name(pair: Pair) -> None:
    await quiet()
    names = ["-".join(("far", "away")) for _ in range(2)]
    assert names[0] is not names[1]
    first, second = (pair.a.there.addresses.find_or_make(node, "", key) for node, key in zip(names, "xy", strict=True))
    assert first.node is second.node


async def test_one_key_on_many_nodes_is_one_text(pair: Pair) -> None:
    await quiet()
    keys = ["-".join(("apples", "pears")) for _ in range(2)]
    assert keys[0] is not keys[1]
    there = pair.a.there
    on_b, on_c = (there.child_address(node, "counters", key) for node, key in zip("bc", keys, strict=True))
    assert on_b is there.address("b", "counters/apples-pears")
    assert isinstance(on_b, RemoteAddress)
    assert isinstance(on_c, RemoteAddress)
    assert on_b.key is on_c.key
    assert [on_b.name, on_c.path] == ["counters/apples-pears", "c:counters/apples-pears"]
    del on_b
    assert len(there.addresses) == 1
    assert there.address("c", "counters/apples-pears") is on_c


async def test_one_of_this_node_is_found_by_its_key(pair: Pair) -> None:
    await quiet()
    started = pair.a.system.dynamic("counters").find_or_start("apples")
    assert pair.a.there.child_address("a", "counters", "apples") is started


async def test_it_goes_with_the_last_who_refers_to_it(pair: Pair) -> None:
    await quiet()
    before = len(pair.a.there.addresses)
    apples = pair.a.there.address("b", "counters/apples")
    weakly = ref(apples)
    assert len(pair.a.there.addresses) == before + 1
    del apples
    assert weakly() is None
    assert len(pair.a.there.addresses) == before


async def test_while_it_is_watched_it_is_kept_and_no_longer(pair: Pair) -> None:
    pair.a.there.address("b", "counters/apples").tell(Add())
    for end in (End(), None):
        pair.a.there.address("b", "counters/apples").tell(Add())
        pair.a.recorder.tell(Watch(pair.a.there.address("b", "counters/apples")))
        await quiet()
        weakly = ref(pair.a.there.address("b", "counters/apples"))
        assert weakly() is not None
        if end is None:
            pair.a.recorder.tell(Unwatch(pair.a.there.address("b", "counters/apples")))
        else:
            pair.a.there.address("b", "counters/apples").tell(end)
        await quiet()
        pair.a.log.clear()  # the news of the end had it
        assert weakly() is None
    assert len(pair.a.there.addresses) == 0


async def test_what_was_watched_over_a_lost_link_is_let_go(pair: Pair) -> None:
    pair.a.recorder.tell(Watch(pair.a.there.address("b", "recorder")))
    await quiet()
    pair.a.there.node_down("b")
    await quiet()
    pair.a.log.clear()
    assert len(pair.a.there.addresses) == 0


async def test_over_a_lost_link_nobody_is_watched_from_there(pair: Pair) -> None:
    pair.a.recorder.tell(Watch(pair.a.there.address("b", "recorder")))
    await quiet()
    assert watchers_of(pair.b.recorder)
    pair.b.there.node_down("a")
    assert not watchers_of(pair.b.recorder)


async def test_an_actor_with_two_names_is_watched_by_both(pair: Pair) -> None:
    counter = pair.b.system.dynamic("recorders").start("r", [])
    pair.b.system.names.register("also r", counter)
    both = [pair.a.there.address("b", name) for name in ("recorders/r", "also r")]
    for remote in both:
        pair.a.recorder.tell(Watch(remote))
    await quiet()
    assert pair.b.there.statistics()[0].watchers == 2
    pair.a.recorder.tell(Unwatch(both[0]))
    await quiet()
    assert pair.b.there.statistics()[0].watchers == 1
    pair.a.recorder.tell(Watch(both[0]))
    await quiet()
    counter.tell(End())
    await quiet()
    assert sorted(downs(pair.a), key=str) == [("also r", NORMAL), ("recorders/r", NORMAL)]
    assert pair.b.there.statistics()[0].watchers == 0


async def test_a_node_that_gives_the_number_of_a_watch_again_means_the_later_one(pair: Pair) -> None:
    first, second = (pair.b.system.dynamic("recorders").start(key, []) for key in "rs")
    there = pair.a.there.peer("b")
    assert there is not None
    for key in "rs":
        there.post(Envelope(EnvelopeKind.WATCH, 7, f"recorders/{key}"))
    await quiet()
    assert (watchers_of(first), len(watchers_of(second))) == ((), 1)
    for one in (first, second):
        one.tell(End())
    await quiet()
    assert pair.b.there.statistics()[0].watchers == 0
    assert pair.a.there.address("b", "recorder").alive, "that has not ended the node"


async def test_two_names_hear_of_each_crash_once(pair: Pair) -> None:
    apples = pair.a.there.address("b", "counters/apples")
    apples.tell(Add())
    await quiet()
    counter = pair.b.system.dynamic("counters").find("apples")
    assert counter is not None
    pair.b.system.names.register("fruit", counter)
    for remote in (apples, pair.a.there.address("b", "fruit")):
        pair.a.recorder.tell(Watch(remote))
    await quiet()
    for _ in range(2):
        counter.tell(Crash())
        await quiet()
    heard = [(down.address.name, down.incarnation) for down in pair.a.log if isinstance(down, Down)]
    assert sorted(heard, key=str) == [("counters/apples", 1), ("counters/apples", 2), ("fruit", 1), ("fruit", 2)]
