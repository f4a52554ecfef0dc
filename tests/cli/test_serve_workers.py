"""`hubbub serve --workers` as a command: one line for each thing that keeps it away, and as many processes as asked."""

from __future__ import annotations

import os
import socket
import sqlite3
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.harness import preloaded
from tests.harness.server import ServerProcess

TWO = ["--workers", "2"]


@pytest.fixture
def data(tmp_path: Path) -> Path:
    return tmp_path / "data"


@pytest.fixture
def server(data: Path) -> Iterator[ServerProcess]:
    with ServerProcess(data, options=TWO) as running:
        yield running


def serve(data: Path, *more: str, port: str = "0", path: str | None = None) -> subprocess.CompletedProcess[str]:
    """A `serve` that is expected to end by itself."""
    environment = os.environ | {"HUBBUB_ADMIN_PORT": "0"} | ({"PATH": path} if path else {})
    return preloaded.run(["serve", "--data", str(data), "--port", port, "--log-level", "warning", *more], environment)


def one_line_of(ended: subprocess.CompletedProcess[str]) -> str:
    assert ended.stdout == ""
    lines = ended.stderr.splitlines()
    assert len(lines) == 1, ended.stderr
    return lines[0]


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--workers", "0"], ["`workers`", "command line --workers", ">= 1", "'0'"]),
        (["--workers", "-1"], ["`workers`", ">= 1"]),
        (["--workers", "1025"], ["`workers`", "<= 1024"]),
        (["--workers", "some"], ["`workers`", "a number, or auto", "'some'"]),
        (["--workers", "2.5"], ["`workers`", "a number, or auto"]),
        ([*TWO, "--engine", "http://localhost"], ["`engine`", "valkey://host:port"]),
        ([*TWO, "--engine", "valkey://localhost:port"], ["`engine`", "valkey://host:port"]),
        ([*TWO, "--tls-key", "/nowhere.pem"], ["`tls_key`", "`tls_cert`"]),
    ],
)
def test_a_wrong_setting_is_named_and_ends_with_2(data: Path, options: list[str], words: list[str]) -> None:
    ended = serve(data, *options)
    assert ended.returncode == 2
    line = one_line_of(ended)
    for word in words:
        assert word in line


def test_an_engine_that_is_not_there_ends_with_6(data: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    ended = serve(data, *TWO, "--engine", f"valkey://127.0.0.1:{port}")
    assert ended.returncode == 6
    assert f"the engine valkey://127.0.0.1:{port} cannot be reached" in one_line_of(ended)


def test_a_port_in_use_is_named(data: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        ended = serve(data, *TWO, port=str(port))
    assert ended.returncode == 4
    assert f"port {port}" in one_line_of(ended)


def test_the_port_of_other_workers_is_in_use_too(server: ServerProcess, tmp_path: Path) -> None:
    """Although they let it be shared among themselves."""
    ended = serve(tmp_path / "other", *TWO, port=str(server.address[1]))
    assert ended.returncode == 4
    assert "in use" in one_line_of(ended)


@pytest.mark.parametrize("options", [TWO, []], ids=["several", "one"])
def test_data_in_use_by_workers_names_their_parent(server: ServerProcess, data: Path, options: list[str]) -> None:
    ended = serve(data, *options)
    assert ended.returncode == 3
    assert f"in use by pid {server.process.pid}" in one_line_of(ended)


def test_a_database_of_a_newer_version_is_named_once(data: Path) -> None:
    with ServerProcess(data, options=TWO) as server:
        assert server.stop() == 0
    with sqlite3.connect(data / "hubbub.sqlite3") as database:
        database.execute("UPDATE alembic_version SET version_num = 'from-the-future'")
    ended = serve(data, *TWO)
    assert ended.returncode == 5
    assert "newer version" in one_line_of(ended)


def test_a_second_server_here_serves_without_an_admin_listener(server: ServerProcess, tmp_path: Path) -> None:
    other = ServerProcess(
        tmp_path / "other", options=TWO, environment={"HUBBUB_ADMIN_PORT": str(server.admin_address[1])}
    )
    with other:
        assert "no admin listener" in other.log.read_text()
        assert other.stop() == 0


def test_auto_is_one_for_each_core(data: Path) -> None:
    with ServerProcess(data, options=["--workers", "auto"]) as server:
        cores = len(os.sched_getaffinity(0))
        assert server.log.read_text().count("a worker serves") == (cores if cores > 1 else 0)


def test_one_worker_has_no_parent_and_no_engine(data: Path) -> None:
    with ServerProcess(data, options=["--workers", "1"]) as server:
        children = Path(f"/proc/{server.process.pid}/task/{server.process.pid}/children").read_text()
        assert children == ""
        assert not (data / "run").exists()


def test_the_log_says_which_worker_it_is(server: ServerProcess) -> None:
    assert server.stop() == 0
    lines = [line for line in server.log.read_text().splitlines() if "stopped" in line]
    assert {line.rpartition("worker=")[2] for line in lines} == {"0", "1"}
