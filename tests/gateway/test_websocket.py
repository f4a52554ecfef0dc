"""A websocket under its peer's habits: fragments, pings, silence, slowness, resets. And the close handshake."""

from __future__ import annotations

import errno
import socket
import struct

import pytest
import trio
import trio.testing

from actors import Address
from server.gateway.fixed_files import most_descriptors
from server.gateway.limits import GatewayLimits
from server.protocol.closing import CloseCode
from server.protocol.outgoing import Outgoing
from server.protocol.replies import Pong
from server.rooms.messages import Passing
from server.sessions.messages import Close, Congested, Drained, NotifyDrained
from tests.gateway import doorway
from tests.gateway.doorway import CatchingUpSession, Client, Door, frame, open_door, text, until
from tests.gateway.rings import NEEDS_RINGS
from tests.harness.authority import Authority

SMALL = GatewayLimits(outbound_bytes=32 * 1024, stall_seconds=30.0, close_seconds=0.3, stop_seconds=0.3)


@pytest.fixture(autouse=True, params=["plain", "tls", pytest.param("kept", marks=NEEDS_RINGS)])
def line(request: pytest.FixtureRequest, authority: Authority, monkeypatch: pytest.MonkeyPatch) -> str:
    """Nothing here may depend on whether the socket is under TLS, or has no descriptor."""
    if request.param == "tls":
        monkeypatch.setattr(doorway, "everyones_authority", authority)
    monkeypatch.setattr(doorway, "everybody_is_kept", request.param == "kept")
    kind: str = request.param
    return kind


def large(number: int, size: int = 8 * 1024) -> Outgoing:
    """An event of about `size` bytes."""
    return Outgoing([Pong(id=f"{number}:" + "x" * size)])


async def numbers(client: Client, count: int) -> list[int]:
    return [int((await client.hear())["id"].split(":")[0]) for _ in range(count)]


async def congest(door: Door, connection: Address | None = None) -> None:
    """Tell a connection (the only one) so much that its session hears of it; its client does not read."""
    connection = connection or door.connections[0]
    for number in range(1_000):
        if door.noted(Congested):
            return
        connection.tell(large(number))
        await trio.testing.wait_all_tasks_blocked()
    raise AssertionError("never congested")


# --- frames ------------------------------------------------------------------------------------------------------


async def test_a_ping_is_answered_with_its_payload_also_within_a_message() -> None:
    async with open_door() as door:
        client = await door.welcomed()
        await client.send(frame(9, b"are you there"))
        assert await client.frame() == (10, b"are you there")
        await client.send(text('{"op":', fin=False) + frame(9, b"?") + frame(0, b'"ping"}'))
        assert await client.frame() == (10, b"?")
        assert (await client.hear())["op"] == "pong"


async def test_a_flood_of_pings_is_answered_in_full_to_who_reads() -> None:
    async with open_door() as door:
        client = await door.welcomed()
        async with trio.open_nursery() as nursery:
            nursery.start_soon(client.send, b"".join(frame(9, b"%d" % number) for number in range(5_000)))
            for number in range(5_000):
                assert await client.frame() == (10, b"%d" % number)


async def test_a_flood_of_pings_from_who_does_not_read_is_slowed_and_bounded() -> None:
    async with open_door(SMALL) as door:
        bystander = await door.welcomed()
        client = await door.welcomed(receive_buffer=4 * 1024)
        flood = b"".join(frame(9, b"x" * 125) for _ in range(2_000))
        with trio.move_on_after(1.0) as scope:
            while True:
                await client.send(flood)
        assert scope.cancelled_caught, "the kernel's window has to close"
        await bystander.say({"op": "ping"})
        assert (await bystander.hear())["op"] == "pong"


async def test_bytes_one_by_one_and_messages_all_at_once() -> None:
    async with open_door() as door:
        client = await door.welcomed()
        for byte in text('{"op":"ping","id":1}'):
            await client.send(bytes([byte]))
        assert (await client.hear())["id"] == 1
        await client.send(b"".join(text(f'{{"op":"ping","id":{number}}}') for number in range(100)))
        assert [(await client.hear())["id"] for _ in range(100)] == list(range(100))


@pytest.mark.parametrize(
    "tiny",
    [
        pytest.param(frame(10, b""), id="pongs"),
        pytest.param(frame(0, b"", fin=False), id="empty fragments"),
        pytest.param(text('{"op":"typing","room":"r"}'), id="commands"),
    ],
)
async def test_a_chunk_of_a_thousand_frames_is_handled_in_many_turns(tiny: bytes) -> None:
    async with open_door() as door:
        client = await door.welcomed()
        (connection,) = door.connections
        if tiny[0] == 0:  # fragments need a message around them
            await client.send(text("", fin=False) + tiny * 1_500 + frame(0, b'{"op":"ping"}'))
        else:
            await client.send(tiny * 1_500 + text('{"op":"ping"}'))
        assert await client.hear() == {"op": "pong"}
        assert connection.statistics().handled > 1_500 / 32


async def test_what_follows_the_handshake_in_the_same_segment_is_heard() -> None:
    async with open_door() as door:
        client = await door.client()
        await client.send(
            b"GET /v1/ws HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n" + text('{"op":"ping"}')
        )
        await client.head()
        assert (await client.hear())["op"] == "pong"


async def test_parsers_are_only_kept_while_something_is_incomplete() -> None:
    async with open_door() as door:
        client = await door.welcomed()
        await until(lambda: door.gateway.parsers.borrowed == 0)
        await client.send(text('{"op":"ping"}')[:-3])
        await until(lambda: door.gateway.parsers.borrowed == 1)
        assert door.gateway.parsers.held > 0
        await client.send(text('{"op":"ping"}')[-3:])
        await client.hear()
        assert (door.gateway.parsers.borrowed, door.gateway.parsers.held) == (0, 0)


async def test_a_whole_message_in_the_middle_of_another_is_no_message() -> None:
    async with open_door() as door:
        client = await door.welcomed()
        await until(lambda: door.gateway.parsers.borrowed == 0)
        await client.send(text('{"op":', fin=False))
        await until(lambda: door.gateway.parsers.borrowed == 1)
        await client.send(text('{"op":"ping"}'))
        assert await client.close_code() == CloseCode.PROTOCOL_ERROR


async def test_unfinished_messages_of_all_are_bounded_together() -> None:
    limits = GatewayLimits(partial_bytes=40_000, close_seconds=0.3, stop_seconds=0.3)
    async with open_door(limits) as door:
        first, second = await door.welcomed(), await door.welcomed()
        await first.send(text("x" * 50_000)[:30_000])
        await until(lambda: door.gateway.parsers.held > 25_000)
        await second.send(text("x" * 50_000)[:30_000])
        assert await second.close_code() == CloseCode.OVER_CAPACITY
        assert door.gateway.parsers.borrowed == 1


# --- slow peers --------------------------------------------------------------------------------------------------


async def test_a_slow_reader_gets_everything_in_order() -> None:
    async with open_door(SMALL) as door:
        client = await door.welcomed(receive_buffer=4 * 1024)
        (connection,) = door.connections
        for number in range(20):
            connection.tell(large(number))
        assert await numbers(client, 20) == list(range(20))


async def test_who_never_reads_does_not_stop_the_others() -> None:
    async with open_door(SMALL) as door:
        deaf = await door.welcomed(receive_buffer=4 * 1024)
        (connection,) = door.connections
        client = await door.welcomed()
        await congest(door, connection)
        for number in range(50):
            await client.say({"op": "rooms", "id": number})
            assert (await client.hear())["id"] == number
        deaf.reset()
        await until(lambda: len(door.connections) == 1)


async def test_a_session_is_told_once_to_hold_back_and_when_all_has_left() -> None:
    async with open_door(SMALL) as door:
        client = await door.welcomed(receive_buffer=4 * 1024)
        (connection,) = door.connections
        await congest(door)
        connection.tell(NotifyDrained())
        connection.tell(large(2_000))
        await until(lambda: connection.statistics().waiting == 0)
        assert (len(door.noted(Congested)), door.noted(Drained)) == (1, [])
        while (await numbers(client, 1)) != [2_000]:
            pass
        await until(lambda: door.noted(Drained))
        assert door.noted(Drained) == [Drained(connection)]


async def test_drained_is_told_at_once_where_nothing_waits_and_behind_what_was_told() -> None:
    async with open_door() as door:
        client = await door.welcomed()
        (connection,) = door.connections
        connection.tell(Outgoing([Pong(id=1)]))
        connection.tell(NotifyDrained())
        await until(lambda: door.noted(Drained))
        assert (await client.hear())["id"] == 1
        await trio.testing.wait_all_tasks_blocked()
        assert len(door.noted(Drained)) == 1


async def test_a_page_larger_than_every_bound_is_no_reason_to_close() -> None:
    async with open_door(SMALL, session=CatchingUpSession) as door:
        client = await door.welcomed(receive_buffer=4 * 1024)
        (connection,) = door.connections
        session = door.session._actor
        assert isinstance(session, CatchingUpSession)
        session.feed = [large(number, 1024 * 1024) for number in range(3)]
        connection.tell(NotifyDrained())
        assert await numbers(client, 3) == [0, 1, 2]


async def test_passing_events_are_dropped_while_too_much_waits() -> None:
    async with open_door(SMALL) as door:
        client = await door.welcomed(receive_buffer=4 * 1024)
        (connection,) = door.connections
        await congest(door)
        connection.tell(Passing("r_1", [Pong(id="-1:dropped")]))
        connection.tell(large(9_999))
        heard: list[int] = []
        while 9_999 not in heard:
            heard += await numbers(client, 1)
        assert -1 not in heard


async def test_entries_that_go_on_after_congested_end_the_connection() -> None:
    async with open_door(SMALL) as door:
        client = await door.welcomed(receive_buffer=4 * 1024)
        (connection,) = door.connections
        await congest(door)
        for number in range(100):
            connection.tell(large(10_000 + number))
            await trio.testing.wait_all_tasks_blocked()
        heard = 0
        while (opcode_and_payload := await client.frame())[0] != 8:
            heard += b"10000:" in opcode_and_payload[1][:40]
        assert opcode_and_payload[1][:2] == struct.pack("!H", CloseCode.SLOW_CONSUMER)
        assert heard == 0, "what would only delay the goodbye is dropped"


async def test_answers_have_room_also_while_too_much_waits() -> None:
    async with open_door(SMALL) as door:
        client = await door.welcomed(receive_buffer=4 * 1024)
        (connection,) = door.connections
        await congest(door)
        for number in range(30):
            connection.tell(Outgoing([Pong(id=f"{number}:" + "x" * 8_000)], answers=1))
        connection.tell(Outgoing([Pong(id="9999:")], answers=1))
        while await numbers(client, 1) != [9_999]:
            pass


async def test_who_takes_nothing_at_all_is_closed() -> None:
    limits = GatewayLimits(outbound_bytes=32 * 1024, stall_seconds=0.3, close_seconds=0.3, stop_seconds=0.3)
    async with open_door(limits) as door:
        client = await door.welcomed(receive_buffer=4 * 1024)
        await congest(door)
        await until(lambda: not door.connections)
        assert b"slow consumer" not in await client.ends(), "nothing could be said to it any more"


async def test_who_takes_nothing_at_all_leaves_nothing_in_the_kernel() -> None:
    limits = GatewayLimits(outbound_bytes=32 * 1024, stall_seconds=0.3, close_seconds=0.3, stop_seconds=0.3)
    async with open_door(limits) as door:
        client = await door.welcomed(receive_buffer=4 * 1024)
        await congest(door)
        await until(lambda: not door.connections)
        await until(lambda: client.socket.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR) == errno.ECONNRESET)


async def test_who_takes_a_little_again_and_again_stays() -> None:
    limits = GatewayLimits(outbound_bytes=32 * 1024, stall_seconds=2.0, close_seconds=0.3, stop_seconds=0.3)
    async with open_door(limits) as door:
        client = await door.welcomed(receive_buffer=4 * 1024)
        (connection,) = door.connections
        for number in range(35):
            connection.tell(large(number))
        for number in range(35):
            assert await numbers(client, 1) == [number]
            await trio.sleep(0.1)
        assert door.connections


async def test_a_queue_that_comes_and_goes_leaves_no_timer_behind() -> None:
    async with open_door(SMALL) as door:
        client = await door.welcomed(receive_buffer=4 * 1024)
        (connection,) = door.connections
        for round_ in range(10):
            connection.tell(large(round_, 200_000))
            assert await numbers(client, 1) == [round_]
        await until(lambda: door.gateway.reactor.statistics().waiting_to_write == 0)
        assert len(door.system.timers) == 0


async def test_no_command_starts_while_too_much_waits() -> None:
    async with open_door(SMALL) as door:
        client = await door.welcomed(receive_buffer=4 * 1024)
        await congest(door)
        await client.say({"op": "ping", "id": "9999:"})
        await until(lambda: door.gateway.reactor.statistics().paused == 1)
        while await numbers(client, 1) != [9_999]:
            pass
        await until(lambda: door.gateway.reactor.statistics().paused == 0)


# --- ends --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("payload", [b"", struct.pack("!H", 1000), struct.pack("!H", 4_999) + b"bye"])
async def test_the_peers_close_is_answered_with_its_code(payload: bytes) -> None:
    async with open_door() as door:
        client = await door.welcomed()
        await client.send(frame(8, payload) + text('{"op":"rooms"}'))
        assert await client.frame() == (8, payload[:2])
        assert await client.ends() == b""
        await until(lambda: not door.connections)


async def test_a_peer_that_does_not_answer_our_close_is_dropped_in_time() -> None:
    async with open_door(SMALL) as door:
        client = await door.welcomed()
        (connection,) = door.connections
        connection.tell(Close(CloseCode.DRAINING))
        while (await client.frame())[0] != 8:
            pass
        await client.send(text('{"op":"rooms"}') * 100)
        await until(lambda: not door.connections)


async def test_a_reset_ends_the_connection() -> None:
    async with open_door() as door:
        client = await door.welcomed()
        client.reset()
        await until(lambda: not door.connections)
        assert door.gateway.reactor.registered == 0


async def test_a_half_close_ends_the_connection() -> None:
    async with open_door() as door:
        client = await door.welcomed()
        client.socket.shutdown(socket.SHUT_WR)
        assert await client.ends() == b""
        await until(lambda: not door.connections)


async def test_a_reset_of_a_peer_that_is_not_read_ends_the_connection() -> None:
    async with open_door(SMALL) as door:
        client = await door.welcomed(receive_buffer=4 * 1024)
        await congest(door)
        await client.say({"op": "ping"})
        await until(lambda: door.gateway.reactor.statistics().paused == 1)
        client.reset()
        await until(lambda: not door.connections)
        assert door.gateway.reactor.registered == 0


async def test_sockets_are_not_leaked_over_many_connections(line: str) -> None:
    first = most_descriptors() if line == "kept" else 0
    async with open_door() as door:
        for round_ in range(30):
            client = await door.welcomed()
            if round_ % 3 == 0:
                client.reset()
            elif round_ % 3 == 1:
                await client.send(frame(8, b""))
                await client.ends()
            else:
                await client.send(b"\xff" * 100)
                await client.close_code()
        await until(lambda: not door.connections)
        assert door.gateway.reactor.registered == 0
        assert door.gateway.reactor.extent < first + 200, "descriptors are used again"
        assert door.gateway.reactor.kept == 0
        assert len(door.system.timers) == 0, "and nobody waits for those who are gone"
