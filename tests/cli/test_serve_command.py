"""`hubbub serve` as a process: what it prints, how it stops, and one line for each thing that keeps it away."""

from __future__ import annotations

import json
import signal
import socket
import sqlite3
import subprocess
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.harness import preloaded
from tests.harness.people import PASSWORD, call, register, talk
from tests.harness.server import READY, ServerProcess


@pytest.fixture
def data(tmp_path: Path) -> Path:
    return tmp_path / "data"


@pytest.fixture
def server(data: Path) -> Iterator[ServerProcess]:
    with ServerProcess(data) as running:
        yield running


def serve(data: Path, *more: str, port: str = "0") -> subprocess.CompletedProcess[str]:
    """A `serve` that is expected to end by itself."""
    return preloaded.run(["serve", "--data", str(data), "--port", port, "--log-level", "warning", *more])


def one_line_of(ended: subprocess.CompletedProcess[str]) -> str:
    assert ended.stdout == ""
    lines = ended.stderr.splitlines()
    assert len(lines) == 1, ended.stderr
    return lines[0]


def test_it_says_where_and_is_ready_then(server: ServerProcess) -> None:
    with urllib.request.urlopen(server.url + "/readyz", timeout=10) as answer:
        assert json.load(answer) == {"status": "ready"}
    assert f"Open {server.url} in a browser" in server.log.read_text()
    assert server.stop() == 0


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_stops_it_in_order(data: Path, number: signal.Signals) -> None:
    with ServerProcess(data) as server:
        server.process.send_signal(number)
        rest, _ = server.process.communicate(timeout=10)
        assert server.process.returncode == 0
        assert rest == "", "one line on stdout, and no more"
        log = server.log.read_text()
        assert "stopped" in log
        assert "Traceback" not in log


UPGRADE = (
    b"GET /v1/ws HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
    b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n"
)


@pytest.fixture
def rude(server: ServerProcess) -> Iterator[socket.socket]:
    """A websocket that says nothing, and does not answer a close."""
    with socket.create_connection(server.address, timeout=10) as sock:
        sock.sendall(UPGRADE)
        assert sock.recv(12) == b"HTTP/1.1 101"
        yield sock


def rest_of(sock: socket.socket) -> bytes:
    received = b""
    while chunk := sock.recv(4_096):
        received += chunk
    return received


def test_a_stop_says_goodbye_and_does_not_wait_for_the_rude(server: ServerProcess, rude: socket.socket) -> None:
    assert server.stop() == 0
    assert b"draining" in rest_of(rude)


def test_a_second_signal_stops_at_once(server: ServerProcess, rude: socket.socket) -> None:
    server.process.send_signal(signal.SIGTERM)
    while chunk := rude.recv(4_096):
        if b"draining" in chunk:
            break
    server.process.send_signal(signal.SIGTERM)
    assert server.process.wait(10) == -signal.SIGTERM


def test_it_starts_again_where_it_stopped(data: Path) -> None:
    for _ in range(2):
        with ServerProcess(data) as server:
            assert server.stop() == 0


def test_a_second_server_on_the_same_data_names_the_first(server: ServerProcess, data: Path) -> None:
    ended = serve(data)
    assert ended.returncode == 3
    assert f"in use by pid {server.process.pid}" in one_line_of(ended)


def test_a_port_in_use_is_named(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        ended = serve(tmp_path / "data", port=str(port))
    assert ended.returncode == 4
    assert f"port {port}" in one_line_of(ended)


@pytest.mark.parametrize("host", ["192.0.2.1", "no such host"])
def test_an_address_of_somebody_else_cannot_be_listened_on(tmp_path: Path, host: str) -> None:
    ended = serve(tmp_path / "data", "--host", host)
    assert ended.returncode == 4
    assert host in one_line_of(ended)


def test_a_data_directory_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "data").write_text("a file")
    ended = serve(tmp_path / "data" / "below")
    assert ended.returncode == 3
    assert str(tmp_path / "data" / "below") in one_line_of(ended)


def test_a_damaged_database_is_named(data: Path) -> None:
    data.mkdir()
    (data / "hubbub.sqlite3").write_bytes(b"this is no database, " * 1_000)
    ended = serve(data)
    assert ended.returncode == 5
    assert "damaged" in one_line_of(ended)


def test_a_database_of_a_newer_version_is_named(data: Path) -> None:
    with ServerProcess(data) as server:
        assert server.stop() == 0
    with sqlite3.connect(data / "hubbub.sqlite3") as database:
        database.execute("UPDATE alembic_version SET version_num = 'from-the-future'")
    ended = serve(data)
    assert ended.returncode == 5
    assert "newer version" in one_line_of(ended)


def test_logs_can_be_json(tmp_path: Path) -> None:
    with ServerProcess(tmp_path / "data", environment={"HUBBUB_LOG_FORMAT": "json"}) as server:
        assert server.stop() == 0
        records = [json.loads(line) for line in server.log.read_text().splitlines() if line.startswith("{")]
    assert {"serving", "stopping", "stopped"} <= {record["event"] for record in records}


def test_the_log_tells_no_secrets(tmp_path: Path) -> None:
    with ServerProcess(tmp_path / "data", environment={"HUBBUB_LOG_LEVEL": "debug"}) as server:
        _, token = register(server.url, "ada")
        call(server.url, "/v1/login", {"name": "ada", "password": "a wrong password"})
        with talk(server.websocket_url, token) as ada:
            room = ada.ask("create_room", kind="group", name="Kin", nonce="n")["room"]
            ada.post(room, "only for you")
        call(server.url, f"/v1/rooms/{room}/messages", {"nonce": "n2", "text": "only for you, too"}, token=token)
        assert server.stop() == 0
        log = server.log.read_text()
    assert "stopped" in log
    for secret in (token, PASSWORD, "a wrong password", "only for you"):
        assert secret not in log


def test_the_tree_names_everything_that_lives(data: Path) -> None:
    ended = serve(data, "--tree")
    assert ended.returncode == 0
    for name in (
        "writer",
        "reader",
        "rooms",
        "sessions",
        "hashing",
        "revocations",
        "reactor",
        "connections",
        "listener",
    ):
        assert f"{name}: " in ended.stdout
    assert READY not in ended.stdout
    assert not data.exists(), "looking at the tree leaves nothing behind"
