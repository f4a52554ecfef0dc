"""A client's frames, held against wsproto: what one side writes the other side reads."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from wsproto.connection import Connection, ConnectionType
from wsproto.events import CloseConnection, Ping, TextMessage
from wsproto.frame_protocol import FrameProtocol
from wsproto.frame_protocol import Opcode as Theirs

from loadtest.crowd.frames import BrokenFrames, Opcode, frames, masked_frame

SIZES = [0, 1, 3, 4, 125, 126, 127, 65_535, 65_536, 70_001]


def served(data: bytes) -> list[object]:
    """What a server's websocket makes of it."""
    server = Connection(ConnectionType.SERVER)
    server.receive_data(data)
    return list(server.events())


@pytest.mark.parametrize("size", SIZES)
def test_a_server_reads_a_text_of_every_length(size: int) -> None:
    (event,) = served(masked_frame(Opcode.TEXT, b"x" * size))
    assert isinstance(event, TextMessage)
    assert event.data == "x" * size


def test_a_server_reads_pings_and_closes() -> None:
    assert served(masked_frame(Opcode.PING, b"there?")) == [Ping(payload=b"there?")]
    assert served(masked_frame(Opcode.CLOSE, b"\x03\xe8")) == [CloseConnection(code=1000, reason="")]


def test_each_frame_has_a_key_of_its_own() -> None:
    assert len({masked_frame(Opcode.TEXT, b"again") for _ in range(20)}) == 20


@given(st.lists(st.sampled_from([0, 1, 125, 126, 300, 65_536]), max_size=5), st.integers(0, 10))
def test_whole_frames_are_read_and_the_beginning_of_another_is_left(sizes: list[int], cut: int) -> None:
    server = FrameProtocol(client=False, extensions=[])
    payloads = [bytes([65 + number]) * size for number, size in enumerate(sizes)]
    sent = [bytes(server.send_data(payload.decode(), fin=True)) for payload in payloads]
    begun = bytes(server.send_data("another", fin=True))[: min(cut, 8)]
    stream = b"".join(sent) + begun
    read = list(frames(stream))
    assert [(opcode, stream[start:end]) for opcode, _, start, end in read] == [
        (Opcode.TEXT, payload) for payload in payloads
    ]
    assert [stream[begin:end] for _, begin, _, end in read] == sent


def test_what_no_server_of_this_protocol_sends_is_refused() -> None:
    fragment = bytes(FrameProtocol(client=False, extensions=[]).send_data("part", fin=False))
    for broken in (fragment, masked_frame(Opcode.TEXT, b"masked"), b"\x82\x00"):
        with pytest.raises(BrokenFrames):
            list(frames(broken))


def test_the_other_side_speaks_the_same_opcodes() -> None:
    assert {opcode.name: int(opcode) for opcode in Opcode} == {
        name: int(Theirs[name]) for name in ("TEXT", "CLOSE", "PING", "PONG")
    }
