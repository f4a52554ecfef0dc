"""Connections that agreed on compression: what they share, what is held at rest, what hostile streams bring about."""

from __future__ import annotations

import json
import tracemalloc
from typing import Any

import pytest

from server.gateway.deflate import WIDEST, deflated
from server.gateway.dialects import dialect
from server.protocol.codec import JSON, MSGPACK
from server.protocol.limits import HELLO_BYTES_UNTRUSTED
from server.protocol.outgoing import Outgoing
from server.protocol.replies import Pong
from tests.gateway.doorway import TOKEN, Client, Door, frame, open_door, text, until

OFFER = "Sec-WebSocket-Extensions: permessage-deflate\r\n"
PACKED_OFFER = f"{OFFER}Sec-WebSocket-Protocol: hubbub.v1.msgpack\r\n"
TEXT, BINARY, CONTINUATION, PING, CLOSE = 1, 2, 0, 9, 8
RSV1 = 4
BOMB = frame(TEXT, deflated(b" " * 50_000_000, WIDEST), rsv=RSV1)
assert len(BOMB) < 64 * 1024, "its frame is no larger than may be"


def squeezed(message: dict[str, Any]) -> bytes:
    return frame(TEXT, deflated(json.dumps(message).encode(), WIDEST), rsv=RSV1)


async def welcomed(door: Door) -> Client:
    """A client that agreed on compression and uses it."""
    client = await door.websocket(OFFER)
    await client.send(squeezed({"op": "hello", "token": TOKEN}))
    assert (await client.hear())["op"] == "welcome"
    assert client.compressed == 1
    return client


async def test_commands_and_answers_are_compressed() -> None:
    async with open_door(compression=True) as door:
        client = await welcomed(door)
        await client.send(squeezed({"op": "rooms", "id": "a"}) + text('{"op":"ping","id":"b"}'))
        assert [await client.hear() for _ in range(2)] == [{"op": "pong", "id": "b"}, {"op": "ok", "id": "a"}]
        assert client.compressed == 3


async def test_an_event_for_many_is_compressed_once_for_all_of_them() -> None:
    async with open_door(compression=True) as door:
        clients = [await welcomed(door) for _ in range(5)] + [await door.welcomed() for _ in range(3)]
        event = Outgoing([Pong(id="for everybody")])
        for connection in door.connections:
            connection.tell(event)
        assert [await client.hear() for client in clients] == [{"op": "pong", "id": "for everybody"}] * 8
        assert [client.compressed for client in clients] == [2] * 5 + [0] * 3
        assert list(event.others or {}) == [dialect(JSON, WIDEST)]


async def test_msgpack_is_compressed_as_well() -> None:
    async with open_door(compression=True) as door:
        client = await door.websocket(PACKED_OFFER)
        hello = MSGPACK.encode_event(Pong(id=1)).replace(b"pong", b"ping")
        await client.send(frame(BINARY, deflated(hello, WIDEST), rsv=RSV1))
        assert await client.frame() == (BINARY, MSGPACK.encode_event(Pong(id=1)))
        assert client.compressed == 1
        await client.send(text('{"op":"ping"}'))
        assert await client.close_code() == 4502


async def test_nothing_is_held_between_two_messages() -> None:
    async with open_door(compression=True) as door:
        client = await welcomed(door)
        pool = door.gateway.parsers
        await until(lambda: pool.borrowed == 0)
        command = squeezed({"op": "rooms", "id": "x" * 60})
        await client.send(command[:-1])
        await until(lambda: pool.held > 0)
        assert pool.held < len(command)
        await client.send(command[-1:])
        assert (await client.hear())["op"] == "ok"
        await until(lambda: (pool.borrowed, pool.held) == (0, 0))


@pytest.mark.parametrize(
    "hostile",
    [
        pytest.param(BOMB, id="a bomb"),
        pytest.param(frame(TEXT, deflated(b" " * 100_000, WIDEST), rsv=RSV1), id="larger than may be"),
        pytest.param(frame(TEXT, b"\xff" * 100, rsv=RSV1), id="no deflate stream"),
        pytest.param(squeezed({"op": "ping"})[:1] + b"\x80" + bytes(4), id="an empty one"),
        pytest.param(frame(TEXT, deflated(b'{"op":"ping"}' * 9, WIDEST)[:-4], rsv=RSV1), id="a torn stream"),
        pytest.param(frame(TEXT, deflated(b"\xff", WIDEST), rsv=RSV1), id="no UTF-8"),
        pytest.param(frame(PING, b"", rsv=RSV1), id="a compressed ping"),
        pytest.param(text("{", fin=False) + frame(CONTINUATION, b"}", rsv=RSV1), id="a compressed continuation"),
        pytest.param(frame(TEXT, b"\0", rsv=RSV1 | 1), id="another reserved bit"),
    ],
)
async def test_hostile_streams_close_their_connection_and_no_other(hostile: bytes) -> None:
    async with open_door(compression=True) as door:
        other, client = await welcomed(door), await welcomed(door)
        await client.send(hostile)
        assert await client.close_code() == 4502
        await until(lambda: len(door.connections) == 1)
        for _ in range(20):  # whichever parsers are spare by now: none of them remembers
            await other.send(squeezed({"op": "ping"}))
            assert await other.hear() == {"op": "pong"}


async def test_a_bomb_takes_no_more_memory_than_the_largest_message() -> None:
    async with open_door(compression=True) as door:
        client = await welcomed(door)
        tracemalloc.start()
        try:
            await client.send(BOMB)
            assert await client.close_code() == 4502
            _now, peak = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
        assert peak < 20 * door.gateway.limits.frame_bytes


async def test_a_stranger_may_inflate_no_more_than_a_hello() -> None:
    async with open_door(compression=True) as door:
        client = await door.websocket(OFFER)
        await client.send(frame(TEXT, deflated(b" " * HELLO_BYTES_UNTRUSTED + b"{}", WIDEST), rsv=RSV1))
        assert await client.close_code() == 4502


@pytest.mark.parametrize("offer", ["", OFFER], ids=["not offered", "offered"])
async def test_what_was_not_agreed_on_breaks_the_framing(offer: str) -> None:
    async with open_door(compression=False) as door:
        client = await door.websocket(offer)
        await client.send(squeezed({"op": "ping"}))
        assert await client.close_code() == 4502
