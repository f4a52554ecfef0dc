"""One room, and a reader in each dialect: all hear the same, whoever says it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
from websockets.sync.client import ClientConnection
from websockets.typing import Subprotocol

from tests.harness.people import open_websocket, register
from tests.harness.server import ServerProcess

SUBPROTOCOLS = ("hubbub.v1.json", "hubbub.v1.msgpack")


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    data: Path = tmp_path_factory.mktemp("dialects") / "data"
    with ServerProcess(data, options=["--compression"]) as running:
        yield running


class Reader:
    """A client that speaks one dialect."""

    def __init__(self, server: ServerProcess, subprotocol: str, compression: str | None) -> None:
        name = f"{subprotocol.rpartition('.')[2]}_{compression or 'plain'}"
        _user, token = register(server.url, name)
        self._packed = subprotocol.endswith("msgpack")
        self.websocket: ClientConnection = open_websocket(
            server.websocket_url, subprotocols=[Subprotocol(subprotocol)], compression=compression
        )
        self.say(op="hello", token=token)
        assert self.hear("welcome")["me"]["name"] == name

    def say(self, **command: object) -> None:
        self.websocket.send(msgspec.msgpack.encode(command) if self._packed else json.dumps(command))

    def hear(self, op: str) -> Any:
        """The next event of that kind."""
        while True:
            frame = self.websocket.recv(15)
            assert isinstance(frame, bytes) is self._packed
            event = msgspec.msgpack.decode(frame) if isinstance(frame, bytes) else json.loads(frame)
            if event["op"] == op:
                return event


def test_everybody_hears_everybody(server: ServerProcess) -> None:
    readers = [Reader(server, name, compression) for name in SUBPROTOCOLS for compression in (None, "deflate")]
    try:
        assert [bool(reader.websocket.protocol.extensions) for reader in readers] == [False, True] * 2
        readers[0].say(op="create_room", id=1, kind="channel", name="babel", nonce="b-1")
        readers[0].hear("ok")
        for reader in readers[1:]:
            reader.say(op="join", id=2, name="babel")
        (room,) = {reader.hear("ok")["room"] for reader in readers[1:]}
        for number, poster in enumerate(readers):
            poster.say(op="post", id=3, room=room, nonce=f"n-{number}", text=f"жук {number} " * 50)
            heard = [reader.hear("message") for reader in readers]
            assert [message["text"] for message in heard] == [f"жук {number} " * 50] * 4
            assert all(message == heard[0] for message in heard)
    finally:
        for reader in readers:
            reader.websocket.close()
