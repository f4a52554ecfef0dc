"""Close codes: why the server ends a websocket, and whether coming back helps.

The table is read by the server, the clients and the docs. 4000-4499 invite the client back (with jittered
backoff, and resume), 4500-4999 do not until something changes.
"""

from __future__ import annotations

from enum import IntEnum
from typing import Final

from server.protocol.limits import CLOSE_REASON_BYTES


class CloseCode(IntEnum):
    NORMAL = 1000
    GOING_AWAY = 1001
    INTERNAL_ERROR = 4000
    DRAINING = 4001
    SLOW_CONSUMER = 4002
    HEARTBEAT_MISSED = 4003
    OVER_CAPACITY = 4004
    NO_HELLO = 4006
    TOKEN_REVOKED = 4500
    BAD_TOKEN = 4501
    PROTOCOL_ERROR = 4502
    FLOODING = 4503


NAMES: Final = {
    CloseCode.NORMAL: "normal",
    CloseCode.GOING_AWAY: "going away",
    CloseCode.INTERNAL_ERROR: "internal error",
    CloseCode.DRAINING: "draining",
    CloseCode.SLOW_CONSUMER: "slow consumer",
    CloseCode.HEARTBEAT_MISSED: "heartbeat missed",
    CloseCode.OVER_CAPACITY: "over capacity",
    CloseCode.NO_HELLO: "no hello in time",
    CloseCode.TOKEN_REVOKED: "token revoked",
    CloseCode.BAD_TOKEN: "bad token",
    CloseCode.PROTOCOL_ERROR: "protocol error",
    CloseCode.FLOODING: "flooding",
}

MEANING: Final = {
    CloseCode.NORMAL: "the conversation is over",
    CloseCode.GOING_AWAY: "what served this connection is leaving; a proxy may say so",
    CloseCode.INTERNAL_ERROR: "a fault of the server",
    CloseCode.DRAINING: "the server stops, or is replaced",
    CloseCode.SLOW_CONSUMER: "the client did not take what was sent; everything is in the log",
    CloseCode.HEARTBEAT_MISSED: "nothing was heard of the client for 2.5 heartbeats",
    CloseCode.OVER_CAPACITY: "the server is full",
    CloseCode.NO_HELLO: "no `hello` within 10 s of the upgrade",
    CloseCode.TOKEN_REVOKED: "the token was good once, and has ended: log in again",
    CloseCode.BAD_TOKEN: "this is no token: log in",
    CloseCode.PROTOCOL_ERROR: "what the client sent is no frame of this protocol",
    CloseCode.FLOODING: "the client went on after it was told to slow down; it may come back after 60 s",
}
"""For the documents that client authors read."""


def close_reason(code: CloseCode, text: str = "") -> str:
    """The reason of a close frame: `<name>: <text>`, cut to what a control frame can hold.

    The cut falls between two code points, never inside one.
    """
    reason = f"{NAMES[code]}: {text}" if text else NAMES[code]
    return reason.encode()[:CLOSE_REASON_BYTES].decode(errors="ignore")


def may_reconnect(code: int) -> bool:
    """Whether a client should come back by itself after this code.

    Codes nobody here sends (1006, a proxy's 1011 or 1012) mean that the connection was lost: come back.
    """
    return code != CloseCode.NORMAL and not 4500 <= code <= 4999
