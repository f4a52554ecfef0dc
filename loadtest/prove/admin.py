"""What the server says of itself on its admin listener, asked without waiting: this process has other things to watch.

The rule: an answer that does not come, or not in time, is no answer. Under load it may take seconds, and the run is not
to fail, nor to stand still, for it.
"""

from __future__ import annotations

import re
import select
import socket
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from typing import Final
from urllib.parse import urlsplit

from msgspec import Struct

_PAUSE: Final = 3.0  # seconds; all mailboxes are gone through for an answer, 0.1 us each, so with many workers …
_PAUSE_EACH: Final = 0.4  # for each of them
_PATIENCE: Final = 60.0
_SAMPLE: Final = re.compile(r"^(\w+)(?:\{(.*)\})? (\S+)$", re.MULTILINE)
_LABEL: Final = re.compile(r'(\w+)="([^"]*)"')


class Told(Struct, frozen=True, kw_only=True):
    """All workers together, or by worker; a server of one process is worker 0."""

    at: float
    ready: int
    opening: int
    files: dict[str, int]
    """Open files by worker."""
    workers: int
    """How many answered."""
    messages: int
    deliveries: int
    crashes: int
    heartbeat: float | None = None
    """Seconds of silence until a ping, as in force for newcomers; the longest of all workers. None: it does not say."""
    closes: dict[str, int]
    """Connections that the server ended, by close code."""


class Admin:
    """Asks now and then.

    Parameters
    ----------
    url
        Of the admin listener.
    now
        Seconds for `Told.at`.
    workers
        How many the server has.
    """

    def __init__(self, url: str, now: Callable[[], float], workers: int = 1) -> None:
        self._pause = max(_PAUSE, _PAUSE_EACH * workers)
        parts = urlsplit(url)
        self._address = parts.hostname or "127.0.0.1", parts.port or 80
        self._now = now
        self._sock: socket.socket | None = None
        self._heard = b""
        self._asked = self._due = 0.0
        self.told: list[Told] = []

    def step(self) -> None:
        """Ask if it is time for it, and take what has come of the answer."""
        if self._sock is None:
            if time.monotonic() >= self._due:
                self._ask()
        elif self._all_came(self._sock):
            self._close()
            answer = self._heard.partition(b"\r\n\r\n")[2].decode(errors="replace")
            if "hubbub_websockets" in answer:
                self.told.append(told(answer, round(self._now(), 3)))
        elif time.monotonic() > self._asked + _PATIENCE:
            self._close()

    def ask_now(self, seconds: float) -> Told | None:
        """Ask, and wait for the answer; None if there was none in time."""
        self._close()
        self._due, known, end = 0.0, len(self.told), time.monotonic() + seconds
        while len(self.told) == known and time.monotonic() < end:
            self.step()
            if self._sock is not None:
                select.select([self._sock], [], [], 0.05)
        return self.told[-1] if len(self.told) > known else None

    def close(self) -> None:
        self._close()

    def _ask(self) -> None:
        self._asked, self._heard = time.monotonic(), b""
        self._due = self._asked + self._pause
        host, port = self._address
        with suppress(OSError):  # the next time, perhaps
            self._sock = socket.create_connection(self._address, timeout=0.5)
            self._sock.sendall(f"GET /metrics HTTP/1.1\r\nHost: {host}:{port}\r\nConnection: close\r\n\r\n".encode())
            self._sock.setblocking(False)

    def _all_came(self, sock: socket.socket) -> bool:
        try:
            while data := sock.recv(65_536):
                self._heard += data
        except BlockingIOError:
            return False
        except OSError:
            self._heard = b""
        return True

    def _close(self) -> None:
        if self._sock is not None:
            self._sock.close()
            self._sock = None


Series = tuple[Mapping[str, str], float]


def told(exposition: str, at: float) -> Told:
    """From the metrics' text."""
    found: dict[str, list[Series]] = {}
    for name, labels, value in _SAMPLE.findall(exposition):
        found.setdefault(name, []).append((dict(_LABEL.findall(labels)), float(value)))

    def of(name: str, **wanted: str) -> Iterator[Series]:
        return (series for series in found.get(name, ()) if wanted.items() <= series[0].items())

    def summed(name: str, **wanted: str) -> int:
        return round(sum(value for _, value in of(name, **wanted)))

    files = {labels.get("worker", "0"): round(value) for labels, value in of("process_open_fds")}
    return Told(
        at=at,
        ready=summed("hubbub_websockets", state="ready"),
        opening=summed("hubbub_websockets", state="opening"),
        files=files,
        workers=summed("hubbub_worker_up") or 1,
        messages=summed("hubbub_messages_total"),
        deliveries=summed("hubbub_deliveries_total"),
        crashes=summed("hubbub_actor_crashes_total"),
        heartbeat=max((value for _, value in of("hubbub_heartbeat_seconds")), default=None),
        closes={labels["code"]: round(value) for labels, value in of("hubbub_closes_total", by="server") if value},
    )
