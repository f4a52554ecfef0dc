"""Websocket libraries that nobody here wrote talk to the gateway."""

from __future__ import annotations

import json
import socket
from typing import Any

import msgspec
import pytest
import trio
from trio_websocket import ConnectionClosed, open_websocket_url
from websockets.exceptions import ConnectionClosed as WebsocketsClosed
from websockets.exceptions import InvalidStatus
from websockets.sync.client import connect
from websockets.typing import Subprotocol

from server.protocol.closing import CloseCode
from server.sessions.messages import Close
from tests.gateway.doorway import TOKEN, open_door

COMPRESSED = "permessage-deflate; server_no_context_takeover; client_no_context_takeover"
HELLO = json.dumps({"op": "hello", "token": TOKEN})


async def test_trio_websocket() -> None:
    async with (
        open_door() as door,
        open_websocket_url(f"ws://127.0.0.1:{door.port}/v1/ws", subprotocols=["hubbub.v1.json"]) as websocket,
    ):
        assert websocket.subprotocol == "hubbub.v1.json"
        await websocket.send_message(HELLO)
        assert json.loads(await websocket.get_message())["op"] == "welcome"
        await websocket.ping(b"there?")
        await websocket.send_message(json.dumps({"op": "rooms", "id": "é" * 60}))
        assert json.loads(await websocket.get_message()) == {"op": "ok", "id": "é" * 60}
        door.connections[0].tell(Close(CloseCode.OVER_CAPACITY, "go"))
        with pytest.raises(ConnectionClosed) as caught:
            await websocket.get_message()
        assert caught.value.reason is not None
        assert (caught.value.reason.code, caught.value.reason.reason) == (4004, "over capacity: go")
        await websocket._stream.aclose()  # this library leaves its socket open when the server closes first


async def test_websockets() -> None:
    async with open_door() as door:
        await trio.to_thread.run_sync(talk_with_websockets, door.port)


def talk_with_websockets(port: int) -> None:
    url = f"ws://127.0.0.1:{port}/v1/ws"
    with connect(url, additional_headers={"Authorization": f"Bearer {TOKEN}"}, max_size=None) as websocket:
        websocket.send(json.dumps({"op": "hello"}))
        assert json.loads(websocket.recv(10))["op"] == "welcome"
        websocket.send(['{"op":', '"ping",', '"id":"fragments"}'])
        assert json.loads(websocket.recv(10)) == {"op": "pong", "id": "fragments"}
        assert websocket.ping().wait(10)
        websocket.close(1001, "bye")
        assert websocket.close_code == 1001
    with connect(url) as websocket:
        websocket.send(b"binary")
        with pytest.raises(WebsocketsClosed) as caught:
            websocket.recv(10)
        assert caught.value.rcvd is not None
        assert caught.value.rcvd.code == 4502
    assert refused_with(url, additional_headers={"Authorization": "Bearer no"}) == 401
    assert refused_with(url, origin="http://evil.example") == 403


@pytest.mark.parametrize("subprotocol", ["hubbub.v1.json", "hubbub.v1.msgpack"])
@pytest.mark.parametrize("compression", [False, True], ids=["plain", "compressed"])
async def test_every_dialect_with_websockets(subprotocol: str, compression: bool) -> None:
    async with open_door(compression=compression) as door:
        await trio.to_thread.run_sync(talk_in_a_dialect, door.port, subprotocol, compression)


def talk_in_a_dialect(port: int, subprotocol: str, compression: bool) -> None:
    packed = subprotocol.endswith("msgpack")
    encode = msgspec.msgpack.encode if packed else lambda value: json.dumps(value)
    decode = msgspec.msgpack.decode if packed else json.loads
    with connect(f"ws://127.0.0.1:{port}/v1/ws", subprotocols=[Subprotocol(subprotocol)]) as websocket:
        assert websocket.response is not None
        agreed = websocket.response.headers.get("Sec-WebSocket-Extensions")
        assert agreed == (COMPRESSED if compression else None)
        assert websocket.subprotocol == subprotocol
        websocket.send(encode({"op": "hello", "token": TOKEN}))
        assert decode(websocket.recv(10))["op"] == "welcome"
        for number in range(3):
            websocket.send(encode({"op": "rooms", "id": f"{number} é" * 10}))
            assert decode(websocket.recv(10)) == {"op": "ok", "id": f"{number} é" * 10}
        websocket.send(encode([]))
        with pytest.raises(WebsocketsClosed) as caught:
            websocket.recv(10)
        assert caught.value.rcvd is not None
        assert caught.value.rcvd.code == 4502


def refused_with(url: str, **how: Any) -> int:
    """The status of a refused upgrade. The socket is ours, because this library leaves its own open then."""
    port = int(url.split(":")[2].split("/")[0])
    with (
        socket.create_connection(("127.0.0.1", port)) as sock,
        pytest.raises(InvalidStatus) as refused,
        connect(url, sock=sock, **how),
    ):
        pass
    return refused.value.response.status_code
