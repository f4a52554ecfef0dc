"""One attacker's socket: speaks HTTP and RFC 6455 rightly or wrongly, and never lets itself be blocked.

It reads while it writes, so that a server which waits for its answers to be read does not hold up the attack; whoever
wants not to be read uses `push(..., reading=False)`. What it keeps of the server's frames is what a test asks about.
"""

from __future__ import annotations

import base64
import json
import os
import select
import socket
import struct
import time
from collections import Counter
from collections.abc import Callable
from typing import Final

from tests.gateway.doorway import text

PATIENCE: Final = 30.0  # seconds; for whatever has to happen in the end
_CHUNK: Final = 256 * 1024
_RESET_AT_CLOSE: Final = struct.pack("ii", 1, 0)


def upgrade(headers: str = "") -> bytes:
    """The request for a websocket."""
    key = base64.b64encode(os.urandom(16)).decode()
    return (
        f"GET /v1/ws HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        f"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {key}\r\n{headers}\r\n"
    ).encode()


def begin_to_connect(address: tuple[str, int], source: str | None = None) -> socket.socket:
    """A non-blocking socket on its way to the server."""
    sock = socket.socket(socket.AF_INET, socket.SOCK_STREAM | socket.SOCK_NONBLOCK)
    if source is not None:
        sock.bind((source, 0))
    sock.connect_ex(address)
    return sock


def reset(sock: socket.socket) -> None:
    """Close it with a RST: no goodbye, and no TIME-WAIT for so many."""
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET_AT_CLOSE)
    sock.close()


class Intruder:
    """A websocket, upgraded; with a token also welcomed.

    Attributes
    ----------
    heard
        How many frames of the server there were, by opcode.
    codes
        How many `error`s, by code; read from plain JSON frames only.
    closed_with
        The code of the server's close frame.
    ended
        Whether the server has closed its side, or reset.
    """

    def __init__(
        self,
        address: tuple[str, int],
        token: str | None = None,
        headers: str = "",
        receive_buffer: int | None = None,
    ) -> None:
        self.heard: Counter[int] = Counter()
        self.codes: Counter[str] = Counter()
        self.closed_with: int | None = None
        self.ended = False
        self.socket = socket.socket()
        if receive_buffer is not None:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        self._received = bytearray()
        try:
            self.socket.settimeout(PATIENCE)
            self.socket.connect(address)
            self.socket.sendall(upgrade(headers))
            while b"\r\n\r\n" not in self._received:
                self._received += self.socket.recv(1)
            assert self._received.startswith(b"HTTP/1.1 101 "), self._received
        except BaseException:
            self.socket.close()
            raise
        self.head = bytes(self._received)
        self._received.clear()
        self.socket.setblocking(False)
        if token is not None:
            self.push(text(json.dumps({"op": "hello", "token": token})))
            self.read_until(lambda: self.heard[1] > 0)

    def __enter__(self) -> Intruder:
        return self

    def __exit__(self, *_: object) -> None:
        reset(self.socket)

    def push(self, data: bytes, *, seconds: float = PATIENCE, reading: bool = True) -> bool:
        """Send as much as the server takes in so many seconds; False if that was not all, or it has closed."""
        unsent = memoryview(data)
        end = time.monotonic() + seconds
        while unsent and not self.ended and time.monotonic() < end:
            readable, writable, _ = select.select([self.socket] if reading else [], [self.socket], [], 0.1)
            try:
                if writable:
                    unsent = unsent[self.socket.send(unsent[:_CHUNK]) :]
            except BlockingIOError:
                pass
            except OSError:
                self._read()  # the close frame may be there all the same
                self.ended = True
            if readable:
                self._read()
        return not unsent

    def read_until(self, holds: Callable[[], bool], seconds: float = PATIENCE) -> bool:
        """Read until something holds or the server has closed; False if neither came in time."""
        end = time.monotonic() + seconds
        while not holds() and not self.ended:
            if time.monotonic() > end:
                return False
            if select.select([self.socket], [], [], 0.1)[0]:
                self._read()
        return True

    def wait_for_the_end(self) -> None:
        """Read nothing until the server has shut its side, or reset."""
        poll = select.poll()
        poll.register(self.socket, select.POLLRDHUP)
        assert poll.poll(PATIENCE * 1000), "it was not given up"

    def close_code(self) -> int | None:
        """Read to the end: the code of the close frame, None without one."""
        assert self.read_until(lambda: False), "it was not closed"
        return self.closed_with

    def _read(self) -> None:
        try:
            data = self.socket.recv(_CHUNK)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        self.ended = self.ended or not data
        self._received += data
        self._take_frames()

    def _take_frames(self) -> None:
        received, at = self._received, 0
        while len(received) - at >= 2:
            opcode, length, start = received[at] & 0x0F, received[at + 1], at + 2
            if length >= 126:
                width = 2 if length == 126 else 8
                length, start = int.from_bytes(received[start : start + width], "big"), start + width
            if len(received) < start + length:
                break
            self._take(opcode, received[at] & 0x40 != 0, bytes(received[start : start + length]))
            at = start + length
        del received[:at]

    def _take(self, opcode: int, compressed: bool, payload: bytes) -> None:
        self.heard[opcode] += 1
        if opcode == 8:
            self.closed_with = int.from_bytes(payload[:2], "big")
        elif opcode == 1 and not compressed and payload.startswith(b'{"op":"error"'):
            self.codes[json.loads(payload)["code"]] += 1
