"""`hubbub chat` on a real terminal: a pseudo-terminal, with somebody at the other side of it."""

from __future__ import annotations

import fcntl
import os
import pty
import select
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.harness.server import ServerProcess

PATIENCE = 30.0  # seconds
PASSWORD = "correct horse battery"
# A new session has no terminal of its own: getpass needs one. Who was started in the background ignores Ctrl-C.
PROGRAM = """
import fcntl, signal, sys, termios
fcntl.ioctl(0, termios.TIOCSCTTY, 0)
signal.signal(signal.SIGINT, signal.default_int_handler)
from server.cli.main import main
main()
"""


class Person:
    """Sits at a terminal in which `hubbub chat` runs."""

    def __init__(self, url: str, state: Path) -> None:
        self.here, there = pty.openpty()
        fcntl.ioctl(self.here, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
        environment = os.environ | {"XDG_STATE_HOME": str(state)}
        environment.pop("HUBBUB_PASSWORD", None)
        self.process = subprocess.Popen(
            [sys.executable, "-c", PROGRAM, "chat", url, "--name", "ann"],
            stdin=there,
            stdout=there,
            stderr=there,
            env=environment,
            start_new_session=True,
        )
        os.close(there)
        self.seen = ""

    def type(self, text: str) -> None:
        os.write(self.here, text.encode())

    def sees(self, wanted: str) -> str:
        """Reads until `wanted` is on the screen; returns what came up to it."""
        deadline = time.monotonic() + PATIENCE
        while wanted not in self.seen:
            ready, _, _ = select.select([self.here], [], [], max(0.0, deadline - time.monotonic()))
            if not ready:
                raise AssertionError(f"{wanted!r} never came; on the screen: {self.seen!r}")
            self.seen += os.read(self.here, 65_536).decode()
        before, _, self.seen = self.seen.partition(wanted)
        return before

    def echoes(self) -> bool:
        local_modes: int = termios.tcgetattr(self.here)[3]
        return bool(local_modes & termios.ECHO)

    def leaves(self) -> int:
        return self.process.wait(PATIENCE)

    def close(self) -> None:
        self.process.kill()
        self.process.wait()
        os.close(self.here)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    with ServerProcess(tmp_path_factory.mktemp("server") / "data") as running:
        yield running


@pytest.fixture
def person(server: ServerProcess, tmp_path: Path) -> Iterator[Person]:
    found = Person(server.url, tmp_path / "state")
    yield found
    found.close()


def test_somebody_new_makes_an_account_talks_and_leaves(person: Person) -> None:
    person.sees("Password of ann: ")
    person.type(f"{PASSWORD}\n")
    person.sees("Make a new account of that name? [y/N]")
    person.type("y\n")
    person.sees("The same password again: ")
    person.type(f"{PASSWORD}\n")
    assert PASSWORD not in person.sees("-- connected as ann")
    person.type("/create screens\n")
    person.sees("-- in #screens\r\n")  # with its end: what is typed before that is echoed in the middle of it
    person.type("hello\n")
    typed = person.sees(" ann: hello")
    assert "hello\r\n\x1b[1A\x1b[2K" in typed, "the typed line makes way for the message"
    person.type("/quit\n")
    assert person.leaves() == 0


def test_ctrl_c_at_the_password_leaves_a_terminal_that_echoes(person: Person) -> None:
    person.sees("Password of ann: ")
    assert not person.echoes()
    person.type("\x03")
    assert person.leaves() == 0
    assert person.echoes()
