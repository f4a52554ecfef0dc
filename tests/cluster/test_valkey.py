"""Nodes that hear each other through a real Valkey; what they see when it goes, and when one of them does."""

from __future__ import annotations

import re
import secrets
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import aclosing, asynccontextmanager

import pytest
import trio
from coredis.connection import BaseConnection

from actors import SupervisorSpec, TaskSpec, open_system
from server.cluster.engine import open_connection
from server.cluster.engine_url import read_engine_url
from server.cluster.era import Timing
from server.cluster.valkey import EngineLink
from tests.cluster.waiting import SECONDS, until
from tests.harness.valkey import ValkeyProcess

QUICK = Timing(beat=0.05, dead=1.0)


class Ears:
    """What a node was told by its link."""

    def __init__(self) -> None:
        self.heard: list[tuple[str, bytes]] = []
        self.there: set[str] = set()
        self.downs: list[str] = []
        self.patience = 1.0

    def received(self, node: str, data: bytes, /) -> None:
        assert node in self.there, "nobody hears of a node what it says before that it is there"
        self.heard.append((node, data))

    def node_up(self, node: str, /) -> None:
        assert node not in self.there
        self.there.add(node)

    def node_down(self, node: str, /) -> None:
        self.there.remove(node)
        self.downs.append(node)

    def wait_longer(self, times: float, /) -> None:
        self.patience = times


class Station:
    """A node, as far as its link goes."""

    def __init__(self, url: str, cluster: str, name: str, timing: Timing = QUICK) -> None:
        self.name = name
        self.ears = Ears()
        self.changes: list[bool] = []
        self.link = EngineLink(read_engine_url(url), cluster, name, timing)
        self.link.open(self.ears, self.changes.append)


@asynccontextmanager
async def running(*stations: Station) -> AsyncIterator[None]:
    tasks = [TaskSpec(station.name, station.link.run) for station in stations]
    async with open_system(SupervisorSpec("stations", tasks)):
        yield


@asynccontextmanager
async def engine_client(url: str) -> AsyncIterator[BaseConnection]:
    """Somebody who meddles with the engine."""
    async with trio.open_nursery() as nursery:
        yield await open_connection(nursery, read_engine_url(url), "meddler")
        nursery.cancel_scope.cancel()


def sees(station: Station, *others: Station) -> Callable[[], bool]:
    return lambda: station.link.up and station.ears.there == {other.name for other in others}


@pytest.fixture
def cluster() -> str:
    return secrets.token_hex(4)


@pytest.fixture
def engine() -> Iterator[ValkeyProcess]:
    """One that may be killed."""
    with ValkeyProcess() as process:
        yield process


async def test_what_is_said_to_a_node_is_heard_by_it_alone_in_order(engine_url: str, cluster: str) -> None:
    a, b, c = (Station(engine_url, cluster, name) for name in ("a", "b", "c"))
    async with running(a, b, c):
        for one, two, three in ((a, b, c), (b, c, a), (c, a, b)):
            await until(sees(one, two, three), "all three there")
        said = [bytes([number % 256]) * (number * 7 + 1) for number in range(500)]
        for data in said:
            assert a.link.send("b", data)
        await until(lambda: len(b.ears.heard) == len(said), "all of it")
        assert b.ears.heard == [("a", data) for data in said]
        assert not c.ears.heard
        assert a.link.live == {"b", "c"}


async def test_clusters_that_share_an_engine_do_not_meet(engine_url: str, cluster: str) -> None:
    a, b, stranger = (
        Station(engine_url, cluster, "a"),
        Station(engine_url, cluster, "b"),
        Station(engine_url, "other", "x"),
    )
    async with running(a, b, stranger):
        await until(sees(a, b), "a sees b")
        await until(sees(b, a), "b sees a")
        await until(sees(stranger), "the other cluster is up")


async def test_who_leaves_in_order_is_gone_at_once(engine_url: str, cluster: str) -> None:
    a, b = Station(engine_url, cluster, "a", Timing(beat=0.05, dead=3600)), Station(engine_url, cluster, "b")
    async with running(a):
        async with running(b):
            await until(sees(a, b), "a sees b")
        await until(sees(a), "b has said good-bye")
        assert a.link.counts.dead == 0


async def test_a_node_that_nobody_hears_is_down_before_its_beat_is_missed(engine_url: str, cluster: str) -> None:
    a = Station(engine_url, cluster, "a", Timing(beat=0.05, dead=3600))
    async with engine_client(engine_url) as client:
        await client.create_request(b"HSET", f"hubbub:{cluster}:beats", "ghost", 17)
        async with running(a):
            await until(lambda: a.ears.there == {"ghost"}, "the ghost is believed to live")
            assert a.link.send("ghost", b"anybody there?")
            await until(lambda: a.ears.downs == ["ghost"], "nobody is")


async def test_who_has_lost_its_connections_goes_on_with_its_number(engine_url: str, cluster: str) -> None:
    """A lower one nobody would heed who has not noticed; or has, but what was still on its way came last."""
    a, b = Station(engine_url, cluster, "a"), Station(engine_url, cluster, "b")
    async with engine_client(engine_url) as client, running(a, b):

        async def number() -> int:
            return int(str(await client.create_request(b"HGET", f"hubbub:{cluster}:beats", "a", decode=True)))

        await until(sees(b, a), "b sees a")
        with trio.fail_after(SECONDS):
            while (before := await number()) < 20:  # noqa: ASYNC110 - a number in the engine
                await trio.sleep(QUICK.beat)
        for connection in ("a-hears", "a-says"):
            await kill_client(client, connection)
        await until(lambda: a.changes == [True, False, True], "it has new ones")
        assert await number() >= before
        await until(sees(b, a), "b sees a again")


async def kill_client(meddler: BaseConnection, name: str) -> None:
    listed = str(await meddler.create_request(b"CLIENT", b"LIST", decode=True))
    (found,) = re.findall(rf"^id=(\d+) .* name={name} ", listed, re.MULTILINE)
    await meddler.create_request(b"CLIENT", b"KILL", b"ID", found)


async def test_an_engine_that_is_killed_and_comes_back_empty(engine: ValkeyProcess, cluster: str) -> None:
    a, b = Station(engine.url, cluster, "a"), Station(engine.url, cluster, "b")
    async with running(a, b):
        await until(sees(a, b), "a sees b")
        engine.kill()
        await until(lambda: not a.link.up and not b.link.up, "both notice")
        assert not a.ears.there
        assert not a.link.send("b", b"lost")
        assert "cannot be reached" in a.link.trouble or "lost" in a.link.trouble
        engine.start()
        await until(sees(a, b), "a sees b again")
        await until(sees(b, a), "b sees a again")
        assert a.link.send("b", b"hello")
        await until(lambda: b.ears.heard == [("a", b"hello")], "b hears")
        assert a.link.trouble == ""
        assert a.changes == [True, False, True]


async def test_an_engine_that_stands_still_is_lost_and_found(engine: ValkeyProcess, cluster: str) -> None:
    a, b = Station(engine.url, cluster, "a"), Station(engine.url, cluster, "b")
    async with running(a, b):
        await until(sees(a, b), "a sees b")
        engine.pause()
        await until(lambda: not a.link.up and not b.link.up, "both notice")
        assert "lost" in a.link.trouble
        engine.go_on()
        await until(sees(a, b), "a sees b again")
        await until(sees(b, a), "b sees a again")


async def test_an_engine_that_was_emptied_while_it_runs_costs_nobody_anything(
    engine: ValkeyProcess, cluster: str
) -> None:
    a, b = Station(engine.url, cluster, "a", Timing(beat=0.05, dead=2.0)), Station(engine.url, cluster, "b")
    async with running(a, b):
        await until(sees(a, b), "a sees b")
        async with engine_client(engine.url) as client:
            await client.create_request(b"FLUSHALL")
        c = Station(engine.url, cluster, "c")
        async with running(c):
            await until(sees(c, a, b), "who comes now finds both")
        assert not b.ears.downs or b.ears.downs == ["c"]


async def test_a_node_that_beats_no_more_is_missed(engine_url: str, cluster: str) -> None:
    a = Station(engine_url, cluster, "a", Timing(beat=0.05, dead=0.5))
    async with engine_client(engine_url) as client:
        await client.create_request(b"HSET", f"hubbub:{cluster}:beats", "dead", 17)
        async with running(a):
            await until(lambda: a.ears.there == {"dead"}, "it is believed to live")
            await until(lambda: a.ears.downs == ["dead"], "until it was silent for too long")
            assert a.link.counts.dead == 1
            await client.create_request(b"HSET", f"hubbub:{cluster}:beats", "dead", 18)
            await until(lambda: a.ears.there == {"dead"}, "it only slept")


async def test_who_is_silent_for_a_while_is_told_an_empty_word_which_is_nothing(engine_url: str, cluster: str) -> None:
    """Nobody hears it, if it has died."""
    a, b = Station(engine_url, cluster, "a", Timing(beat=0.05, dead=4.0)), Station(engine_url, cluster, "b")
    async with engine_client(engine_url) as client, engine_client(engine_url) as listener:
        listener.send_command(b"SUBSCRIBE", f"hubbub:{cluster}:node:silent")
        await client.create_request(b"HSET", f"hubbub:{cluster}:beats", "silent", 17)
        async with running(a, b):
            await until(sees(a, b, Station(engine_url, cluster, "silent")), "it is believed to live")
            with trio.fail_after(30.0):
                async with aclosing(listener.push_messages) as messages:
                    heard = [await anext(messages) for _ in ("subscribed", "a word")]
            assert heard[1][2] in (b"a\0", b"b\0")
        assert b.ears.heard == []


async def test_words_on_the_channels_that_are_nobodys(engine_url: str, cluster: str) -> None:
    a, b = Station(engine_url, cluster, "a"), Station(engine_url, cluster, "b")
    async with engine_client(engine_url) as client, running(a, b):
        await until(sees(a, b), "a sees b")
        for channel in (f"hubbub:{cluster}:node:a", f"hubbub:{cluster}:nodes"):
            for noise in (b"", b"\xff", b"-", b"?b", b"+a", b"-a"):
                await client.create_request(b"PUBLISH", channel, noise)
        await client.create_request(b"HSET", f"hubbub:{cluster}:beats", "c", "no number", b"\xff", "1")
        assert b.link.send("a", b"still here")
        await until(lambda: ("b", b"still here") in a.ears.heard, "a hears b")
        assert a.link.up


async def test_a_crash_of_the_task_takes_all_nodes_down_before_it_begins_anew(engine_url: str, cluster: str) -> None:
    a, b = Station(engine_url, cluster, "a"), Station(engine_url, cluster, "b")
    async with running(a, b):
        await until(sees(a, b), "a sees b")

        def refuse(_node: str, _data: bytes) -> None:
            a.ears.received = Ears().heard.append  # type: ignore[method-assign,assignment]
            raise RuntimeError("on purpose")

        a.ears.received = refuse  # type: ignore[method-assign]
        assert b.link.send("a", b"boo")
        await until(lambda: a.ears.downs == ["b"], "what was known of others is over")
        await until(sees(a, b), "a sees b again")


async def test_an_engine_that_takes_nothing_is_told_only_so_much(
    engine: ValkeyProcess, cluster: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    most, size = 5_000_000, 100_000
    monkeypatch.setattr("server.cluster.era.MOST_UNCONFIRMED", most)
    patient = Timing(beat=0.05, dead=60.0)
    a, b = Station(engine.url, cluster, "a", patient), Station(engine.url, cluster, "b", patient)
    async with running(a, b):
        await until(sees(a, b), "a sees b")
        engine.pause()
        taken = 0
        while a.link.send("b", b"x" * size):
            taken += 1
        assert taken == most // size
        assert not b.ears.heard
        engine.go_on()
        await until(lambda: len(b.ears.heard) == taken, "what was taken arrives")
        await until(lambda: a.link.send("b", b"more"), "it takes more")
        assert (a.link.counts.said, a.link.counts.losses) == (taken + 1, 0)
