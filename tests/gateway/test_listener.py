"""The door itself: how many may come in, and what the others hear."""

from __future__ import annotations

import os
import resource
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import pytest
import trio

from server.gateway.admission import Admission
from server.gateway.limits import GatewayLimits
from tests.gateway.doorway import Door, open_door, until


def test_sockets_are_counted_in_all_and_handshakes_for_themselves() -> None:
    open_websockets: list[int] = []
    admission = Admission(GatewayLimits(max_connections=3, max_handshakes=2), open_websockets)
    assert admission.enter()
    assert admission.enter()
    assert not admission.enter()
    admission.leave()
    open_websockets += [1, 2]
    assert not admission.enter()
    admission.leave()
    assert admission.enter()
    assert admission.refused == 2


async def refusal(door: Door) -> bytes:
    client = await door.client()
    await client.send(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
    return await client.ends()


async def test_a_full_server_refuses_with_503_and_takes_the_next_one_when_there_is_room() -> None:
    async with open_door(GatewayLimits(max_connections=2, stop_seconds=0.3, close_seconds=0.3)) as door:
        first = await door.welcomed()
        await door.welcomed()
        said = await refusal(door)
        assert said.startswith(b"HTTP/1.1 503 ")
        assert b"\r\nretry-after: " in said
        first.reset()
        await until(lambda: len(door.connections) == 1)
        await door.welcomed()


async def test_endless_handshakes_leave_the_websockets_alone() -> None:
    limits = GatewayLimits(max_handshakes=3, handshake_seconds=0.5, stop_seconds=0.3, close_seconds=0.3)
    async with open_door(limits) as door:
        inside = await door.welcomed()
        for _ in range(3):
            await (await door.client()).send(b"GET / HT")
        await until_refused(door)
        await inside.say({"op": "rooms"})
        assert (await inside.hear())["op"] == "ok"
        for client in door.clients[1:4]:
            assert (await client.ends()).startswith(b"HTTP/1.1 408 ")
            client.reset()
        await until_accepted(door)


async def until_refused(door: Door) -> None:
    for _ in range(100):
        client = await door.client()
        await client.send(b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        if (await client.ends()).startswith(b"HTTP/1.1 503 "):
            return
    raise AssertionError("never refused")


async def until_accepted(door: Door) -> None:
    for _ in range(100):
        if (await (await door.client()).upgrade()).startswith(b"HTTP/1.1 101 "):
            return
    raise AssertionError("never accepted")


@contextmanager
def no_descriptors_left() -> Iterator[None]:
    """What is open stays open, and nothing more can be opened."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(int(name) for name in os.listdir("/proc/self/fd")) + 1, hard))
    held: list[int] = []
    try:
        with suppress(OSError):
            while True:
                held.append(os.open(os.devnull, os.O_RDONLY))
        yield
    finally:
        for descriptor in held:
            os.close(descriptor)
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


async def test_without_descriptors_it_refuses_says_so_and_recovers(caplog: pytest.LogCaptureFixture) -> None:
    async with open_door() as door:
        inside = await door.welcomed()
        clients = [trio.socket.socket() for _ in range(3)]
        with no_descriptors_left():
            for client in clients:
                await client.connect(("127.0.0.1", door.port))
                await client.send(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
            await until(lambda: "out of descriptors" in caplog.text)
            with trio.fail_after(10):
                assert (await clients[0].recv(1_000)).startswith(b"HTTP/1.1 503 ")
            await inside.say({"op": "ping"})
            assert (await inside.hear())["op"] == "pong"
        for client in clients:
            client.close()
        assert (await door.welcomed()) is not None
