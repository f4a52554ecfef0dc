"""A locust user with a websocket, against a server that nobody here wrote (PyPI `websockets`).

All cases are played by one program (`websocket_cases.py`) and looked at one by one.
"""

from __future__ import annotations

import json
import os
import socket
import ssl
import struct
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from http import HTTPStatus
from pathlib import Path
from typing import Any

import pytest
import trustme
from websockets.exceptions import ConnectionClosed
from websockets.http11 import Request, Response
from websockets.sync.server import ServerConnection, serve

PROGRAM = Path(__file__).with_name("websocket_cases.py")
ROOT = Path(__file__).parents[3]

Seen = dict[str, Any]


class Peer:
    """A server that does what the path says, and remembers how connections to `/witness/…` ended."""

    def __init__(self) -> None:
        self.ended: dict[str, int] = {}

    def turn_away(self, connection: ServerConnection, request: Request) -> Response | None:
        if request.path == "/full":
            return connection.respond(HTTPStatus.SERVICE_UNAVAILABLE, "full\n")
        return None

    def talk(self, websocket: ServerConnection) -> None:
        assert websocket.request is not None
        path = websocket.request.path
        match path.partition("?")[0].split("/")[1:]:
            case ["echo"]:
                if "?" in path:
                    websocket.send(json.dumps({"path": path, "who": websocket.request.headers["X-Who"]}))
                for message in websocket:
                    websocket.send(message)
            case ["close"]:
                websocket.recv()
                websocket.close(4002, "too slow for us")
            case ["reset"]:
                websocket.recv()
                websocket.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                websocket.socket.close()
            case ["flood"]:
                for number in range(100):
                    websocket.send(str(number))
                websocket.send("end")
                self._wait_for_end(websocket)
            case ["witness", name]:
                self.ended[name] = self._wait_for_end(websocket)
            case _:
                self._wait_for_end(websocket)

    def _wait_for_end(self, websocket: ServerConnection) -> int:
        try:
            websocket.recv()
        except ConnectionClosed as closed:
            return closed.rcvd.code if closed.rcvd is not None else 1006
        return 0


@contextmanager
def serving(peer: Peer, tls: ssl.SSLContext | None = None) -> Iterator[int]:
    with serve(
        peer.talk, "127.0.0.1", 0, ssl=tls, process_request=peer.turn_away, subprotocols=["chat.v1"], max_size=None,  # type: ignore[list-item]
    ) as server:  # fmt: skip
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield server.socket.getsockname()[1]
        finally:
            server.shutdown()
            thread.join()


@pytest.fixture(scope="module")
def seen(tmp_path_factory: pytest.TempPathFactory) -> Seen:
    """What the program tells, and besides how the server saw its connections end."""
    authority = trustme.CA()
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(tls)
    pem = tmp_path_factory.mktemp("authority") / "authority.pem"
    authority.cert_pem.write_to_path(str(pem))
    peer = Peer()
    with ExitStack() as stack:
        plain, secure = stack.enter_context(serving(peer)), stack.enter_context(serving(peer, tls))
        silent = stack.enter_context(socket.create_server(("127.0.0.1", 0))).getsockname()[1]
        with socket.create_server(("127.0.0.1", 0)) as gone:
            nobody = gone.getsockname()[1]
        ended = subprocess.run(
            [
                sys.executable, str(PROGRAM), f"ws://127.0.0.1:{plain}", f"wss://127.0.0.1:{secure}", str(pem),
                f"ws://127.0.0.1:{silent}", f"ws://127.0.0.1:{nobody}",
            ],
            capture_output=True, text=True, timeout=150, cwd=ROOT, env=os.environ | {"PYTHONPATH": str(ROOT)},
        )  # fmt: skip
    assert ended.returncode == 0, ended.stderr
    return json.loads(ended.stdout) | {"ended": peer.ended}


@pytest.mark.parametrize(
    ("case", "requests", "failures"),
    [
        ("Echoes", {"connect": 1, "echo": 4}, {}),
        ("Compresses", {"connect": 1, "echo": 4}, {}),
        ("Encrypts", {"connect": 1, "echo": 1}, {}),
        ("FindsNobody", {"connect": 1}, {"connect": "ConnectFailed('ECONNREFUSED')"}),
        ("IsTurnedAway", {"connect": 1}, {"connect": "UpgradeRefused(503)"}),
        ("WaitsInVain", {"connect": 1}, {"connect": "TimedOut('connect')"}),
        (
            "IsClosedOn",
            {"connect": 1, "answer": 1, "disconnect": 1},
            {"answer": "Closed(4002)", "disconnect": "Closed(4002)"},
        ),
        (
            "IsResetOn",
            {"connect": 1, "answer": 1, "disconnect": 1},
            {"answer": "ConnectionLost('ECONNRESET')", "disconnect": "ConnectionLost('ECONNRESET')"},
        ),
        ("IsNotAnswered", {"connect": 1, "answer": 1}, {"answer": "TimedOut('expect')"}),
        ("IsFlooded", {"connect": 1}, {}),
        ("DropsTheOldest", {"connect": 1, "inbox": 91}, {"inbox": "InboxFull()"}),
        ("IsStoppedWaiting", {"connect": 1}, {}),
        ("ForgetsToClose", {"connect": 1}, {}),
        ("Falls", {"connect": 1}, {}),
    ],
)  # fmt: skip
def test_locust_is_told_each_step_and_each_failure_by_a_name_that_stays(
    seen: Seen, case: str, requests: dict[str, int], failures: dict[str, str]
) -> None:
    found = seen["cases"][case]
    assert found["requests"] == requests
    assert {name: error for name, (error, _) in found["failures"].items()} == failures
    assert found["exceptions"] == (["a fault of the test"] if case == "Falls" else []), "failures end a task quietly"


def test_a_certificate_that_nobody_vouches_for_is_no_connection(seen: Seen) -> None:
    [(error, _)] = seen["cases"]["Distrusts"]["failures"].values()
    assert error.startswith("ConnectFailed('certificate verify failed")


def test_path_subprotocols_and_headers_are_said_and_every_kind_of_message_comes_back(seen: Seen) -> None:
    assert seen["said"]["about"] == {"path": "/echo?room=1", "who": "ada"}
    assert seen["said"]["subprotocol"] == "chat.v1"
    assert seen["said"]["kinds"] == ["str", "bytes", "str", "str"] * 2


def test_times_are_not_rounded(seen: Seen) -> None:
    assert [found["rounded"] for found in seen["cases"].values() if found["rounded"]] == []


def test_a_full_inbox_does_what_was_chosen(seen: Seen) -> None:
    assert seen["said"]["IsFlooded"] == [101, "0"], "the server waits"
    assert seen["said"]["DropsTheOldest"] == [10, "91"]


def test_whatever_ends_a_user_ends_its_connection_and_with_a_handshake_where_it_can(seen: Seen) -> None:
    assert seen["ended"] == {"politely": 1000, "forgetful": 1006, "falling": 1000}
    assert seen["left"] == 0
