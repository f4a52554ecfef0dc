"""The door itself: how many may come in, and what the others hear."""

from __future__ import annotations

import os
import resource
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import pytest
import trio

from actors.scheduler import Scheduler
from server.gateway import refusals
from server.gateway.addresses import Addresses
from server.gateway.admission import Admission
from server.gateway.limits import GatewayLimits
from tests.gateway.doorway import Door, frame, open_door, until

HERE, THERE = "192.0.2.1", "198.51.100.7"


def admission_of(websockets: list[int] | None = None, **limits: int) -> tuple[Admission, Addresses]:
    addresses = Addresses()
    return Admission(GatewayLimits(**limits), [] if websockets is None else websockets, addresses), addresses


def test_sockets_are_counted_in_all_and_handshakes_for_themselves() -> None:
    websockets: list[int] = []
    admission, _ = admission_of(websockets, max_connections=3, max_handshakes=2)
    assert admission.enter(5, HERE, 0.0) is None
    assert admission.enter(6, HERE, 0.0) is None
    assert admission.enter(7, HERE, 0.0) is refusals.OVER_CAPACITY
    admission.leave()
    websockets += [1, 2]
    assert admission.enter(7, HERE, 0.0) is refusals.OVER_CAPACITY
    admission.leave()
    assert admission.enter(7, HERE, 0.0) is None
    assert admission.refused == 2


def test_who_has_no_descriptor_takes_none() -> None:
    websockets, kept = [1, 2, 3], 0
    limits = GatewayLimits(max_connections=6, max_descriptors=4)
    admission = Admission(limits, websockets, Addresses(), kept=lambda: kept)
    assert (admission.has_room_for(1), admission.has_room_for(2)) == (True, False)
    kept = 3
    assert (admission.has_room_for(3), admission.has_room_for(4)) == (True, False)
    websockets += [4, 5]
    assert (admission.has_room_for(1), admission.has_room_for(2)) == (True, False)


def test_an_address_may_have_so_many_sockets_and_others_notice_nothing() -> None:
    admission, addresses = admission_of(max_connections_per_address=2)
    assert [admission.enter(number, HERE, 0.0) for number in (5, 6, 7)] == [None, None, refusals.ADDRESS_OVER_CAPACITY]
    assert admission.enter(7, THERE, 0.0) is None
    addresses.leave(6)
    assert admission.enter(6, HERE, 0.0) is None


def test_an_address_that_connects_too_often_takes_nothing_from_the_others() -> None:
    admission, _ = admission_of(connects_per_second=4, connects_per_second_per_address=2)
    hasty = [admission.enter(number, HERE, 0.0) for number in range(100)]
    assert hasty == [None] * 4 + [refusals.ADDRESS_TOO_FAST] * 96
    assert [admission.enter(number, THERE, 0.0) for number in range(4)] == [None] * 4
    assert admission.enter(9, "203.0.113.1", 0.0) is refusals.TOO_MANY_AT_ONCE
    assert admission.enter(9, "203.0.113.1", 0.25) is None


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


@pytest.mark.parametrize(
    ("limits", "why"),
    [
        (GatewayLimits(max_connections=2, stop_seconds=0.3), b"the server is full"),
        (GatewayLimits(max_connections_per_address=2, stop_seconds=0.3), b"your address has"),
        (GatewayLimits(connects_per_second_per_address=1, stop_seconds=0.3), b"your address connects"),
        (GatewayLimits(connects_per_second=1, stop_seconds=0.3), b"too many connect"),
    ],
    ids=["in all", "of an address", "a second from an address", "a second"],
)
async def test_the_third_connection_is_refused_where_two_may_be(
    limits: GatewayLimits, why: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    async with open_door(limits) as door:
        inside = [await door.welcomed(), await door.welcomed()]
        for _ in range(3):
            said = await refusal(door)
            assert said.startswith(b"HTTP/1.1 503 ")
            assert b"\r\nretry-after: " in said
            assert why in said
        assert caplog.text.count("refusing new sockets") == 1, "the operator is told, and not again for each"
        for client in inside:
            await client.say({"op": "ping"})
            assert (await client.hear())["op"] == "pong"


async def test_every_way_to_leave_makes_room_for_the_next_of_an_address() -> None:
    limits = GatewayLimits(max_connections_per_address=1, stop_seconds=0.3, close_seconds=0.2, idle_seconds=0.1)
    async with open_door(limits) as door:
        addresses = door.gateway.addresses
        (await door.welcomed()).reset()
        await until(lambda: len(addresses) == 0, "a websocket that was reset")
        closing = await door.welcomed()
        await closing.send(frame(8, b""))
        await closing.ends()
        await until(lambda: len(addresses) == 0, "a websocket that was closed")
        plain = await door.client()
        await plain.send(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        await plain.ends()
        await until(lambda: len(addresses) == 0, "an HTTP connection")
        torn = await door.client()
        await torn.send(b"no HTTP\r\n\r\n")
        await torn.ends()
        await until(lambda: len(addresses) == 0, "a refused request")
        crashing = await door.welcomed()
        door.connections[0].tell(object())
        await crashing.ends()
        await until(lambda: len(addresses) == 0, "a connection that crashed")


async def test_who_is_inside_goes_first_while_many_wait_for_their_turn(monkeypatch: pytest.MonkeyPatch) -> None:
    async with open_door() as door:
        waiting = 10_000
        monkeypatch.setattr(Scheduler, "ready", property(lambda _: waiting))
        client = await door.client()
        for _ in range(10):
            await trio.lowlevel.checkpoint()
        assert door.gateway.counts.accepted == 0
        await until(lambda: door.gateway.counts.accepted == 1)
        client.reset()
        waiting = 0
        await door.welcomed()


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


async def test_while_rooms_elsewhere_have_not_taken_the_crowd_few_are_let_in_and_then_all() -> None:
    unsettled = list(range(1_000))
    async with open_door(unsettled=unsettled) as door:
        clients = [await door.client() for _ in range(50)]
        for client in clients:
            await client.send(b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        assert (await clients[0].ends()).startswith(b"HTTP/1.1 ")
        assert 0 < door.gateway.counts.accepted < len(clients)
        unsettled.clear()
        for client in clients[1:]:
            assert (await client.ends()).startswith(b"HTTP/1.1 ")
