"""How fast one connection may speak: what is passed on as too early, what is answered here, and who is closed."""

from __future__ import annotations

from collections.abc import Hashable

import pytest
from trio.testing import wait_all_tasks_blocked

from server.gateway.limits import GatewayLimits
from server.pacing import Pace
from server.protocol.closing import CloseCode
from server.sessions.messages import Said
from tests.gateway.doorway import TOKEN, MuteSession, frame, open_door, text, until

SLOW = 0.001  # frames a second: what is used up does not come back within a test
QUICK = GatewayLimits(close_seconds=0.3, stop_seconds=0.3)


def at_once(count: int) -> Pace[Hashable]:
    """So many frames, and for a long time no more."""
    return Pace(commands=SLOW, size=1e9, burst=count / SLOW)


async def test_what_comes_too_early_is_passed_on_as_such_with_its_size() -> None:
    async with open_door(QUICK, MuteSession, pace=at_once(3)) as door:
        client = await door.welcomed()
        for number in range(4):
            await client.say({"op": "rooms", "id": f"\u017e{number}"})
        await until(lambda: len(door.noted(Said)) == 4)
        said = door.noted(Said)
        assert [each.wait > 0.0 for each in said] == [False, False, True, True], "hello was the first of three"
        assert said[0].size == len('{"op": "rooms", "id": "\\u017e0"}')


async def test_a_ping_that_comes_too_early_is_told_so() -> None:
    async with open_door(QUICK, pace=at_once(2)) as door:
        client = await door.welcomed()
        for number in range(2):
            await client.say({"op": "ping", "id": number})
        assert (await client.hear())["op"] == "pong"
        error = await client.hear()
        assert (error["op"], error["id"], error["code"]) == ("error", 1, "rate_limited")
        assert error["retry_after"] > 0


@pytest.mark.parametrize(
    "flood",
    [
        pytest.param(text('{"op":"rooms","id":1}'), id="commands"),
        pytest.param(text('{"op":"rooms","id":{}}'), id="what is no command"),
        pytest.param(text('{"op":"typing","room":"r_ONE"}'), id="typing"),
        pytest.param(frame(9, b"?"), id="pings of the websocket"),
        pytest.param(frame(10, b""), id="pongs"),
        pytest.param(frame(0, b"", fin=False), id="empty fragments"),
    ],
)
async def test_who_goes_on_and_on_is_closed_and_nobody_else(flood: bytes) -> None:
    async with open_door(QUICK, pace=at_once(10)) as door:
        bystander, flooder = await door.welcomed(), await door.welcomed()
        await flooder.send(frame(1, b"", fin=False) if flood[0] == 0 else b"")
        await flooder.send(flood * 30)
        assert await flooder.close_code() == CloseCode.FLOODING
        await bystander.say({"op": "rooms"})
        assert (await bystander.hear())["op"] == "ok"


async def test_pongs_that_come_one_by_one_count_as_well() -> None:
    async with open_door(QUICK, pace=at_once(10)) as door:
        client = await door.welcomed()
        while not door.gateway.counts.closing:
            await client.send(frame(10, b""))
            await wait_all_tasks_blocked()
        assert await client.close_code() == CloseCode.FLOODING


async def test_a_flood_before_hello_is_one_too() -> None:
    async with open_door(QUICK, pace=at_once(10)) as door:
        client = await door.websocket()
        await client.send(text('{"op":"ping"}') * 30)
        assert await client.close_code() == CloseCode.FLOODING


async def test_bytes_count_as_well_as_commands() -> None:
    async with open_door(QUICK, pace=Pace(commands=1e9, size=0.001, burst=40_000 / 0.001)) as door:
        client = await door.websocket()
        await client.say({"op": "hello", "token": TOKEN})
        assert (await client.hear())["op"] == "welcome"
        for _ in range(3):
            await client.say({"op": "ping", "x": "x" * 15_000})
        answers = [(await client.hear())["op"] for _ in range(3)]
        assert answers == ["pong", "pong", "error"]


async def test_nothing_is_kept_of_a_connection_that_is_quiet() -> None:
    pace: Pace[Hashable] = Pace(commands=1e6, size=1e9, burst=1.0)
    async with open_door(QUICK, pace=pace) as door:
        await door.welcomed()
        assert len(pace) == 1
        pace.sweep(float("inf"))
        assert len(pace) == 0
