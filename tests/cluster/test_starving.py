"""A node that gets so little of a processor that each round of its event loop takes up to seconds: by a clock of the
tests' own, at which every round is told to have taken so long; and a real Valkey, which has answered what was said in a
round before the next one begins.
"""

from __future__ import annotations

import secrets
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import pairwise

import pytest
import trio
from trio.abc import Clock

from server.cluster.era import Timing
from tests.cluster.test_valkey import Station, running, sees
from tests.harness.valkey import ValkeyProcess

SECONDS = 30.0
PUNCTUAL = 0.02
FOR_EVER = 1e6


@pytest.fixture
def engine() -> Iterator[ValkeyProcess]:
    with ValkeyProcess() as process:
        yield process


class Bystander:
    """Somebody with a processor of their own, who asks the engine and waits for the answer."""

    def __init__(self, engine: ValkeyProcess) -> None:
        self._socket = socket.socket(socket.AF_UNIX)
        self._socket.settimeout(60.0)
        try:
            self._socket.connect(str(engine.socket))
        except OSError:
            self._socket.close()
            raise
        self._answers = self._socket.makefile("rb")

    def close(self) -> None:
        self._answers.close()
        self._socket.close()

    def ask(self, *words: str) -> bytes:
        said = b"".join(b"$%d\r\n%s\r\n" % (len(word), word.encode()) for word in words)
        self._socket.sendall(b"*%d\r\n%s" % (len(words), said))
        answer = self._answers.readline()
        if answer.startswith(b"$") and answer != b"$-1\r\n":
            answer = self._answers.read(int(answer[1:]) + 2)
        return answer.strip()


@contextmanager
def beside(engine: ValkeyProcess) -> Iterator[Bystander]:
    bystander = Bystander(engine)
    try:
        yield bystander
    finally:
        bystander.close()


class Starved(Clock):
    """Rounds of the event loop, each of which takes a while: between them no time goes by."""

    def __init__(self, bystander: Bystander) -> None:
        self._bystander = bystander
        self._now = 0.0

    def start_clock(self) -> None:
        """It has begun."""

    def current_time(self) -> float:
        return self._now

    def deadline_to_sleep_time(self, deadline: float) -> float:
        return 0.0 if deadline <= self._now else FOR_EVER

    async def until(self, condition: Callable[[], object], seconds: float = SECONDS, *, round_of: float) -> bool:
        """Whether `condition` holds within so many seconds."""
        end = self._now + seconds
        while not condition():
            if self._now >= end:
                return False
            for _ in range(2):  # what was said before the first is answered before the second
                self._bystander.ask("PING")
            await self.goes_on(round_of)
        return True

    async def goes_on(self, seconds: float) -> None:
        self._now += seconds
        await trio.lowlevel.checkpoint()


@pytest.fixture
def bystander(engine: ValkeyProcess) -> Iterator[Bystander]:
    with beside(engine) as found:
        yield found


@pytest.fixture
def starved(bystander: Bystander) -> Starved:
    return Starved(bystander)


@pytest.fixture
def stations(engine: ValkeyProcess) -> tuple[Station, Station]:
    cluster = secrets.token_hex(4)
    a, b = (Station(engine.url, cluster, name, Timing()) for name in ("a", "b"))
    return a, b


async def meet(a: Station, b: Station, starved: Starved) -> None:
    assert await starved.until(lambda: sees(a, b)() and sees(b, a)(), round_of=PUNCTUAL)


def assert_nobody_left(*stations: Station) -> None:
    for station in stations:
        assert (station.changes, station.link.counts.losses) == ([True], 0)
        assert (station.ears.downs, station.link.counts.dead) == ([], 0)


@pytest.mark.parametrize("round_of", [0.7, 1.1, 6.0])
async def test_a_starved_node_takes_neither_the_engine_for_lost_nor_others_for_dead(
    stations: tuple[Station, Station], starved: Starved, round_of: float
) -> None:
    a, b = stations
    async with running(a, b):
        await meet(a, b, starved)

        def tells() -> bool:
            assert a.link.send("b", b"much to do")
            assert b.link.send("a", b"much to do")
            return False

        await starved.until(tells, 20 * round_of, round_of=round_of)
        assert_nobody_left(a, b)
        assert len(b.ears.heard) >= 10


async def test_a_starved_node_that_is_told_more_than_it_takes_does_not_take_the_engine_for_lost(
    stations: tuple[Station, Station], starved: Starved, bystander: Bystander
) -> None:
    """Its own word lies behind all that."""
    a, b = stations
    async with running(a, b):
        await meet(a, b, starved)
        channel = a.link._channels.own.decode()

        def is_told_much() -> bool:
            for _ in range(4):
                bystander.ask("PUBLISH", channel, "b\0" + "x" * 100_000)
            return False

        await starved.until(is_told_much, 20.0, round_of=0.7)
        assert (a.changes, a.link.counts.losses) == ([True], 0)


@pytest.mark.parametrize("round_of", [0.7, 1.2])
async def test_a_starved_node_goes_on_to_beat_so_that_nobody_takes_it_for_dead(
    stations: tuple[Station, Station], starved: Starved, bystander: Bystander, round_of: float
) -> None:
    a, b = stations
    async with running(a, b):
        await meet(a, b, starved)
        beats: list[tuple[float, int]] = []

        def look() -> bool:
            beats.append((trio.current_time(), int(bystander.ask("HGET", a.link._channels.beats.decode(), "a"))))
            return False

        await starved.until(look, 20 * round_of, round_of=round_of)
    rises = [time for (_, before), (time, beat) in pairwise(beats) if beat > before]
    assert max(later - earlier for earlier, later in pairwise(rises)) < Timing().dead


@pytest.mark.parametrize(("round_of", "within"), [(PUNCTUAL, 6.5), (0.3, 15.0), (1.1, 40.0)])
async def test_an_engine_that_stands_still_is_found_all_the_same(
    stations: tuple[Station, Station], starved: Starved, engine: ValkeyProcess, round_of: float, within: float
) -> None:
    a, _ = stations
    async with running(a):
        assert await starved.until(lambda: a.link.up, round_of=PUNCTUAL)
        engine.pause()
        since = trio.current_time()
        while a.link.up and trio.current_time() - since < within:
            await starved.goes_on(round_of)
        assert not a.link.up
        engine.go_on()
        assert await starved.until(lambda: a.link.up, round_of=PUNCTUAL)


async def test_among_nodes_in_time_one_that_is_silent_is_found_as_soon_as_ever(
    stations: tuple[Station, Station], starved: Starved, bystander: Bystander
) -> None:
    a, b = stations
    async with running(a, b):
        await meet(a, b, starved)
        bystander.ask("HSET", a.link._channels.beats.decode(), "silent", "17")
        assert await starved.until(lambda: "silent" in a.ears.there, round_of=PUNCTUAL)
        bystander.ask("SUBSCRIBE", a.link._channels.of("silent").decode())
        assert await starved.until(lambda: "silent" not in a.ears.there, 6.5, round_of=PUNCTUAL)
