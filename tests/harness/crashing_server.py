"""The real server with sabotage: one part after the other crashes, again and again, in the middle of its work.

Each sabotage replaces one method by one that now and then raises: a connection on what its client says, a session and
a room on any message, a room between two slices of a fan-out, the writer before a commit, and between the commit and
telling of it. It begins with SIGUSR1.
"""

from __future__ import annotations

import math
import signal
import time
from collections.abc import Callable
from typing import Any

from server.cli.main import main
from server.gateway.connection import Connection
from server.rooms import fan_out, telling
from server.rooms.actor import RoomActor
from server.sessions.actor import SessionActor
from server.store import writer
from server.store.unanswered import Unanswered

PAUSE = 0.8
"""Seconds between two crashes: with six kinds in turn, no room reaches three crashes in ten seconds (quarantine)."""

ROUNDS = 2
"""How often each kind strikes."""

KINDS = ("connection", "session", "room", "slice", "commit", "acknowledgement")


class Sabotage(Exception):
    """A fault of ours."""


class Saboteur:
    """Whose turn it is to crash."""

    def __init__(self) -> None:
        self._turns = iter(KINDS * ROUNDS)
        self._next = next(self._turns, None)
        self._not_before = math.inf

    def begin(self) -> None:
        self._not_before = time.monotonic()

    def strike(self, kind: str) -> None:
        """Raise if it is this kind's turn."""
        if kind == self._next and time.monotonic() >= self._not_before:
            self._next = next(self._turns, None)
            self._not_before = time.monotonic() + PAUSE
            raise Sabotage(kind)


saboteur = Saboteur()


def before(owner: Any, method: str, kind: str) -> None:
    """Let `method` of `owner` crash before it does anything."""
    original: Callable[..., Any] = getattr(owner, method)

    def sabotaged(*args: Any, **options: Any) -> Any:
        saboteur.strike(kind)
        return original(*args, **options)

    setattr(owner, method, sabotaged)


if __name__ == "__main__":
    signal.signal(signal.SIGUSR1, lambda *_: saboteur.begin())
    fan_out.SLICE = telling.AT_ONCE = 2  # type: ignore[misc]
    before(Connection, "_heard", "connection")
    before(SessionActor, "receive", "session")
    before(RoomActor, "receive", "room")
    before(RoomActor, "_fan_out_slice", "slice")
    before(writer, "commit", "commit")
    before(Unanswered, "settle", "acknowledgement")
    main()
