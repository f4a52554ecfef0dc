"""Locust as a program of its own, on people that were put into a server's database."""

from __future__ import annotations

import hashlib
import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from loadtest.people import People
from server.store.opening import open_store
from server.store.seeding import PRAGMAS, seed

ROOT = Path(__file__).parents[2]
PLAY, CHAT = ROOT / "loadtest/locustfile.py", ROOT / "loadtest/people_locustfile.py"


def populate(data: Path, users: int, rooms: str) -> Path:
    """Put people into a new database under `data`; the manifest of them is beside it."""
    people, manifest = People.made(users, rooms), data.with_name("people.json")
    people.write(manifest)
    with open_store(data, pragmas=PRAGMAS) as store:
        seed(store, people, lambda token: hashlib.sha256(token.encode()).digest(), int(time.time() * 1000))
    return manifest


def free_port() -> int:
    """One that nobody listens on now: locust's workers have to be told where their master will be."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        port: int = server.getsockname()[1]
        return port


def _meeting_at(port: int) -> list[str]:
    return ["--master-bind-host", "127.0.0.1", "--master-bind-port", str(port), "--master-port", str(port)]


def _without_settings() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if not name.startswith(("LOCUST_", "HUBBUB_LOAD_"))}


class Locust:
    """A run of locust, with everything it printed.

    Parameters
    ----------
    journal
        Where it is to write how it stands, if it is one that can.
    """

    def __init__(
        self,
        file: Path,
        *options: str,
        journal: Path | None = None,
        headless: bool = True,
        environment: dict[str, str] | None = None,
    ) -> None:
        self.journal = journal
        command = [sys.executable, "-m", "locust", "-f", str(file), *_meeting_at(free_port()), *options]
        command += ["--headless", "--only-summary"] if headless else []
        command += ["--journal", str(journal)] if journal is not None else []
        self.process = subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, cwd=ROOT, start_new_session=True,
            env=_without_settings() | (environment or {}),
        )  # fmt: skip

    def ended(self, seconds: float = 60.0) -> tuple[int, str]:
        """Exit code and output. What does not end by itself is killed, with all its processes, and fails the test."""
        try:
            output, _ = self.process.communicate(timeout=seconds)
        except subprocess.TimeoutExpired:
            os.killpg(self.process.pid, signal.SIGKILL)
            raise AssertionError(f"locust did not end: {self.process.communicate()[0]}") from None
        return self.process.returncode, output

    def lines(self) -> list[dict[str, Any]]:
        """What the journal holds so far."""
        if self.journal is None or not self.journal.exists():
            return []
        whole = self.journal.read_text().rpartition("\n")[0]
        return [json.loads(line) for line in whole.splitlines()]

    def wait(self, until: Callable[[dict[str, Any]], bool], seconds: float = 30.0) -> None:
        """Until the journal's newest line says so."""
        end = time.monotonic() + seconds
        while not ((lines := self.lines()) and until(lines[-1])):
            assert self.process.poll() is None, self.ended()
            assert time.monotonic() < end, f"not in time: {self.lines()[-1:]}"
            time.sleep(0.05)

    def workers(self) -> list[int]:
        """The processes it forked."""
        children = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text()
        return [int(child) for child in re.findall(r"\d+", children)]

    def __enter__(self) -> Locust:
        return self

    def __exit__(self, *_: object) -> None:
        if self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.communicate()
