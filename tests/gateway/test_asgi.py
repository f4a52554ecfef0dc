"""Plain HTTP: one request, one call of the application, one response."""

from __future__ import annotations

import logging

import httpx
import pytest
import trio
import trio.testing
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, StreamingResponse
from starlette.routing import Route

from server.gateway.asgi import Message, Receive, Send
from server.gateway.limits import GatewayLimits
from tests.gateway.doorway import open_door, until

QUICK = GatewayLimits(handshake_seconds=0.3, response_seconds=0.3, stop_seconds=0.3)


async def test_a_body_goes_in_and_comes_out() -> None:
    async with open_door() as door:
        client = await door.client()
        await client.send(b"POST /a%20b?q=1 HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nabc")
        head = await client.head()
        assert b"x-path: /a b" in head
        assert b"date: " in head
        assert await client._take(3) == b"abc"


async def test_requests_follow_each_other_on_one_socket_also_sent_ahead() -> None:
    async with open_door() as door:
        client = await door.client()
        await client.send(b"".join(b"GET /%d HTTP/1.1\r\nHost: x\r\n\r\n" % number for number in range(20)))
        for number in range(20):
            assert b"x-path: /%d" % number in await client.head()


async def test_chunked_bodies_both_ways() -> None:
    async with open_door() as door:
        client = await door.client()
        await client.send(
            b"POST /chunked HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n"
            b"3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n"
        )
        assert b"transfer-encoding: chunked" in (await client.head()).lower()
        assert await client.ends() == b"5\r\nabcde\r\n0\r\n\r\n"


async def test_head_has_no_body() -> None:
    async with open_door() as door:
        client = await door.client()
        await client.send(b"HEAD /fixed HTTP/1.1\r\nHost: x\r\n\r\nGET /next HTTP/1.1\r\nHost: x\r\n\r\n")
        assert b"content-length: 15" in await client.head()
        assert b"x-path: /next" in await client.head()


async def test_http_1_0_is_answered_and_closed() -> None:
    async with open_door() as door:
        client = await door.client()
        await client.send(b"GET / HTTP/1.0\r\n\r\n")
        assert (await client.ends()).startswith(b"HTTP/1.1 200 ")


async def test_a_whole_url_as_the_target() -> None:
    async with open_door() as door:
        client = await door.client()
        await client.send(b"GET http://x/deep?q=1 HTTP/1.1\r\nHost: x\r\n\r\n")
        assert b"x-path: /deep" in await client.head()


async def test_who_waits_for_100_continue_gets_it_when_the_body_is_wanted() -> None:
    async with open_door() as door:
        client = await door.client()
        await client.send(b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\nExpect: 100-continue\r\n\r\n")
        assert await client.status() == 100
        await client.send(b"abc")
        assert await client.status() == 200


@pytest.mark.parametrize(
    "head",
    [
        pytest.param(b"Content-Length: 999999999\r\n\r\n", id="declared"),
        pytest.param(b"Transfer-Encoding: chunked\r\n\r\n11170\r\n" + b"x" * 70_000 + b"\r\n", id="chunked"),
        pytest.param(b"Content-Length: 999999\r\nExpect: 100-continue\r\n\r\n", id="asking first"),
    ],
)
async def test_a_large_body_is_refused(head: bytes) -> None:
    async with open_door() as door:
        client = await door.client()
        await client.send(b"POST / HTTP/1.1\r\nHost: x\r\n" + head)
        assert (await client.ends()).startswith(b"HTTP/1.1 413 ")


@pytest.mark.parametrize("path", ["crash", "silence"])
async def test_an_application_that_fails_is_answered_500_and_logged(
    path: str, caplog: pytest.LogCaptureFixture
) -> None:
    async with open_door() as door:
        client = await door.client()
        await client.send(f"POST /{path}?secret=1 HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\n\r\nx".encode())
        assert (await client.ends()).startswith(b"HTTP/1.1 500 ")
        (record,) = [record for record in caplog.records if record.levelno >= logging.ERROR]
        assert f"POST /{path}" in record.getMessage()
        assert "secret" not in record.getMessage()
        assert (await door.welcomed()) is not None


async def test_half_a_response_is_never_taken_for_the_whole() -> None:
    async with open_door() as door:
        client = await door.client()
        await client.send(b"POST /crash-late HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\nxy")
        assert b"content-length: 2" in await client.head()
        assert await client.ends() == b"x"


async def test_what_breaks_http_counts_as_a_failure_of_the_application() -> None:
    async def two_starts(scope: Message, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.start", "status": 200, "headers": []})

    async with open_door(app=two_starts) as door:
        client = await door.client()
        await client.send(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        assert (await client.ends()).startswith(b"HTTP/1.1 500 ")


async def test_a_body_nobody_wanted_is_read_away_for_the_next_request() -> None:
    async def uninterested(scope: Message, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 204, "headers": [(b"x-path", scope["path"].encode())]})
        await send({"type": "http.response.body", "body": b""})

    async with open_door(app=uninterested) as door:
        client = await door.client()
        await client.send(b"POST /1 HTTP/1.1\r\nHost: x\r\nContent-Length: 30000\r\n\r\n" + b"x" * 30_000)
        assert b"x-path: /1" in await client.head()
        await client.send(b"GET /2 HTTP/1.1\r\nHost: x\r\n\r\n")
        assert b"x-path: /2" in await client.head()


@pytest.mark.parametrize("how_it_ends", ["it returns", "it raises"])
async def test_the_application_hears_that_the_client_has_left_and_may_end_as_it_likes(
    how_it_ends: str, caplog: pytest.LogCaptureFixture
) -> None:
    left = trio.Event()

    async def patient(scope: Message, receive: Receive, send: Send) -> None:
        while (await receive())["type"] != "http.disconnect":
            pass
        left.set()
        if how_it_ends == "it raises":
            raise RuntimeError("nobody to answer")

    async with open_door(app=patient) as door:
        client = await door.client()
        await client.send(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        client.reset()
        with trio.fail_after(5):
            await left.wait()
        await trio.testing.wait_all_tasks_blocked()
        assert not [record for record in caplog.records if record.levelno >= logging.ERROR]


async def test_a_client_that_does_not_take_its_response_is_dropped() -> None:
    async def generous(scope: Message, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        for _ in range(100):
            await send({"type": "http.response.body", "body": b"x" * 1_000_000, "more_body": True})

    async with open_door(QUICK, app=generous) as door:
        client = await door.client(receive_buffer=4 * 1024)
        await client.send(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        assert b"200" in await client.head()
        with trio.fail_after(10):
            await trio.sleep(0.6)
            assert len(await client.ends()) < 50_000_000


async def test_starlette_and_httpx_talk_through_it() -> None:
    async def echo(request: Request) -> PlainTextResponse:
        return PlainTextResponse((await request.body()).decode() + request.query_params.get("q", ""))

    async def stream(request: Request) -> StreamingResponse:
        async def parts() -> object:
            for number in range(3):
                yield f"{number}\n"

        return StreamingResponse(parts())  # type: ignore[arg-type]

    app = Starlette(routes=[Route("/echo", echo, methods=["POST"]), Route("/stream", stream)])
    async with open_door(app=app) as door:
        async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{door.port}") as client:
            assert (await client.post("/echo?q=!", content="hé")).text == "hé!"
            assert (await client.get("/stream")).text == "0\n1\n2\n"
            assert (await client.get("/echo")).status_code == 405
            assert (await client.get("/nowhere")).status_code == 404
        await until(lambda: not door.connections)
