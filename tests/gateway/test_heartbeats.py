"""Heartbeats: the rule as arithmetic, and the sweep over real sockets."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actors import lifecycle
from server.gateway.connection import Connection
from server.gateway.heartbeats import Verdict, jittered, verdict
from server.gateway.limits import GatewayLimits
from tests.gateway.doorway import frame, open_door

INTERVAL = 30.0


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
