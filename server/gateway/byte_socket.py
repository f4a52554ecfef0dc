"""What the reactor and a websocket need of a socket: the face that a plain one and one under TLS have in common."""

from __future__ import annotations

from typing import Protocol


class ByteSocket(Protocol):
    """Non-blocking: what cannot be done now raises `BlockingIOError`, what can never be done any other `OSError`."""

    def fileno(self) -> int:
        """The descriptor; -1 once it is closed."""
        ...

    def recv(self, size: int, /) -> bytes:
        """What has come; nothing is kept back of which the descriptor would not tell. b"" is the end."""
        ...

    def send(self, data: bytes | memoryview, /) -> int:
        """How many bytes were taken. The next call has to go on behind them."""
        ...

    def setsockopt(self, level: int, option: int, value: bytes, /) -> None: ...

    def shutdown(self, how: int, /) -> None:
        """End our side, behind what was sent."""
        ...

    def close(self) -> None: ...
