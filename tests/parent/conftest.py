"""A parent over stub workers, as a process, and what its workers say."""

from __future__ import annotations

import json
import os
import signal
import socket
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.harness.server import ServerProcess

PROGRAM = "from tests.harness.stub_workers import main\n"
ROOT = Path(__file__).parents[2]


class StubServer(ServerProcess):
    """See `tests/harness/stub_workers.py`; its program can be rewritten while it runs."""

    def __init__(self, folder: Path, *, workers: int = 2, options: tuple[str, ...] = ()) -> None:
        self.file = folder / "program.py"
        self.settings = folder / "settings.toml"
        self.settings.write_text("")
        self.write('main(version="1")')
        super().__init__(
            folder / "data",
            program=[str(self.file)],
            environment={"PYTHONPATH": str(ROOT), "STUB_SETTINGS": str(self.settings)},
            options=["--workers", str(workers), *options],
        )

    def write(self, program: str) -> None:
        """A new version of it; what runs goes on as it is."""
        self.file.write_text(PROGRAM + program + "\n")

    def upgrade(self) -> None:
        self.process.send_signal(signal.SIGUSR2)

    def who(self) -> dict[str, Any]:
        """Whoever the kernel connects us to."""
        return ask(self.address)

    def everybody(self, workers: int = 2) -> dict[int, dict[str, Any]]:
        """What each worker says, by index; as many connects as it takes."""
        found: dict[int, dict[str, Any]] = {}
        until(lambda: found.update(known(self.who())) or len(found) == workers)
        return found

    def says(self, words: str) -> None:
        """Wait for it in the log."""
        until(lambda: words in self.log.read_text())


def known(who: dict[str, Any]) -> dict[int, dict[str, Any]]:
    return {who["index"]: who}


def ask(address: tuple[str, int], line: bytes = b"who\n") -> dict[str, Any]:
    """The answer of one worker; empty if it went away over it."""
    with socket.create_connection(address, timeout=10) as sock, sock.makefile("rb") as answers:
        sock.sendall(line)
        try:
            answer = answers.readline()
        except ConnectionResetError:
            return {}
        return json.loads(answer) if answer else {}


def until(condition: Callable[[], object], seconds: float = 20.0) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it did not come to that"
        time.sleep(0.01)


def lives(pid: int) -> bool:
    """A zombie does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def children_of(pid: int) -> list[int]:
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def name_of(pid: int) -> str:
    return os.path.basename(Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")[0].decode())


@pytest.fixture
def server(tmp_path: Path) -> Iterator[StubServer]:
    with StubServer(tmp_path) as running:
        yield running
