"""Servers that begin with everything imported: forked off a process that has done that once, in place of executed.

Two thirds of what it costs to start a server is to import it, and tests start some two hundred. It is the same program,
begun as the workers of a parent are (`server/parent/`), with arguments, environment and standard streams of its own;
that `python -m server` itself works, tests of the command line see to, which go without this. So do benchmarks: what is
shared with the process it came from is not counted as its own.

The one who imports keeps a *keeper* beside each server, which waits for it: how it ended comes through a pipe, because
it is nobody's child here.
"""

from __future__ import annotations

import atexit
import gc
import json
import os
import select
import signal
import socket
import subprocess
import sys
import tempfile
import threading
from collections.abc import Mapping, Sequence
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import IO, Final

ROOT: Final = Path(__file__).parents[2]
ASKED_BYTES: Final = 1 << 20
PATIENCE: Final = 60.0
"""Seconds for a command to end."""


class ForkedProcess:
    """What tests use of `subprocess.Popen`. `stdout` is text, and its own end is the only one here."""

    def __init__(self, status: int, stdout: IO[str]) -> None:
        self.stdout = stdout
        self.returncode: int | None = None
        self._status = os.fdopen(status, "rb", buffering=0)
        self.pid = int(self._status.readline())

    def poll(self) -> int | None:
        """The exit code, negative for a signal; None while it runs."""
        return self._ended(0)

    def wait(self, timeout: float | None = None) -> int:
        """Raises `subprocess.TimeoutExpired`."""
        code = self._ended(timeout)
        if code is None:
            raise subprocess.TimeoutExpired(f"server {self.pid}", timeout or 0.0)
        return code

    def send_signal(self, number: int) -> None:
        if self.poll() is None:
            with suppress(ProcessLookupError):  # it has ended, and its keeper has not said so yet
                os.kill(self.pid, number)

    def kill(self) -> None:
        self.send_signal(signal.SIGKILL)

    def _ended(self, seconds: float | None) -> int | None:
        if self.returncode is None and select.select([self._status], [], [], seconds)[0]:
            self.returncode = int(self._status.readline())
            self._status.close()
        return self.returncode


class _Importer:
    """The process that has everything imported."""

    def __init__(self) -> None:
        self._channel, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._channel.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, ASKED_BYTES)
        with theirs:
            command = [sys.executable, "-m", __name__, str(theirs.fileno())]
            self._process = subprocess.Popen(command, pass_fds=[theirs.fileno()], cwd=ROOT)

    def start(self, arguments: Sequence[str], environment: Mapping[str, str], stderr: IO[str]) -> ForkedProcess:
        """`hubbub` with these arguments."""
        ours, stdout = os.pipe()
        status, theirs = os.pipe()
        asked = {"arguments": arguments, "environment": dict(environment), "folder": str(Path.cwd())}
        try:
            socket.send_fds(self._channel, [json.dumps(asked).encode()], [stdout, stderr.fileno(), theirs])
        finally:
            os.close(stdout)
            os.close(theirs)
        return ForkedProcess(status, os.fdopen(ours))

    def close(self) -> None:
        self._channel.close()
        self._process.wait()


@cache
def _importer() -> _Importer:
    importer = _Importer()
    atexit.register(importer.close)
    return importer


def start(arguments: Sequence[str], environment: Mapping[str, str], stderr: IO[str]) -> ForkedProcess:
    """`hubbub` with these arguments, on everything imported. `stderr` may be closed afterwards."""
    return _importer().start(arguments, environment, stderr)


def run(arguments: Sequence[str], environment: Mapping[str, str] = os.environ) -> subprocess.CompletedProcess[str]:
    """The same until it ends by itself, and what it said."""
    with tempfile.TemporaryFile("w+") as stderr:
        process = start(arguments, environment, stderr)
        late = threading.Timer(PATIENCE, process.kill)
        late.start()
        with process.stdout:
            said = process.stdout.read()
        code = process.wait()
        late.cancel()
        late.join()
        stderr.seek(0)
        return subprocess.CompletedProcess(list(arguments), code, said, stderr.read())


# --- the other side --------------------------------------------------------------------------------------------------


def _import_all() -> None:
    """And leave what that made alone: whoever counted its references would have pages of its own of it."""
    import alembic.command
    import alembic.config  # noqa: F401
    import sqlalchemy.dialects.postgresql.psycopg  # noqa: F401

    import server.cli.serve
    import server.cluster.joining
    import server.web  # noqa: F401

    gc.collect()
    gc.freeze()


def _serve(channel: socket.socket) -> None:
    """Fork until nobody is there any more; returns in each server, too, where it is to go on."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    while True:
        message, descriptors, _, _ = socket.recv_fds(channel, ASKED_BYTES, 3)
        _wait_for_the_gone()
        if not message:
            os._exit(0)
        if os.fork() == 0:
            channel.close()
            _keep(json.loads(message), *descriptors)
            return
        for descriptor in descriptors:
            os.close(descriptor)


def _wait_for_the_gone() -> None:
    """For the keepers that have ended: so what their servers have used counts as used by the tests."""
    with suppress(ChildProcessError):
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass


def _keep(asked: dict[str, object], stdout: int, stderr: int, status: int) -> None:
    """The keeper, which ends here; returns in the server."""
    pid = os.fork()
    if pid == 0:
        os.close(status)
        _begin(asked, stdout, stderr)
        return
    for descriptor in (stdout, stderr):
        os.close(descriptor)
    os.write(status, f"{pid}\n".encode())
    _, how = os.waitpid(pid, 0)
    os.write(status, f"{os.waitstatus_to_exitcode(how)}\n".encode())
    os._exit(0)


def _begin(asked: dict[str, object], stdout: int, stderr: int) -> None:
    """Be what `python -m server` is at its beginning."""
    signal.signal(signal.SIGINT, signal.default_int_handler)
    for descriptor, standard in ((os.open(os.devnull, os.O_RDONLY), 0), (stdout, 1), (stderr, 2)):
        os.dup2(descriptor, standard)
        os.close(descriptor)
    arguments, environment = asked["arguments"], asked["environment"]
    assert isinstance(arguments, list)
    assert isinstance(environment, dict)
    os.environ.clear()
    os.environ.update(environment)
    os.chdir(str(asked["folder"]))
    sys.argv = [str(ROOT / "server" / "__main__.py"), *arguments]
    sys.orig_argv = [sys.executable, "-m", "server", *arguments]  # a parent executes that again at SIGUSR2


if __name__ == "__main__":
    _import_all()
    with socket.socket(fileno=int(sys.argv[1])) as asking:
        _serve(asking)
    from server.cli.main import main

    main()
