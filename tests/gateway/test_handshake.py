"""The first part of a socket's life: what is no HTTP, what is too slow, and what becomes a websocket."""

from __future__ import annotations

import json
import socket
from contextlib import suppress

import pytest
import trio

from server.gateway.limits import GatewayLimits
from tests.gateway.doorway import REVOKED, TOKEN, Door, open_door, until

QUICK = GatewayLimits(handshake_seconds=0.3, stop_seconds=0.3)
UPGRADE = (
    b"Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
    b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
)


EITHER_WAY = pytest.mark.parametrize("early", [True, False], ids=["before it is accepted", "after"])


async def answer(door: Door, request: bytes, *, early: bool) -> tuple[int | None, dict[str, str], bytes]:
    """Status, header fields and body of what the server answers before it closes; None if it says nothing.

    `early`: the request stands in the kernel before the server looks.
    """
    if early:
        client = door.early_client(request)
    else:
        client = await door.client()
        await client.send(request)
    said = await client.ends()
    if not said:
        return None, {}, b""
    head, _, body = said.partition(b"\r\n\r\n")
    status, *fields = head.decode().split("\r\n")
    return int(status.split()[1]), {k.lower(): v.strip() for k, v in (f.split(":", 1) for f in fields)}, body


@pytest.mark.parametrize(
    ("request_bytes", "status"),
    [
        pytest.param(b"\x16\x03\x01\x02\x00\x01\x00\r\n\r\n", 400, id="TLS on a plain port"),
        pytest.param(b"hello\r\n\r\n", 400, id="no HTTP"),
        pytest.param(b"GET / HTTP/1.1\r\n\r\n", 400, id="no host"),
        pytest.param(b"GET / HTTP/1.1\r\nHost: x\r\nBad Header: 1\r\n\r\n", 400, id="a bad header"),
        pytest.param(b"GET / HTTP/1.1\r\nHost: x\r\nX: " + b"x" * 100_000 + b"\r\n\r\n", 431, id="100 KB of header"),
        pytest.param(b"GET /" + b"x" * 100_000 + b" HTTP/1.1\r\nHost: x\r\n\r\n", 431, id="100 KB of path"),
        pytest.param(b"GET /v1/ws HTTP/1.1\r\nHost: x\r\n\r\n", 426, id="no upgrade"),
        pytest.param(b"GET /v1/ws?a=b HTTP/1.1\r\nHost: x\r\n\r\n", 426, id="no upgrade, with a query"),
        pytest.param(b"GET /v1/ws HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\n\r\n", 400, id="half an upgrade"),
        pytest.param(
            b"GET /v1/ws HTTP/1.1\r\nHost: x\r\n" + UPGRADE + b"Content-Length: 3\r\n\r\nabc", 400, id="with a body"
        ),
        pytest.param(
            b"GET /v1/ws HTTP/1.1\r\nHost: x\r\n" + UPGRADE + b"Origin: http://evil\r\n\r\n", 403, id="a foreign page"
        ),
        pytest.param(
            b"GET /v1/ws HTTP/1.1\r\nHost: x\r\n" + UPGRADE + b"Authorization: Bearer nobody's\r\n\r\n", 401,
            id="a bad token",
        ),
        pytest.param(
            b"GET /v1/ws HTTP/1.1\r\nHost: x\r\n" + UPGRADE + f"Authorization: Bearer {REVOKED}\r\n\r\n".encode(), 401,
            id="a revoked token",
        ),
    ],
)  # fmt: skip
@EITHER_WAY
async def test_what_the_gateway_refuses(request_bytes: bytes, status: int, early: bool) -> None:
    async with open_door() as door:
        got, headers, body = await answer(door, request_bytes, early=early)
        assert got == status
        assert set(json.loads(body)["error"]) == {"code", "message"}
        assert headers["connection"] == "close"
        assert headers["content-length"] == str(len(body))
        await until(lambda: not door.connections)


async def test_a_full_reader_refuses_an_upgrade_with_a_token_and_says_when_to_come_back() -> None:
    async with open_door() as door:
        door.reader.is_full = True
        status, headers, _ = await answer(
            door,
            b"GET /v1/ws HTTP/1.1\r\nHost: x\r\n" + UPGRADE + b"Authorization: Bearer %s\r\n\r\n" % TOKEN.encode(),
            early=False,
        )
        assert (status, headers["retry-after"]) == (503, "5")


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        pytest.param(b"", None, id="nothing at all"),
        pytest.param(b"GET", 408, id="three letters"),
        pytest.param(b"GET / HTTP/1.1\r\nHost: x\r\n", 408, id="half a head"),
        pytest.param(b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\nabc", 408, id="half a body"),
        pytest.param(
            b"GET /v1/ws HTTP/1.1\r\nHost: x\r\n" + UPGRADE + b"Content-Length: 3\r\n\r\n", 400, id="no body to come"
        ),
    ],
)
@EITHER_WAY
async def test_who_stops_half_way_is_told_so_in_time(sent: bytes, status: int | None, early: bool) -> None:
    async with open_door(QUICK) as door:
        assert (await answer(door, sent, early=early))[0] == status


async def test_a_body_that_drips_has_one_deadline_for_all_of_it() -> None:
    async def drip() -> None:
        with suppress(trio.BrokenResourceError):
            while True:
                await client.send(b"x")
                await trio.sleep(0.02)

    async with open_door(QUICK) as door, trio.open_nursery() as nursery:
        client = await door.client()
        await client.send(b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 9000\r\n\r\n")
        nursery.start_soon(drip)
        assert await client.status() == 408
        nursery.cancel_scope.cancel()


@pytest.mark.parametrize(
    "sent", [b"GET / HTTP/1.1\r\nHost: x\r\n", b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\n{"]
)
async def test_a_request_torn_by_the_end_of_the_stream(sent: bytes) -> None:
    async with open_door() as door:
        client = await door.client()
        await client.send(sent)
        client.socket.shutdown(socket.SHUT_WR)
        assert (await client.ends()).startswith(b"HTTP/1.1 400 ")


async def test_a_reset_in_the_middle_of_a_handshake_hurts_nobody() -> None:
    async with open_door() as door:
        for sent in (b"", b"GET / HT", b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\nab"):
            client = await door.client()
            await client.send(sent)
            client.reset()
        assert (await door.welcomed()) is not None


async def test_the_subprotocol_is_answered() -> None:
    async with open_door() as door:
        client = await door.client()
        assert b"sec-websocket-protocol: hubbub.v1.json" in await client.upgrade(
            "Sec-WebSocket-Protocol: hubbub.v1.json\r\n"
        )
        other = await door.client()
        assert b"sec-websocket-protocol" not in await other.upgrade("Sec-WebSocket-Protocol: graphql-ws\r\n")


async def test_pages_of_a_listed_origin_are_welcome() -> None:
    async with open_door(origins=frozenset({"https://partner.example"})) as door:
        await door.websocket("Origin: https://partner.example\r\n")


async def test_an_idle_connection_is_closed_without_a_word_after_its_request() -> None:
    async with open_door(GatewayLimits(idle_seconds=0.2, stop_seconds=0.3)) as door:
        client = await door.client()
        await client.send(b"GET /a HTTP/1.1\r\nHost: x\r\n\r\n")
        assert await client.status() == 200
        assert await client.ends() == b""


async def test_an_upgrade_may_follow_a_plain_request_on_the_same_socket() -> None:
    async with open_door() as door:
        client = await door.client()
        await client.send(b"GET /a HTTP/1.1\r\nHost: x\r\n\r\n")
        assert await client.status() == 200
        assert (await client.upgrade()).startswith(b"HTTP/1.1 101 ")
        await client.say({"op": "ping"})
        assert (await client.hear())["op"] == "pong"


async def test_a_websocket_elsewhere_is_a_plain_request() -> None:
    async with open_door() as door:
        client = await door.client()
        await client.send(b"GET /elsewhere HTTP/1.1\r\nHost: x\r\n" + UPGRADE + b"\r\n")
        assert await client.status() == 200
