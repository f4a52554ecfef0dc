"""Who has said everything before the socket is accepted: served without a task where that is possible."""

from __future__ import annotations

import json
import logging
import socket

import pytest

from server.gateway.handshake import Handshake
from server.gateway.keepalive import keepalive
from server.gateway.limits import GatewayLimits
from server.gateway.peer import Proxies
from tests.gateway.doorway import TOKEN, Door, open_door, text, until, upgrade_request

HELLO = text(json.dumps({"op": "hello", "token": TOKEN}))
GET = b"GET /a HTTP/1.1\r\nHost: x\r\n\r\n"


@pytest.fixture
def tasks(monkeypatch: pytest.MonkeyPatch) -> list[Handshake]:
    """The handshakes that got one."""
    served: list[Handshake] = []
    serve = Handshake.serve

    async def noting(handshake: Handshake) -> None:
        served.append(handshake)
        await serve(handshake)

    monkeypatch.setattr(Handshake, "serve", noting)
    return served


class Broken(frozenset[str]):
    """Origins that cannot be looked at."""

    def __contains__(self, origin: object) -> bool:
        raise RuntimeError("as ordered")


async def test_a_whole_upgrade_takes_no_task(tasks: list[Handshake]) -> None:
    async with open_door() as door:
        client = door.early_client(upgrade_request("Sec-WebSocket-Protocol: hubbub.v1.json\r\n"))
        head = await client.head()
        assert head.startswith(b"HTTP/1.1 101 ")
        assert b"sec-websocket-protocol: hubbub.v1.json" in head
        await client.send(HELLO)
        assert (await client.hear())["op"] == "welcome"
        assert door.gateway.counts.handshakes == {("upgraded", ""): 1}
        assert not tasks


async def test_what_is_said_right_behind_it_is_heard(tasks: list[Handshake]) -> None:
    async with open_door() as door:
        client = door.early_client(upgrade_request() + HELLO)
        assert (await client.head()).startswith(b"HTTP/1.1 101 ")
        assert (await client.hear())["op"] == "welcome"
        assert not tasks


@pytest.mark.parametrize("headers", [f"Authorization: Bearer {TOKEN}\r\n", "X-Forwarded-For: 192.0.2.1\r\n"])
async def test_who_has_to_be_looked_up_first_gets_a_task(headers: str, tasks: list[Handshake]) -> None:
    async with open_door(proxies=Proxies(["127.0.0.1"])) as door:
        client = door.early_client(upgrade_request(headers))
        assert (await client.head()).startswith(b"HTTP/1.1 101 ")
        assert len(tasks) == 1
        assert door.gateway.addresses.count("192.0.2.1") == ("Forwarded" in headers)


async def test_a_request_that_came_in_two_parts_is_put_together_in_a_task(tasks: list[Handshake]) -> None:
    async with open_door() as door:
        request = upgrade_request()
        client = door.early_client(request[:30])
        await until(lambda: tasks)
        await client.send(request[30:])
        assert (await client.head()).startswith(b"HTTP/1.1 101 ")


async def test_a_plain_request_and_the_upgrade_behind_it() -> None:
    async with open_door() as door:
        client = door.early_client(GET + upgrade_request())
        assert await client.status() == 200
        assert (await client.head()).startswith(b"HTTP/1.1 101 ")


async def test_who_is_gone_already_leaves_nothing_behind() -> None:
    async with open_door() as door:
        for said in (b"", GET[:5], GET, upgrade_request()):
            door.early_client(said).reset()
            silent = door.early_client(said)
            silent.socket.shutdown(socket.SHUT_WR)
            await silent.ends()
        await until(lambda: nobody_is_there(door))
        await door.welcomed()


def nobody_is_there(door: Door) -> bool:
    return not (door.gateway.counts.handshaking or door.connections or len(door.gateway.addresses))


async def test_a_fault_of_ours_ends_this_socket_and_no_other(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.ERROR, "server.gateway.handshake")
    async with open_door(origins=Broken()) as door:
        unlucky = door.early_client(upgrade_request("Origin: http://127.0.0.1\r\n"))
        assert await unlucky.ends() == b""
        assert "a handshake failed" in caplog.messages
        assert door.gateway.counts.handshakes["failed", "crashed"] == 1
        assert nobody_is_there(door)
        await door.welcomed()


async def test_who_is_let_in_late_is_told_that_it_is_too_late(tasks: list[Handshake]) -> None:
    async with open_door() as door:
        client = door.early_client(upgrade_request())
        door.gateway.departure.begin()
        assert (await client.head()).startswith(b"HTTP/1.1 503 ")
        assert len(tasks) == 1


async def test_what_is_accepted_waits_for_nothing_before_it_sends_and_is_looked_after_by_the_kernel() -> None:
    looked_after = keepalive(idle=90.0, stall=30.0)
    async with open_door(GatewayLimits(keepalive_seconds=90.0, stall_seconds=30.0)) as door:
        await door.welcomed()
        with socket.create_connection(("127.0.0.1", door.port)) as ours:  # accepted right here, before the server can
            theirs, _ = door.listening.accept()
            with theirs:
                assert theirs.getpeername() == ours.getsockname()
                assert theirs.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
                for level, option, value in looked_after:
                    assert theirs.getsockopt(level, option) == value


async def test_no_more_are_looked_after_than_the_kernel_can_ask() -> None:
    async with open_door(GatewayLimits(keepalive_connections=1)) as door:
        await door.welcomed()
        assert door.listening.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE), "nobody was there before"
        await door.welcomed()
        assert not door.listening.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE)
        assert door.listening.getsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT)
