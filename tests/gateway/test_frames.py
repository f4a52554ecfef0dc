"""Server frames: their bytes, and that an event is encoded once."""

from __future__ import annotations

import pytest
from wsproto.connection import CLIENT, Connection
from wsproto.events import BytesMessage, CloseConnection, Ping, Pong, TextMessage
from wsproto.extensions import PerMessageDeflate

from server.gateway.deflate import NARROWEST, WIDEST
from server.gateway.frames import (
    PING,
    binary_frame,
    close_echo,
    close_frame,
    deflated_frames,
    frames_of,
    pong_frame,
    text_frame,
)
from server.protocol.closing import CloseCode
from server.protocol.outgoing import Outgoing
from server.protocol.replies import Pong as PongEvent


def heard(data: bytes) -> list[object]:
    """What a client of wsproto's makes of it."""
    client = Connection(CLIENT)
    client.receive_data(data)
    return list(client.events())


@pytest.mark.parametrize("length", [0, 1, 125, 126, 65_535, 65_536])
def test_texts_of_every_length_class(length: int) -> None:
    payload = b"x" * length
    assert "".join(event.data for event in heard(text_frame(payload)) if isinstance(event, TextMessage)) == "x" * length


@pytest.mark.parametrize("length", [0, 1, 125, 126, 65_535, 65_536])
def test_binary_messages_of_every_length_class(length: int) -> None:
    messages = [event.data for event in heard(binary_frame(bytes(length))) if isinstance(event, BytesMessage)]
    assert b"".join(messages) == bytes(length)


@pytest.mark.parametrize("window_bits", [NARROWEST, WIDEST])
def test_compressed_frames_are_read_by_others(window_bits: int) -> None:
    extension = PerMessageDeflate(server_no_context_takeover=True, server_max_window_bits=window_bits)
    extension.finalize("permessage-deflate")
    client = Connection(CLIENT, [extension])
    sizes = [0, 1, 125, 126, 511, 5_000, 65_535, 65_536, 200_000]
    texts = [("kéep it short; " * (size // 16 + 1))[:size] for size in sizes]
    frames = b"".join(text_frame(text.encode()) + binary_frame(text.encode()) for text in texts)
    client.receive_data(deflated_frames(frames, window_bits))
    read: list[str | bytes] = [""]
    for event in client.events():
        assert isinstance(event, TextMessage | BytesMessage)
        read[-1] = event.data if not read[-1] else read[-1] + event.data  # type: ignore[operator]
        if event.message_finished:
            read.append("")
    assert read[:-1] == [message for text in texts for message in (text, text.encode())]


def test_control_frames() -> None:
    assert heard(PING) == [Ping(payload=b"")]
    assert heard(pong_frame(b"p" * 125)) == [Pong(payload=b"p" * 125)]


def test_a_close_frame_carries_code_and_reason() -> None:
    (event,) = heard(close_frame(CloseCode.SLOW_CONSUMER, "too much waits"))
    assert event == CloseConnection(code=4002, reason="slow consumer: too much waits")


def test_a_long_close_reason_is_cut_to_what_a_control_frame_holds() -> None:
    (event,) = heard(close_frame(CloseCode.PROTOCOL_ERROR, "ж" * 500))
    assert isinstance(event, CloseConnection)
    assert event.reason is not None
    assert len(event.reason.encode()) <= 123


def test_a_close_is_answered_with_its_own_code() -> None:
    assert heard(close_echo(1000)) == [CloseConnection(code=1000, reason="")]
    assert heard(close_echo(None)) == [CloseConnection(code=1005, reason="")]


def test_an_event_is_encoded_once_for_all_its_readers() -> None:
    outgoing = Outgoing([PongEvent(id=1), PongEvent(id=2)])
    first = frames_of(outgoing)
    assert frames_of(outgoing) is first
    assert [event.data for event in heard(first) if isinstance(event, TextMessage)] == [
        '{"op":"pong","id":1}',
        '{"op":"pong","id":2}',
    ]
