"""The stage of every figure: server on processor 0, client on processor 1, people in the store beforehand."""

from __future__ import annotations

import contextlib
import json
import os
import platform
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tests.bench import measure
from tests.bench.seed import People, seed
from tests.harness.authority import Authority
from tests.harness.server import ServerProcess

SERVER_CPU, CLIENT_CPU = 0, 1
PROCESSORS = frozenset(os.sched_getaffinity(0))
"""That may be used, before anybody is pinned to one of them."""

FAR_LIMITS = {
    "HUBBUB_MAX_CONNECTIONS": "19000",
    "HUBBUB_MAX_CONNECTIONS_PER_ADDRESS": "19000",
    "HUBBUB_CONNECTS_PER_SECOND": "1000000",
    "HUBBUB_CONNECTS_PER_SECOND_PER_ADDRESS": "1000000",
    "HUBBUB_COMMANDS_PER_SECOND": "1000000",
    "HUBBUB_COMMANDS_PER_SECOND_PER_USER": "1000000",
    "HUBBUB_BYTES_PER_SECOND": str(2**30),
    "HUBBUB_BYTES_PER_SECOND_PER_USER": str(2**30),
}
"""A benchmark is a flood from one address. The limits are out of its way, but they are there: what they cost counts."""


@contextlib.contextmanager
def pinned(cpu: int) -> Iterator[None]:
    """This process, and what it starts meanwhile, on one processor; on all, where that one may not be used.

    Whoever is pinned may start somebody who is pinned elsewhere.
    """
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {cpu} & PROCESSORS or PROCESSORS)
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


@contextlib.contextmanager
def served(
    folder: Path, rooms: list[int], *, rooms_each: int = 1, authority: Authority | None = None
) -> Iterator[tuple[ServerProcess, People]]:
    """A fresh server whose store has one room for each number in `rooms`, with so many people in it.

    `rooms_each`: how many rooms these same people are in together. `authority`: whose certificate it shows; without,
    it does not speak TLS.
    """
    with tempfile.TemporaryDirectory(dir=folder) as name:
        data = Path(name) / "data"
        people = seed(data, rooms, rooms_each)
        environment = FAR_LIMITS | {"HUBBUB_LOG_LEVEL": "warning"}
        if authority is not None:
            files = authority.issue()
            environment |= {"HUBBUB_TLS_CERT": str(files.certificate), "HUBBUB_TLS_KEY": str(files.key)}
        server = ServerProcess(data, environment=environment)
        with pinned(SERVER_CPU):
            server.start()
        try:
            yield server, people
        finally:
            server.stop()


@contextlib.contextmanager
def started(*command: str | Path) -> Iterator[tuple[subprocess.Popen[bytes], tuple[str, int]]]:
    """A server that prints its port first, on the server's processor; killed at the end."""
    with pinned(SERVER_CPU):
        process = subprocess.Popen([str(part) for part in command], stdout=subprocess.PIPE)
    assert process.stdout is not None
    try:
        yield process, ("127.0.0.1", int(process.stdout.readline()))
    finally:
        process.kill()
        process.wait(10)
        process.stdout.close()


def python(script: Path, *arguments: object) -> list[str]:
    """The command that runs `script` with this Python."""
    return [sys.executable, str(script), *map(str, arguments)]


def disk(folder: Path) -> Path:
    """The folder that durable figures are made in, refused if it is no disk."""
    kind = measure.file_system(folder)
    if kind in {"tmpfs", "ramfs"}:
        raise SystemExit(f"{folder} is on {kind}: a durable post would cost nothing there. Give --folder on a disk.")
    return folder


def tell(figure: str, **values: Any) -> None:
    """One figure as one JSON object a line."""
    print(json.dumps({"figure": figure} | values), flush=True)


def machine(folder: Path) -> dict[str, Any]:
    return {
        "python": platform.python_version(),
        "kernel": platform.release(),
        "processors": len(os.sched_getaffinity(0)),
        "file_system": measure.file_system(folder),
        "load_before": os.getloadavg()[0],
    }
