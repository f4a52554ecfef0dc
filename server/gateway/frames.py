"""Server frames of RFC 6455 as bytes: pure, and shared by everybody who gets them.

A server's frames are not masked (section 5.1), so the frame of an event is the same for all its readers: it is
built once, by whoever writes it first, and every other connection sends the same bytes object. Frames are never
fragmented. What other dialects than plain JSON make of an event is in `dialects.py`.
"""

from __future__ import annotations

import struct
from typing import Final

from server.gateway.deflate import deflated
from server.protocol.closing import CloseCode, close_reason
from server.protocol.codec import encode_event
from server.protocol.outgoing import Outgoing

_FIN: Final = 0x80
_COMPRESSED: Final = 0x40  # RSV1 (RFC 7692, section 6)
_TEXT: Final = _FIN | 0x1
_BINARY: Final = _FIN | 0x2
_CLOSE: Final = _FIN | 0x8
_PING: Final = _FIN | 0x9
_PONG: Final = _FIN | 0xA
_SHORT: Final = 126  # from here on the length takes two bytes, and eight from 65,536 (section 5.2)

PING: Final = bytes((_PING, 0))


def frames_of(outgoing: Outgoing) -> bytes:
    """The frames of all its events in plain JSON, joined; built at the first call, the same object at later ones."""
    frames = outgoing.frames
    if frames is None:
        events = outgoing.events
        if len(events) == 1:
            frames = text_frame(encode_event(events[0]))
        else:
            frames = b"".join([text_frame(encode_event(event)) for event in events])
        outgoing.frames = frames
    return frames


def text_frame(payload: bytes) -> bytes:
    """A whole text message. `payload` is UTF-8."""
    return _header(_TEXT, len(payload)) + payload


def binary_frame(payload: bytes) -> bytes:
    """A whole binary message."""
    return _header(_BINARY, len(payload)) + payload


def deflated_frames(frames: bytes, window_bits: int) -> bytes:
    """The same text and binary `frames`, each compressed, also the one that gets a byte longer by it."""
    compressed: list[bytes] = []
    begin = 0
    while begin < len(frames):
        start, end = _payload_at(frames, begin)
        payload = deflated(frames[start:end], window_bits)
        compressed += _header(frames[begin] | _COMPRESSED, len(payload)), payload
        begin = end
    return b"".join(compressed)


def pong_frame(payload: bytes) -> bytes:
    """The answer to a ping, with its payload (125 bytes at the most, as the ping's)."""
    return bytes((_PONG, len(payload))) + payload


def close_frame(code: CloseCode, text: str = "") -> bytes:
    """`code` and `<name>: <text>`, cut to what a control frame holds."""
    return _control(_CLOSE, struct.pack("!H", code) + close_reason(code, text).encode())


def close_echo(code: int | None) -> bytes:
    """The answer to a peer's close frame: its own code, or none if it gave none (section 5.5.1)."""
    return _control(_CLOSE, b"" if code is None else struct.pack("!H", code))


def _control(first: int, payload: bytes) -> bytes:
    return bytes((first, len(payload))) + payload


def _payload_at(frames: bytes, begin: int) -> tuple[int, int]:
    """From where to where the payload of the frame goes that begins at `begin`: `_header`, read back."""
    length = frames[begin + 1]
    if length < _SHORT:
        return begin + 2, begin + 2 + length
    if length == _SHORT:
        return begin + 4, begin + 4 + int.from_bytes(frames[begin + 2 : begin + 4])
    return begin + 10, begin + 10 + int.from_bytes(frames[begin + 2 : begin + 10])


def _header(first: int, length: int) -> bytes:
    if length < _SHORT:
        return bytes((first, length))
    if length < 65_536:
        return struct.pack("!BBH", first, 126, length)
    return struct.pack("!BBQ", first, 127, length)
