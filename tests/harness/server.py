"""The real server as a process of its own: start it, stop it, kill it, start it again on the same data."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import ClassVar

from tests.harness import preloaded
from tests.harness.fresh import make_fresh
from tests.harness.preloaded import ForkedProcess

READY = "hubbub is serving on "

UNHURRIED = {
    "HUBBUB_COMMANDS_PER_SECOND": "1000000",
    "HUBBUB_COMMANDS_PER_SECOND_PER_USER": "1000000",
    "HUBBUB_BYTES_PER_SECOND": "1000000000",
    "HUBBUB_BYTES_PER_SECOND_PER_USER": "1000000000",
    "HUBBUB_PRESENCE_GRACE": "0",
    "HUBBUB_CONNECTS_PER_SECOND": "1000000",
    "HUBBUB_CONNECTS_PER_SECOND_PER_ADDRESS": "1000000",
}
"""Programs speak faster than people: what is no test of the limits is not to be slowed down by them."""

ANY_PORT = {"HUBBUB_LOG_LEVEL": "info", "HUBBUB_ADMIN_PORT": "0"}
"""Where the admin listener is, only the log says."""


class ServerProcess:
    """`hubbub serve` over one data directory.

    Parameters
    ----------
    data
        The data directory; what the server writes to stderr goes to `<data>.log` beside it.
    database
        The URL of a PostgreSQL database, where that keeps things in place of the data directory. Where it is not
        given, `HUBBUB_DATABASE` says so for all servers.
    program
        What to run in place of `hubbub` (a list of arguments for Python): a server that is wrong on purpose.
    environment
        More `HUBBUB_…` settings.
    options
        More options of `serve`.

    Attributes
    ----------
    executed
        Of all of them: whether `python -m server` is executed, on nothing; if not, they begin with everything imported,
        which takes a third of the time (`preloaded.py`), and on a database that is migrated (`fresh.py`).
    """

    executed: ClassVar[bool] = True

    def __init__(
        self,
        data: Path,
        *,
        program: list[str] | None = None,
        environment: dict[str, str] | None = None,
        options: Sequence[str] = (),
        database: str | None = None,
    ) -> None:
        self.data = data
        self.log = data.with_name(data.name + ".log")
        self.url = ""
        self._port = "0"
        self._program = program or ["-m", "server"]
        self._executed = self.executed or program is not None
        self._options = options
        self._environment = os.environ | UNHURRIED | ANY_PORT | (environment or {})
        if database is not None:
            self._environment["HUBBUB_DATABASE"] = database
        self._process: subprocess.Popen[str] | ForkedProcess | None = None

    @property
    def process(self) -> subprocess.Popen[str] | ForkedProcess:
        assert self._process is not None, "the server was not started"
        return self._process

    @property
    def address(self) -> tuple[str, int]:
        return "127.0.0.1", int(self._port)

    @property
    def admin_url(self) -> str:
        """Where operators are answered; the log says where that is, the newest start last."""
        return re.findall(r"admin=(http://\S+)", self.log.read_text())[-1]

    @property
    def admin_address(self) -> tuple[str, int]:
        return "127.0.0.1", int(self.admin_url.rpartition(":")[2])

    @property
    def websocket_url(self) -> str:
        return self.url.replace("http", "ws", 1) + "/v1/ws"

    def start(self, seconds: float = 30.0) -> ServerProcess:
        """Start it and wait until it serves. A second start takes the same port again."""
        arguments = ["serve", "--port", self._port, "--data", str(self.data), *self._options]
        with self.log.open("a") as log:
            if self._executed:
                command = [sys.executable, *self._program, *arguments]
                self._process = subprocess.Popen(
                    command, env=self._environment, stdout=subprocess.PIPE, stderr=log, text=True
                )
            else:
                if self._keeps_its_own:
                    make_fresh(self.data)
                self._process = preloaded.start(arguments, self._environment, log)
        line = self._first_line(seconds)
        if not line.startswith(READY):
            self.kill()
            raise AssertionError(f"the server did not start: {line!r}\n{self.log.read_text()}")
        self.url = line.removeprefix(READY).strip().rstrip("/")
        self._port = self.url.rpartition(":")[2]
        return self

    @property
    def _keeps_its_own(self) -> bool:
        """Whether its database is in the data directory."""
        return "--database" not in self._options and "HUBBUB_DATABASE" not in self._environment

    def _first_line(self, seconds: float) -> str:
        """The first line of stdout, or what there is of it after `seconds`."""
        lines: list[str] = []
        stdout = self.process.stdout
        assert stdout is not None
        reader = threading.Thread(target=lambda: lines.append(stdout.readline()), daemon=True)
        reader.start()
        reader.join(seconds)
        return lines[0] if lines else ""

    def kill(self) -> None:
        """`kill -9`: no handler runs, nothing is flushed."""
        self._end(signal.SIGKILL, 10)

    def stop(self, seconds: float = 30.0) -> int:
        """SIGTERM, and the exit code."""
        return self._end(signal.SIGTERM, seconds)

    def _end(self, how: signal.Signals, seconds: float) -> int:
        if self.process.poll() is None:
            self.process.send_signal(how)
        try:
            code = self.process.wait(seconds)
        finally:
            if self.process.poll() is None:
                self.process.kill()
                self.process.wait()
            if self.process.stdout is not None:
                self.process.stdout.close()
        return code

    def __enter__(self) -> ServerProcess:
        return self if self._process else self.start()

    def __exit__(self, *_: object) -> None:
        self.kill()
