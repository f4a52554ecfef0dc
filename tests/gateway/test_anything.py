"""Connections, and the HTTP before them, with clients that say anything: whatever it is, nobody else notices.

Each example is a life of one or two clients against a whole gateway. In the end they are gone, and nothing of them is
left: no connection, no socket, no parser, no bytes that count, no timer, and no crash.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import trio
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from actors import Address
from server.gateway.deflate import WIDEST, deflated
from server.gateway.limits import GatewayLimits
from server.protocol.closing import CloseCode
from server.protocol.commands import LEGAL
from server.protocol.outgoing import Outgoing
from server.protocol.replies import Pong
from server.sessions.messages import Close, NotifyDrained
from tests.gateway.doorway import TOKEN, CatchingUpSession, Client, Door, SmallSession, frame, open_door, until

LIMITS = GatewayLimits(
    unanswered=3, frame_bytes=2_000, outbound_bytes=20_000, header_bytes=2_000, body_bytes=1_000, partial_bytes=3_000,
    handshake_seconds=0.5, idle_seconds=0.5, close_seconds=0.2, stop_seconds=0.2,
)  # fmt: skip

DEFLATE = "Sec-WebSocket-Extensions: permessage-deflate\r\n"

Step = tuple[str, Any]

payloads = st.binary(max_size=200) | st.text(max_size=60).map(str.encode)
values = st.none() | st.booleans() | st.integers() | st.text(max_size=10) | st.lists(st.integers(), max_size=3)
commands = st.fixed_dictionaries(
    {"op": st.sampled_from([*LEGAL, "fly"])},
    optional=dict.fromkeys(("id", "room", "nonce", "text", "token", "resume", "seq", "limit"), values),
).map(lambda command: json.dumps(command).encode())
frames = st.builds(
    frame,
    st.sampled_from([0, 1, 2, 8, 9, 10]) | st.integers(0, 15),
    payloads | commands | commands.map(lambda said: deflated(said, WIDEST)),
    fin=st.sampled_from([True, True, True, False]),
    masked=st.sampled_from([True] * 9 + [False]),
    rsv=st.sampled_from([0] * 6 + [4, 4, 1]),
)
legal_frames = st.builds(frame, st.just(1), commands) | st.builds(frame, st.just(9), st.binary(max_size=100))

steps = st.one_of(
    st.tuples(st.just("say"), legal_frames),
    st.tuples(st.just("say"), legal_frames),
    st.tuples(st.just("say"), frames),
    st.tuples(st.just("say"), st.binary(max_size=50)),
    st.tuples(st.just("say piecemeal"), frames | legal_frames),
    st.tuples(st.just("is told"), st.sampled_from([1, 100, 60_000])),
    st.tuples(st.just("is asked"), st.none()),
    st.tuples(st.just("reads"), st.none()),
    st.tuples(st.just("is closed"), st.none()),
)
ends = st.sampled_from(["reset", "half-close", "vanish"])


async def take(step: Step, client: Client, door: Door, connection: Address | None) -> None:
    match step:
        case "say", data:
            await client.send(data)
        case "say piecemeal", data:
            for byte in data:
                await client.send(bytes((byte,)))
        case "is told", size:
            if connection is not None:
                connection.tell(Outgoing([Pong(id="x" * size)]))
        case "is asked", _:
            if connection is not None:
                connection.tell(NotifyDrained())
        case "is closed", _:
            if connection is not None:
                connection.tell(Close(code=CloseCode.DRAINING))
        case "reads", _:
            await trio.testing.wait_all_tasks_blocked()
            with trio.move_on_after(0):
                await client.socket.recv(100_000)


async def leave(client: Client, how: str) -> None:
    match how:
        case "reset":
            client.reset()
        case "half-close":
            await client.stream.send_eof()
            await client.ends()
        case "vanish":
            client.socket.close()


async def life(
    said: list[Step], end: str, *, welcomed: bool, compressed: bool, session: Callable[..., SmallSession]
) -> None:
    async with open_door(LIMITS, session=session, compression=True) as door:
        bystander = await door.welcomed()
        others = set(door.connections)
        client = await door.websocket(DEFLATE if compressed else "", receive_buffer=4_096)
        try:
            if welcomed:
                await client.say({"op": "hello", "token": TOKEN})
                await client.frame()
            (connection,) = (one for one in door.connections if one not in others)
            for step in said:
                await take(step, client, door, connection)
            await leave(client, end)
        except trio.BrokenResourceError:
            client.socket.close()
        await nothing_is_left(door, bystander)


async def nothing_is_left(door: Door, bystander: Client) -> None:
    await until(lambda: len(door.connections) == 1, "its connection ends")
    await bystander.say({"op": "rooms", "id": "still here"})
    while (await bystander.hear()).get("id") != "still here":
        pass
    await until(lambda: door.gateway.parsers.borrowed == 0, "its parser is given back")
    assert door.gateway.parsers.held == 0
    assert door.gateway.reactor.registered == 1
    assert len(door.gateway.addresses) == 1
    assert door.gateway.counts.opening == door.gateway.counts.closing == 0
    assert door.gateway.counts.handshakes["failed", "crashed"] == 0
    assert door.system.dynamic("connections").crashes == 0


QUICKLY = settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.too_slow])


@QUICKLY
@given(
    st.lists(steps, max_size=12), ends, st.booleans(), st.booleans(), st.sampled_from([SmallSession, CatchingUpSession])
)
def test_a_client_that_says_anything_leaves_nothing_behind(
    said: list[Step], end: str, welcomed: bool, compressed: bool, session: Callable[..., SmallSession]
) -> None:
    async def run() -> None:
        await life(said, end, welcomed=welcomed, compressed=compressed, session=session)

    trio.run(run)


# --- the HTTP before it ------------------------------------------------------------------------------------------

lines = st.sampled_from(
    [
        b"GET / HTTP/1.1", b"POST /chunked HTTP/1.1", b"HEAD /fixed HTTP/1.1", b"GET /v1/ws HTTP/1.1",
        b"GET /crash HTTP/1.1", b"PUT /crash-late HTTP/1.0", b"OPTIONS * HTTP/1.1", b"GET /silence?a=%ff HTTP/1.1",
        b"Host: x", b"Content-Length: 5", b"Content-Length: -1", b"Content-Length: 5, 5", b"Transfer-Encoding: chunked",
        b"Expect: 100-continue", b"Connection: close", b"Connection: Upgrade", b"Upgrade: websocket",
        b"Sec-WebSocket-Version: 13", b"Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==",
        b"Authorization: Bearer " + TOKEN.encode(), b"X: " + b"x" * 3_000, b"", b"", b"hello", b"5\r\nhello\r\n0\r\n",
        b"\x81\x85\0\0\0\0hello",
    ]
)  # fmt: skip
heads = st.lists(lines | st.binary(max_size=20), max_size=12).map(b"\r\n".join)


@QUICKLY
@given(st.lists(heads, min_size=1, max_size=4), st.integers(0, 400), ends)
def test_any_bytes_in_place_of_a_request_leave_nothing_behind(said: list[bytes], torn_at: int, end: str) -> None:
    async def run() -> None:
        async with open_door(LIMITS) as door:
            bystander = await door.welcomed()
            client = await door.client()
            try:
                for data in said:
                    await client.send(data[:torn_at])
                    await trio.testing.wait_all_tasks_blocked()
                    await client.send(data[torn_at:])
                await leave(client, end)
            except trio.BrokenResourceError:
                client.socket.close()
            await until(lambda: door.gateway.counts.handshaking == 0, "its task ends")
            await nothing_is_left(door, bystander)

    trio.run(run)
