"""What several actors share, and would be torn by an exception in the middle: a wire and a ledger.

Not written where the actors are, so it is none of their code.
"""

from __future__ import annotations

import socket
import struct
import threading
import time

MOST_PENDING = 1_000_000
"""Bytes; frames beyond are dropped, whole."""


class Wire:
    """Frames of a length and as many bytes, over a socket that does not block."""

    def __init__(self, sock: socket.socket) -> None:
        self._sock = sock
        self.pending = bytearray()

    def send(self, payload: bytes) -> None:
        """One frame, in two pieces."""
        if len(self.pending) < MOST_PENDING:
            self._piece(struct.pack("!I", len(payload)))
            self._piece(payload)

    def _piece(self, data: bytes) -> None:
        self.pending += data
        try:
            sent = self._sock.send(self.pending)
        except BlockingIOError:
            return
        del self.pending[:sent]


class Ledger:
    """Two books that agree whenever nobody is writing, and a lock that is held by whoever is."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.left: dict[int, int] = {}
        self.right: dict[int, int] = {}

    def write(self, number: int) -> None:
        """The same in both."""
        assert self.lock.acquire(blocking=False), "whoever held it was torn out of here"
        self.left[number % 100] = number
        for _ in range(10):
            time.thread_time()
        self.right[number % 100] = number
        self.lock.release()


def compute(seconds: float) -> None:
    """Use so much CPU time."""
    until = time.thread_time() + seconds
    while time.thread_time() < until:
        pass


def compute_for_ever() -> None:
    """Use all there is."""
    while True:
        pass
