"""Dialects: each says the same, and what many read is made once."""

from __future__ import annotations

import itertools
import json
import struct
import zlib

import msgspec
import pytest

from server.gateway.deflate import NARROWEST, WIDEST, inflated
from server.gateway.dialects import PLAIN_JSON, Dialect, dialect
from server.protocol.codec import JSON, MSGPACK, Codec
from server.protocol.events import AnyEvent, TypingEvent
from server.protocol.outgoing import Outgoing
from server.protocol.replies import Pong

FAR_REPETITION = "".join(map(str, range(10_000))) * 2
"""Only a wide window sees it."""
EVENTS: list[AnyEvent] = [Pong(id="x" * 1_000), TypingEvent(room="r_1", user="u_1"), Pong(id=FAR_REPETITION)]
ALL = [dialect(codec, bits) for codec, bits in itertools.product((JSON, MSGPACK), (None, NARROWEST, WIDEST))]
TEXT, BINARY, COMPRESSED = 0x81, 0x82, 0x40


def name(spoken: Dialect) -> str:
    return f"{spoken.codec.subprotocol} {spoken.window_bits}"


def messages(frames: bytes) -> list[tuple[int, bytes]]:
    """First byte and payload of each frame."""
    found = []
    while frames:
        first, length, start = frames[0], frames[1], 2
        if length == 126:
            (length,), start = struct.unpack_from("!H", frames, 2), 4
        elif length == 127:
            (length,), start = struct.unpack_from("!Q", frames, 2), 10
        found.append((first, frames[start : start + length]))
        frames = frames[start + length :]
    return found


def plain(message: tuple[int, bytes]) -> tuple[int, bytes]:
    first, payload = message
    return (first & ~COMPRESSED, inflated(payload, 1_000_000)) if first & COMPRESSED else message


@pytest.mark.parametrize("spoken", ALL, ids=name)
def test_every_dialect_says_the_same(spoken: Dialect) -> None:
    said = [plain(message) for message in messages(spoken.frames_of(Outgoing(EVENTS)))]
    decode = msgspec.msgpack.decode if spoken.codec is MSGPACK else json.loads
    assert {first for first, _payload in said} == {BINARY if spoken.codec is MSGPACK else TEXT}
    assert [decode(payload) for _first, payload in said] == [msgspec.to_builtins(event) for event in EVENTS]
    assert b"".join(map(spoken.frame_of, EVENTS)) == spoken.frames_of(Outgoing(EVENTS))


@pytest.mark.parametrize("spoken", ALL, ids=name)
def test_what_many_read_is_made_once(spoken: Dialect) -> None:
    outgoing = Outgoing(EVENTS)
    assert spoken.frames_of(outgoing) is spoken.frames_of(outgoing)


@pytest.mark.parametrize("codec", [JSON, MSGPACK], ids=lambda codec: codec.subprotocol)
def test_compressing_does_not_encode_once_more(codec: Codec, monkeypatch: pytest.MonkeyPatch) -> None:
    outgoing = Outgoing(EVENTS)
    dialect(codec, None).frames_of(outgoing)
    monkeypatch.setattr(Codec, "encode_event", None)
    dialect(codec, WIDEST).frames_of(outgoing)
    dialect(codec, NARROWEST).frames_of(outgoing)


def test_nobody_gets_the_bytes_of_another_dialect() -> None:
    outgoing = Outgoing(EVENTS)
    assert len({spoken.frames_of(outgoing) for spoken in ALL}) == len(ALL)
    assert outgoing.frames == PLAIN_JSON.frames_of(outgoing)


def test_a_narrow_window_is_kept_to() -> None:
    ((first, payload),) = messages(dialect(JSON, NARROWEST).frame_of(EVENTS[2]))
    assert first == TEXT | COMPRESSED
    reader = zlib.decompressobj(wbits=-NARROWEST)
    assert json.loads(reader.decompress(payload + b"\0\0\xff\xff")) == {"op": "pong", "id": FAR_REPETITION}
