"""Bytes to begin with: something legal for each target, so that what is near it is tried and not only noise."""

from __future__ import annotations

import json
import struct
from typing import Final

import msgspec

from server.gateway.deflate import WIDEST, deflated
from server.protocol.commands import LEGAL
from tests.gateway.doorway import frame, text

_PREFIX: Final = b"\1\0\2\7"  # a choice, and sizes of pieces
_RSV1: Final = 4
_COMMANDS: Final = [
    {
        "op": op, "id": number, "room": "r_1", "nonce": "n", "text": "hé", "seq": 5, "after": 1, "limit": 10,
        "kind": "group", "name": "x", "members": ["ann"], "user": "ann", "users": ["u_1"],
        "resume": {"r_1": {"log": "l", "seq": 1}},
    }
    for number, op in enumerate(LEGAL)
]  # fmt: skip

SEEDS: Final[dict[str, list[bytes]]] = {
    "frames": [
        _PREFIX + text("hé" * 80) + frame(9, b"?") + frame(10, b""),
        _PREFIX + text("a", fin=False) + frame(9, b"") + frame(0, b"b", fin=False) + frame(0, b"c"),
        _PREFIX + frame(2, b"\0\1") + frame(8, struct.pack("!H", 1000) + b"bye"),
        _PREFIX + frame(1, deflated(b"aaaaaaaaaaaaaa", WIDEST), rsv=_RSV1),
        _PREFIX + frame(1, deflated(b"zzz", WIDEST)[:2], rsv=_RSV1, fin=False) + frame(0, deflated(b"zzz", WIDEST)[2:]),
    ],
    "inflating": [b"\0\xff" + deflated(b"Hello " * 20, WIDEST), b"\xff\xff" + deflated(bytes(60_000), WIDEST)],
    "offers": [
        b"permessage-deflate; client_max_window_bits, permessage-deflate; server_max_window_bits=10",
        b'permessage-deflate; server_no_context_takeover; client_max_window_bits="9"',
    ],
    "json_commands": [json.dumps(command).encode() for command in _COMMANDS],
    "msgpack_commands": [msgspec.msgpack.encode(command) for command in _COMMANDS],
    "heads": [
        _PREFIX + b"GET /v1/ws?x=1 HTTP/1.1\r\nHost: x:80\r\nX-Forwarded-For: 1.2.3.4, [::1]:9\r\n\r\n",
        _PREFIX + b"POST /v1/login HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
    ],
    "upgrades": [
        _PREFIX + b"Origin: https://chat.example\r\nSec-WebSocket-Protocol: a, hubbub.v1.msgpack",
        _PREFIX + b"Authorization: Bearer abc\r\nSec-WebSocket-Extensions: permessage-deflate; client_max_window_bits",
        _PREFIX + b"Content-Length: 0\r\nX-Forwarded-Proto: https\r\nOrigin: http://x",
    ],
}
