"""An orderly stop: nobody new is let in, everybody is told, requests are finished, nobody waits for ever."""

from __future__ import annotations

import logging
import socket
from contextlib import ExitStack
from typing import Any

import pytest
import trio

from actors import NORMAL, Down
from server.gateway import waves
from server.gateway.asgi import Message, Receive, Send
from server.gateway.limits import GatewayLimits
from server.protocol.closing import CloseCode
from server.protocol.outgoing import Outgoing
from server.protocol.replies import Pong
from server.sessions.messages import Congested
from tests.gateway.doorway import Client, Door, frame, open_door, small_app, until

PATIENT = GatewayLimits(stop_seconds=60.0)
"""Nothing here may depend on how much time there is."""

GET = b"GET /%s HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"
LEAVING = frame(8, b"\x03\xe9")  # a close frame with 1001


async def close_code_into(client: Client, codes: list[int]) -> None:
    codes.append(await client.close_code())


def stop(door: Door, seconds: float = 0.0) -> None:
    """Stop the tree; clients get `seconds` to leave by themselves."""
    if seconds:
        door.gateway.departure.seconds = door.gateway.limits.stop_seconds + seconds
    door.system._root.stop()


async def asked_to_leave(client: Client) -> Any:
    request = await client.hear()
    assert request["op"] == "reconnect"
    return request


def is_refused(port: int) -> bool:
    with socket.socket() as sock:
        sock.settimeout(5)
        return sock.connect_ex(("127.0.0.1", port)) != 0


def read_to_the_end(sock: socket.socket) -> bytes:
    return b"".join(iter(lambda: sock.recv(65_536), b""))


class SlowApp:
    """`small_app`, but one path waits until it is told to go on."""

    def __init__(self) -> None:
        self.asked, self.go_on = trio.Event(), trio.Event()

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        if scope["path"] == "/slow":
            self.asked.set()
            await self.go_on.wait()
        await small_app(scope, receive, send)


# --- without time to leave: Ctrl-C, or a tree that gave up -------------------------------------------------------


async def test_every_connection_hears_that_the_server_is_draining() -> None:
    codes: list[int] = []
    async with trio.open_nursery() as nursery, open_door(PATIENT) as door:
        for _ in range(20):
            nursery.start_soon(close_code_into, await door.welcomed(), codes)
        nursery.start_soon(close_code_into, await door.websocket(), codes)
        connections = door.connections
        stop(door)
        await until(lambda: len(codes) == 21)
    assert set(codes) == {CloseCode.DRAINING}
    assert not any(connection.alive for connection in connections)


async def test_who_does_not_answer_is_not_waited_for() -> None:
    limits = GatewayLimits(stop_seconds=0.3, close_seconds=60.0, outbound_bytes=32 * 1024)
    with trio.fail_after(10):
        async with open_door(limits) as door:
            await door.welcomed()
            await door.welcomed(receive_buffer=4 * 1024)
            deaf = door.connections[1]
            for _ in range(100):
                if door.noted(Congested):
                    break
                deaf.tell(Outgoing([Pong(id="x" * 10_000)]))
                await trio.sleep(0.001)
            assert door.noted(Congested)
            reactor = door.gateway.reactor
    assert reactor.registered == 0


async def test_who_does_not_answer_is_cut_off_while_its_session_still_works(monkeypatch: pytest.MonkeyPatch) -> None:
    """As a crowd of 5,000 would be: half a second before the time is up."""
    monkeypatch.setattr(waves, "CUT_OFF_PER_SECOND", 2)
    async with open_door(GatewayLimits(stop_seconds=2.0, close_seconds=60.0)) as door:
        await door.welcomed()
        stop(door)
        await until(lambda: door.noted(Down) != [])
    assert [down.reason for down in door.noted(Down)] == [NORMAL], "and not because its supervisor ended it"


# --- asked to leave ------------------------------------------------------------------------------------------------


async def test_clients_are_asked_to_leave_and_served_until_they_do(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "server.gateway.draining")
    async with open_door(PATIENT) as door:
        clients = [await door.welcomed() for _ in range(5)]
        stop(door, 60.0)
        for client in clients:
            assert await asked_to_leave(client) == {"op": "reconnect", "after": 0, "window": 5}
        await clients[0].say({"op": "post", "id": 1, "room": "r_ROOM", "nonce": "n", "text": "still here"})
        assert await clients[0].hear() == {"op": "ok", "id": 1}
        for client in clients:
            await client.send(LEAVING)
            assert await client.frame() == (8, b"\x03\xe9")
            await client.stream.aclose()
        await until(lambda: door.gateway.reactor.registered == 0)
    assert "draining: 5 connections left by themselves, 0 are closed" in caplog.messages


async def test_once_all_have_left_nothing_is_waited_for() -> None:
    with trio.fail_after(30):
        async with open_door(PATIENT) as door:
            client = await door.welcomed()
            stop(door, 3_000.0)
            await asked_to_leave(client)
            client.reset()


async def test_who_stays_is_closed(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "server.gateway.draining")
    async with open_door(PATIENT) as door:
        client = await door.welcomed()
        stop(door, 0.2)
        await asked_to_leave(client)
        assert await client.close_code() == CloseCode.DRAINING
    assert "draining: 0 connections left by themselves, 1 are closed" in caplog.messages


async def test_who_has_not_said_hello_is_asked_too_and_may_still_say_it() -> None:
    async with open_door(PATIENT) as door:
        client = await door.websocket()
        stop(door, 60.0)
        await asked_to_leave(client)
        await client.say({"op": "hello", "token": "token-of-ann"})
        assert (await client.hear())["op"] == "welcome"
        client.reset()


# --- the door ------------------------------------------------------------------------------------------------------


async def test_new_sockets_are_refused_at_once() -> None:
    async with open_door(PATIENT) as door:
        client = await door.welcomed()
        port = door.port
        stop(door, 60.0)
        await asked_to_leave(client)
        assert is_refused(port)


async def test_all_who_stood_in_the_queue_are_let_in_and_answered() -> None:
    """More than the listener accepts in one pass, and no turn for it before the departure begins."""
    async with open_door(PATIENT) as door:
        with ExitStack() as opened:
            queue = [
                opened.enter_context(socket.create_connection(("127.0.0.1", door.port), timeout=10)) for _ in range(100)
            ]
            for sock in queue:
                sock.sendall(GET % b"fixed")
            door.gateway.departure.begin()
            stop(door, 60.0)
            answers = [await trio.to_thread.run_sync(read_to_the_end, sock) for sock in queue]
    assert {answer.partition(b"\r\n")[0] for answer in answers} == {b"HTTP/1.1 200 "}
    assert all(b"\r\nconnection: close\r\n" in answer.lower() for answer in answers)
    assert {answer.rpartition(b"\r\n")[2] for answer in answers} == {b"always the same"}


async def test_a_request_that_is_under_way_is_finished(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "server.gateway.draining")
    app = SlowApp()
    async with open_door(PATIENT, app=app) as door:
        client = await door.welcomed()
        asking = await door.client()
        await asking.send(GET % b"slow")
        await app.asked.wait()
        stop(door, 60.0)
        await asked_to_leave(client)
        client.reset()
        await until(lambda: "draining: 1 connections left by themselves, 0 are closed" in caplog.messages)
        for _ in range(100):
            await trio.lowlevel.checkpoint()  # whoever does not wait for it would have cut it by now
        app.go_on.set()
        head = await asking.head()
        assert head.startswith(b"HTTP/1.1 200 ")
        assert b"\r\nconnection: close" in head.lower()
        await asking.ends()


async def test_a_request_that_never_ends_is_cut() -> None:
    app = SlowApp()
    with trio.fail_after(10):
        async with open_door(GatewayLimits(stop_seconds=0.2), app=app) as door:
            asking = await door.client()
            await asking.send(GET % b"slow")
            await app.asked.wait()
            stop(door)
            assert await asking.ends() == b""


async def test_a_kept_connection_is_closed_though_it_may_be_kept_for_longer() -> None:
    limits = GatewayLimits(stop_seconds=60.0, idle_seconds=3_000.0, handshake_seconds=3_000.0)
    with trio.fail_after(30):
        async with open_door(limits) as door:
            kept, silent = await door.client(), await door.client()
            await kept.send(GET % b"fixed")
            assert await kept.status() == 200
            stop(door)
            assert await kept.ends() == b"always the same"
            assert await silent.ends() == b""


async def test_an_upgrade_comes_too_late() -> None:
    async with open_door(PATIENT) as door:
        client = await door.welcomed()
        late = await door.client()
        await until(lambda: door.gateway.counts.handshaking)
        stop(door, 60.0)
        await asked_to_leave(client)
        head = await late.upgrade()
        assert head.startswith(b"HTTP/1.1 503 ")
        assert b"retry-after: 1" in head
        assert door.gateway.counts.handshakes["refused", "departing"] == 1
