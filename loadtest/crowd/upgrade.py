"""The upgrade to a websocket, client side, pure: the request's bytes, and what its answer means.

A refusal is no failure of a load test: it names the time after which to come again, and who keeps to it must get in.
"""

from __future__ import annotations

import base64
import hashlib
import os
from dataclasses import dataclass
from typing import Final

from clients.endpoint import Endpoint
from server.protocol.codec import SUBPROTOCOL

_GUID: Final = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"  # RFC 6455, section 1.3
_END: Final = b"\r\n\r\n"


@dataclass(frozen=True, slots=True)
class TurnedAway(Exception):
    """No websocket. `retry_after` in seconds, where the server named a time."""

    status: int
    retry_after: float | None


def new_key() -> bytes:
    """`Sec-WebSocket-Key`."""
    return base64.b64encode(os.urandom(16))


def upgrade_request(endpoint: Endpoint, key: bytes, token: str | None = None) -> bytes:
    """The request; with `token` where that is not to stand in `hello`."""
    lines = (
        f"GET {endpoint.target('/v1/ws')} HTTP/1.1",
        f"Host: {endpoint.authority}",
        "Upgrade: websocket",
        "Connection: Upgrade",
        f"Sec-WebSocket-Key: {key.decode()}",
        "Sec-WebSocket-Version: 13",
        f"Sec-WebSocket-Protocol: {SUBPROTOCOL}",
        *(() if token is None else (f"Authorization: Bearer {token}",)),
        "",
        "",
    )
    return "\r\n".join(lines).encode("ascii")


def after_upgrade(received: bytes, key: bytes) -> bytes | None:
    """What followed the 101, or None as long as its head is not complete.

    Raises
    ------
    TurnedAway
        The answer is another one.
    """
    head, end, rest = received.partition(_END)
    if not end:
        return None
    status, *fields = head.split(b"\r\n")
    values = {name.strip().lower(): value.strip() for name, _, value in (field.partition(b":") for field in fields)}
    code = int(status.split(b" ")[1]) if status.startswith(b"HTTP/1.1 ") else 0
    accepted = base64.b64encode(hashlib.sha1(key + _GUID, usedforsecurity=False).digest())
    if code == 101 and values.get(b"sec-websocket-accept") == accepted:
        return rest
    seconds = values.get(b"retry-after", b"")
    raise TurnedAway(code, float(seconds) if seconds.isdigit() else None)
