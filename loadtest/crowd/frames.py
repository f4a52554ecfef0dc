"""Websocket frames of a client, for thousands of clients in one process: bytes in, frames out, and back.

A client library keeps a parser and a handshake for each connection; here nothing is kept between two reads but the
bytes of an unfinished frame, mostly none. What a server of this protocol never sends is not read but refused:
fragments, masked frames, and binary ones. RFC 6455, section 5.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from enum import IntEnum
from typing import Final


class Opcode(IntEnum):
    TEXT = 1
    CLOSE = 8
    PING = 9
    PONG = 10


_FINAL: Final = 0x80
_MASKED: Final = 0x80
_TWO_BYTES, _EIGHT_BYTES = 126, 127

OPCODES: Final = {_FINAL | opcode: opcode for opcode in Opcode}


class BrokenFrames(Exception):
    """The server sends what no server of this protocol sends."""


def masked_frame(opcode: Opcode, payload: bytes) -> bytes:
    """One whole frame, masked with a key of its own, as clients have to."""
    size = len(payload)
    if size < _TWO_BYTES:
        head = bytes((_FINAL | opcode, _MASKED | size))
    elif size < 1 << 16:
        head = bytes((_FINAL | opcode, _MASKED | _TWO_BYTES)) + size.to_bytes(2, "big")
    else:
        head = bytes((_FINAL | opcode, _MASKED | _EIGHT_BYTES)) + size.to_bytes(8, "big")
    key = os.urandom(4)
    return head + key + _xor(payload, key)


def _xor(payload: bytes, key: bytes) -> bytes:
    """In one piece, as large numbers: a loop over the bytes would be what a crowd spends its time with."""
    size = len(payload)
    keys = (key * (size // 4 + 1))[:size]
    return (int.from_bytes(payload, "big") ^ int.from_bytes(keys, "big")).to_bytes(size, "big")


def frames(data: bytes) -> Iterator[tuple[Opcode, int, int, int]]:
    """Every whole frame in `data`: its opcode, where it begins, where its payload does, and where both end.

    What follows the last one is the beginning of another.

    Raises
    ------
    BrokenFrames
        What follows is none of the frames that are read here.
    """
    at, size = 0, len(data)
    while size - at >= 2:
        opcode, length, start = OPCODES.get(data[at]), data[at + 1], at + 2
        if opcode is None or length & _MASKED:
            raise BrokenFrames(f"a frame that begins with {data[at : at + 2].hex()}")
        if length >= _TWO_BYTES:
            width = 2 if length == _TWO_BYTES else 8
            if size < start + width:
                return
            length, start = int.from_bytes(data[start : start + width], "big"), start + width
        if size < start + length:
            return
        yield opcode, at, start, start + length
        at = start + length
