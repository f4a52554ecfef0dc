"""What the gateway counts of itself: by the end of every life the gauges are back at nothing."""

from __future__ import annotations

import pytest
import trio
import trio.testing

from server.gateway.limits import GatewayLimits
from server.metrics.counts import LOST, NO_CODE, GatewayCounts
from server.protocol.closing import CloseCode
from server.protocol.outgoing import Outgoing
from server.protocol.replies import Pong
from server.sessions.messages import Close
from tests.gateway.doorway import Door, frame, open_door, until

QUICK = GatewayLimits(
    handshake_seconds=0.3, hello_seconds=0.3, outbound_bytes=32 * 1024, stop_seconds=0.3, close_seconds=0.3
)


def standing(counts: GatewayCounts) -> tuple[int, int, int, int]:
    """Every gauge."""
    return counts.handshaking, counts.opening, counts.closing, len(counts.queues)


async def flooded(door: Door) -> None:
    """Tell the only connection more than the kernel takes; its client does not read."""
    while not any(queue.late is not None for queue in door.gateway.counts.queues):
        door.connections[0].tell(Outgoing([Pong(id="x" * 8 * 1024)]))
        await trio.testing.wait_all_tasks_blocked()


async def test_a_websocket_is_opening_then_ready_then_closing_then_gone() -> None:
    async with open_door(QUICK) as door:
        counts = door.gateway.counts
        client = await door.client()
        await until(lambda: standing(counts) == (1, 0, 0, 0))
        await client.upgrade()
        await until(lambda: standing(counts) == (0, 1, 0, 0))
        await client.say({"op": "hello", "token": "token-of-ann"})
        assert (await client.hear())["op"] == "welcome"
        await until(lambda: standing(counts) == (0, 0, 0, 0))
        door.connections[0].answer(Close(CloseCode.TOKEN_REVOKED))
        await until(lambda: standing(counts) == (0, 0, 1, 0))
        assert await client.close_code() == CloseCode.TOKEN_REVOKED
        await until(lambda: standing(counts) == (0, 0, 0, 0))
        assert counts.closes == {("server", CloseCode.TOKEN_REVOKED): 1}
        assert counts.handshakes == {("upgraded", ""): 1}
        assert counts.accepted == 1


async def test_who_never_says_hello_is_closed_once() -> None:
    async with open_door(QUICK) as door:
        client = await door.websocket()
        assert await client.close_code() == CloseCode.NO_HELLO
        await until(lambda: not door.connections)
        assert door.gateway.counts.closes == {("server", CloseCode.NO_HELLO): 1}
        assert standing(door.gateway.counts) == (0, 0, 0, 0)


@pytest.mark.parametrize(("payload", "code"), [(b"", NO_CODE), (b"\x03\xe8", 1000), (b"\x13\x87", 4999)])
async def test_the_clients_own_code_is_counted(payload: bytes, code: int) -> None:
    async with open_door(QUICK) as door:
        client = await door.welcomed()
        await client.send(frame(8, payload))
        await client.close_code() if payload else await client.frame()
        client.reset()
        await until(lambda: not door.connections)
        assert door.gateway.counts.closes == {("client", code): 1}
        assert standing(door.gateway.counts) == (0, 0, 0, 0)


async def test_a_lost_one_is_nobodys_close() -> None:
    async with open_door(QUICK) as door:
        opening, ready = await door.websocket(), await door.welcomed()
        opening.reset()
        ready.reset()
        await until(lambda: not door.connections)
        assert door.gateway.counts.closes == {("nobody", LOST): 2}
        assert standing(door.gateway.counts) == (0, 0, 0, 0)


async def test_a_queue_is_there_while_bytes_wait_and_leaves_with_its_connection() -> None:
    async with open_door(QUICK) as door:
        counts = door.gateway.counts
        client = await door.welcomed(receive_buffer=4 * 1024)
        await flooded(door)
        [queue] = counts.queues
        assert queue.waiting > QUICK.outbound_bytes
        while counts.queues:
            await client.frame()
        await flooded(door)
        client.reset()
        await until(lambda: not door.connections)
        assert standing(counts) == (0, 0, 0, 0)


async def test_what_is_encoded_once_is_counted_once() -> None:
    async with open_door() as door:
        clients = [await door.welcomed() for _ in range(3)]
        before = door.gateway.counts.encoded
        said = Outgoing([Pong(id="to all"), Pong(id="of you")])
        for connection in door.connections:
            connection.tell(said)
        for client in clients:
            assert (await client.hear())["id"] == "to all"
        assert door.gateway.counts.encoded - before == 2


async def test_handshakes_that_come_to_nothing_are_told_apart() -> None:
    async with open_door(QUICK) as door:
        silent, slow, torn, polite = [await door.client() for _ in range(4)]
        await slow.send(b"GET / HT")
        await torn.send(b"no HTTP\r\n\r\n")
        await polite.send(b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        for client in (silent, slow, torn, polite):
            await client.ends()
        assert door.gateway.counts.handshakes == {
            ("timed_out", "silent"): 1,
            ("timed_out", "too_slow"): 1,
            ("refused", "torn"): 1,
            ("http", ""): 1,
        }
        await until(lambda: standing(door.gateway.counts) == (0, 0, 0, 0))
