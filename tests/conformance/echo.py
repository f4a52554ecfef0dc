"""The echo mode of the gateway: its listener, handshake, reactor and websocket, and an application that says back.

Nothing of RFC 6455 is done here, but for the codes of section 7.4.1 where the chat has codes of its own.
"""

from __future__ import annotations

import socket
import struct
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from server.gateway.dialects import Dialect
from server.gateway.frames import binary_frame, deflated_frames, text_frame
from server.gateway.gateway import Gateway
from server.gateway.limits import GatewayLimits
from server.gateway.parsing import BrokenFraming
from server.gateway.websocket import Websocket
from server.sessions.messages import Close
from tests.gateway.doorway import Door, open_door

ECHO_LIMITS = GatewayLimits(
    frame_bytes=16 * 2**20,  # cases 9.1.6 and 9.2.6 send that much in one message
    partial_bytes=128 * 2**20,
    # On loopback a buffer below the largest segment (64 KB) is filled by one send, and every other send then waits for
    # a delayed acknowledgement: 16 MB would take ten seconds.
    send_buffer_bytes=2**20,
    stop_seconds=0.5,
    close_seconds=0.5,
)


class Echo(Websocket):
    """Says back every message, in a frame of its kind."""

    __slots__ = ()

    def __init__(self, gateway: Gateway, sock: socket.socket, _header_hash: bytes | None, dialect: Dialect) -> None:
        super().__init__(gateway, sock, dialect)

    def _heard(self, message: str | bytes) -> None:
        frame = text_frame(message.encode()) if isinstance(message, str) else binary_frame(message)
        dialect = self._dialect
        self._write(frame if dialect.plain is None else deflated_frames(frame, dialect.window_bits))

    def _told(self, message: object) -> None:
        match message:
            case Close():
                self._close(message.code, message.text)
            case _:
                super()._told(message)

    def _broken(self, error: BrokenFraming) -> None:
        payload = struct.pack("!H", error.code) + str(error).encode()[:123]
        self._end_with(bytes((0x88, len(payload))) + payload, error.code)


@asynccontextmanager
async def open_echo(*, compression: bool = False) -> AsyncIterator[Door]:
    async with open_door(ECHO_LIMITS, connection=Echo, compression=compression) as door:
        yield door
