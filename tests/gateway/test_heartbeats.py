"""Heartbeats: the rule as arithmetic, the walks over real sockets, and what is told when the interval changes."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st
from trio.testing import MockClock, wait_all_tasks_blocked

from actors import lifecycle
from server.gateway.connection import Connection
from server.gateway.heartbeats import Verdict, jittered, verdict
from server.gateway.limits import GatewayLimits
from tests.gateway.doorway import Client, Door, frame, open_door

INTERVAL = 30.0
FEW_PROCESSORS = 6e-5
"""So little that one connection has an interval of 45 s, and two have one of 90."""


def verdicts(last_byte: float, sweeps_every: float, until: float) -> list[tuple[float, Verdict]]:
    """What a socket that falls silent at `last_byte` is told."""
    told: list[tuple[float, Verdict]] = []
    now = 0.0
    while now < until:
        now += sweeps_every
        if now > last_byte and (said := verdict(now - last_byte, sweeps_every, INTERVAL)) is not Verdict.WAIT:
            told.append((now, said))
            if said is Verdict.CLOSE:
                break
    return told


@given(st.floats(0, 100), st.floats(0.1, 3.0))
def test_silence_is_pinged_twice_and_then_closed(last_byte: float, sweeps_every: float) -> None:
    told = verdicts(last_byte, sweeps_every, 400.0)
    assert [said for _, said in told] == [Verdict.PING, Verdict.PING, Verdict.CLOSE]
    for (at, _), intervals in zip(told, (1, 2, 2.5), strict=True):
        assert -1e-6 <= at - (last_byte + intervals * INTERVAL) <= sweeps_every + 1e-6


def test_who_speaks_is_left_alone() -> None:
    assert verdict(29.9, 3.0, INTERVAL) is Verdict.WAIT


@given(st.integers(0, 100_000))
def test_an_interval_is_at_most_a_tenth_shorter(descriptor: int) -> None:
    assert 0.9 * INTERVAL <= jittered(INTERVAL, descriptor) <= INTERVAL


def test_a_crowd_is_spread() -> None:
    assert len({round(jittered(INTERVAL, descriptor), 3) for descriptor in range(1_000)}) > 900


async def test_a_silent_client_is_pinged_and_closed_when_it_stays_silent() -> None:
    async with open_door(GatewayLimits(heartbeat_seconds=0.2, stop_seconds=0.5, close_seconds=0.5)) as door:
        client = await door.welcomed()
        assert await client.frame() == (9, b"")
        assert await client.close_code() == 4003


async def test_a_client_that_answers_pings_stays() -> None:
    async with open_door(GatewayLimits(heartbeat_seconds=0.5, stop_seconds=0.5, close_seconds=0.5)) as door:
        client = await door.welcomed()
        for _ in range(3):
            assert await client.frame() == (9, b"")
            await client.send(frame(10, b""))
        await client.say({"op": "ping"})
        assert await client.hear() == {"op": "pong"}


async def test_a_socket_whose_connection_is_gone_is_closed(monkeypatch: pytest.MonkeyPatch) -> None:
    async with open_door(GatewayLimits(heartbeat_seconds=0.2, stop_seconds=0.5, close_seconds=0.5)) as door:
        client = await door.welcomed()
        (connection,) = door.connections
        with monkeypatch.context() as broken:
            broken.setattr(Connection, "_release", lambda _: None)
            lifecycle.kill(connection, RuntimeError("it could not even close its socket"))
        assert not connection.alive
        await client.ends()


# --- the interval changes ----------------------------------------------------------------------------------------


class Passing:
    """Time, second by second, with everything done in between that is due."""

    def __init__(self, clock: MockClock) -> None:
        self._clock = clock

    async def seconds(self, seconds: int) -> None:
        for _ in range(seconds):
            self._clock.jump(1.0)
            await wait_all_tasks_blocked()

    async def until(self, condition: Callable[[], bool], most: int = 1_000) -> int:
        """How many seconds it took."""
        for second in range(most):
            if condition():
                return second
            await self.seconds(1)
        raise AssertionError("it never came true")


def limits(longest: float = 900.0, processors: float = FEW_PROCESSORS) -> GatewayLimits:
    return GatewayLimits(heartbeat_longest_seconds=longest, processors=processors, stop_seconds=0.5)


def said_to(client: Client) -> list[str | int]:
    """All frames that have come since the last look: "ping", the milliseconds of a `heartbeat`, the code of a close."""
    said: list[str | int] = []
    with suppress(BlockingIOError):
        data = os.read(client.socket.fileno(), 65_536)
        while data:
            payload, opcode = data[2 : 2 + data[1]], data[0] & 0x0F
            if opcode == 1:
                said.append(json.loads(payload)["every"])
            else:
                said.append("ping" if opcode == 9 else int.from_bytes(payload[:2], "big"))
            data = data[2 + len(payload) :]
    return said


def knows(door: Door, interval: float) -> Callable[[], bool]:
    """Whether the interval is this one, and everybody has been told."""
    return lambda: door.heartbeats.interval == interval and door.heartbeats.is_told


async def test_with_more_connections_it_grows_and_each_is_told_once(mock_clock: MockClock) -> None:
    passing = Passing(mock_clock)
    async with open_door(limits()) as door:
        ann = await door.welcomed()
        assert door.heartbeats.milliseconds == 30_000
        await passing.until(knows(door, 45.0))
        assert said_to(ann) == [45_000]
        bob = await door.welcomed()
        await passing.until(knows(door, 90.0))
        assert [say for say in said_to(ann) if say != "ping"] == [90_000]
        assert [say for say in said_to(bob) if say != "ping"] == [90_000]
        assert door.heartbeats.milliseconds == 90_000


async def test_it_is_told_to_all_within_the_shorter_interval_and_not_at_once(mock_clock: MockClock) -> None:
    passing = Passing(mock_clock)
    async with open_door(limits(longest=60.0)) as door:
        clients = [await door.welcomed() for _ in range(20)]
        await passing.until(lambda: door.heartbeats.interval == 60.0)
        told: list[int] = []
        took = 0
        while not door.heartbeats.is_told:
            await passing.seconds(1)
            told.append(sum(60_000 in said_to(one) for one in clients))
            took += 1
        assert sum(told) == 20
        assert max(told) <= 4
        assert took <= 31


async def test_who_was_told_a_longer_interval_is_asked_no_sooner(mock_clock: MockClock) -> None:
    passing = Passing(mock_clock)
    async with open_door(limits()) as door:
        ann = await door.welcomed()
        await passing.until(lambda: said_to(ann) == [45_000])
        await passing.seconds(40)
        assert said_to(ann) == []
        await passing.seconds(11)
        assert said_to(ann) == ["ping"]


async def test_it_stays_as_it_is_where_that_is_wanted(mock_clock: MockClock) -> None:
    passing = Passing(mock_clock)
    async with open_door(limits(longest=30.0)) as door:
        ann = await door.welcomed()
        await passing.seconds(40)
        assert said_to(ann) == ["ping"]
        assert door.heartbeats.interval == 30.0


async def test_nobody_is_closed_by_an_interval_that_they_were_not_told(mock_clock: MockClock) -> None:
    """They were told 90 s, and have been silent for more than 2.5 times 45 when that becomes 45."""
    passing = Passing(mock_clock)
    async with open_door(limits(processors=20 * FEW_PROCESSORS)) as door:
        silent = [await door.welcomed() for _ in range(20)]
        leaving = [await door.welcomed() for _ in range(20)]
        await passing.until(knows(door, 90.0))
        for client in silent:
            await client.send(frame(10, b""))
        await passing.seconds(1)
        for client in silent:
            said_to(client)
        for client in leaving:
            client.reset()
        seconds = await passing.until(lambda: door.heartbeats.interval == 45.0)
        seconds += await passing.until(knows(door, 45.0))
        assert seconds > 2.5 * 45
        assert [[say for say in said_to(client) if say != "ping"] for client in silent] == [[45_000]] * 20
        assert len(door.connections) == 20
        await passing.until(lambda: not door.connections, most=int(2.5 * 45) + 6)
        assert {said_to(client)[-1] for client in silent} == {4003}


async def test_who_is_gone_is_closed_all_the_same_when_it_grows(mock_clock: MockClock) -> None:
    passing = Passing(mock_clock)
    async with open_door(limits()) as door:
        ann = await door.welcomed()
        assert await passing.until(lambda: not door.connections) <= 3 + 30 + 2.5 * 45 + 5 + 2
        assert said_to(ann) == [45_000, "ping", "ping", 4003]


async def test_a_few_who_leave_for_a_moment_change_nothing(mock_clock: MockClock) -> None:
    passing = Passing(mock_clock)
    async with open_door(limits()) as door:
        ann, bob = await door.welcomed(), await door.welcomed()
        await passing.until(knows(door, 90.0))
        bob.reset()
        await passing.seconds(60)
        bob = await door.welcomed()
        for _ in range(4):
            await ann.send(frame(10, b""))
            await bob.send(frame(10, b""))
            await passing.seconds(60)
        assert door.heartbeats.interval == 90.0
        assert 45_000 not in said_to(ann)
