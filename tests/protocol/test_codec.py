"""Frames in, commands or the right complaint out."""

from __future__ import annotations

import contextlib

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.protocol.codec import (
    JSON,
    MSGPACK,
    BrokenFrame,
    InvalidCommand,
    decode_event,
    encode_command,
    encode_event,
)
from server.protocol.entries import MessageEntry
from server.protocol.errors import ErrorCode, Refusal, unavailable
from server.protocol.hello_commands import Ping
from server.protocol.message_commands import Post
from server.protocol.objects import User
from server.protocol.replies import Ok, error_from


def test_a_command_is_a_typed_value() -> None:
    assert JSON.decode_command('{"op":"post","id":7,"room":"r_1","nonce":"n","text":"hi"}') == Post(
        id=7, room="r_1", nonce="n", text="hi"
    )


def test_fields_nobody_defined_are_ignored() -> None:
    assert JSON.decode_command('{"op":"ping","colour":"blue"}') == Ping()


@pytest.mark.parametrize(
    "frame",
    [
        "",
        "{",
        "[1]",
        '"post"',
        "null",
        "7",
        '{"op":"post","text":"\\ud800"}',
        '{"op":"ping"} trailing',
        '{"op":"ping","id":NaN}',
        b'{"op":"\xff"}',
        "[" * 100_000,
    ],
)
def test_what_is_no_json_object_breaks_the_connection(frame: str | bytes) -> None:
    with pytest.raises(BrokenFrame):
        JSON.decode_command(frame)


@pytest.mark.parametrize(
    ("frame", "code", "command_id"),
    [
        ('{"op":"fly","id":1}', ErrorCode.UNKNOWN_OP, 1),
        ('{"op":"fly","id":"a","room":"r_1"}', ErrorCode.UNKNOWN_OP, "a"),
        ('{"id":2}', ErrorCode.BAD_REQUEST, 2),
        ('{"op":3,"id":2}', ErrorCode.BAD_REQUEST, 2),
        ('{"op":"post","id":3,"room":"r_1"}', ErrorCode.BAD_REQUEST, 3),
        ('{"op":"post","id":4,"room":5,"nonce":"n","text":"t"}', ErrorCode.BAD_REQUEST, 4),
        ('{"op":"ping","id":true}', ErrorCode.BAD_REQUEST, None),
        ('{"op":"ping","id":1.5}', ErrorCode.BAD_REQUEST, None),
        ('{"op":"ping","id":9007199254740992}', ErrorCode.BAD_REQUEST, None),
        ('{"op":"ping","id":"' + "x" * 65 + '"}', ErrorCode.BAD_REQUEST, None),
        ('{"op":"history","id":5,"room":"r_1","limit":0}', ErrorCode.BAD_REQUEST, 5),
        ('{"op":"read","id":6,"room":"r_1","seq":-1}', ErrorCode.BAD_REQUEST, 6),
    ],
)
def test_an_invalid_command_is_answered_with_its_id(frame: str, code: ErrorCode, command_id: object) -> None:
    with pytest.raises(InvalidCommand) as caught:
        JSON.decode_command(frame)
    assert caught.value.refusal.code is code
    assert caught.value.command_id == command_id


def test_an_unknown_op_is_quoted_short_and_printable() -> None:
    with pytest.raises(InvalidCommand) as caught:
        JSON.decode_command('{"op":"\\u001b[2J' + "x" * 1_000 + '"}')
    assert len(caught.value.refusal.message) < 120
    assert caught.value.refusal.message.isprintable()


@pytest.mark.parametrize(
    "frame",
    [
        pytest.param('{"op":"zz\\u0000' + "x" * 60_000 + '","op":"log"}', id="the last of two ops is a known one"),
        pytest.param('{"op":"create_room","kind":"\\u001b[2J' + "x" * 60_000 + '"}', id="no such kind"),
    ],
)
def test_a_complaint_that_quotes_what_was_sent_is_short_and_printable(frame: str) -> None:
    with pytest.raises(InvalidCommand, match=r"`\$\.(op|kind)`$") as caught:
        JSON.decode_command(frame)
    assert len(caught.value.refusal.message) <= 201
    assert caught.value.refusal.message.isprintable()


def test_a_complaint_names_the_field() -> None:
    with pytest.raises(InvalidCommand, match="room"):
        JSON.decode_command('{"op":"leave","room":1}')


@given(st.binary(max_size=200) | st.text(max_size=200))
def test_no_frame_brings_the_decoder_down(frame: bytes | str) -> None:
    with contextlib.suppress(BrokenFrame, InvalidCommand):
        JSON.decode_command(frame)


@given(
    st.builds(
        Post,
        id=st.none() | st.integers(0, 2**53 - 1) | st.text(max_size=64),
        room=st.text(max_size=64),
        nonce=st.text(max_size=64),
        text=st.text(max_size=100),
    )
)
def test_what_a_client_encodes_the_server_decodes(post: Post) -> None:
    assert JSON.decode_command(encode_command(post)) == post


def test_a_message_carries_op_from_and_empty_reactions_and_no_absent_field() -> None:
    entry = MessageEntry(
        seq=1, room="r_1", from_=User(user="u_1", name="ann"), text="hi", at="…", nonce="n", reactions=()
    )
    assert (
        encode_event(entry).decode() == '{"op":"message","seq":1,"room":"r_1","from":{"user":"u_1","name":"ann"},'
        '"text":"hi","at":"…","nonce":"n","reactions":[]}'
    )
    assert decode_event(encode_event(entry)) == entry


def test_duplicate_false_is_said() -> None:
    assert encode_event(Ok(id=1, seq=4, duplicate=False)) == b'{"op":"ok","id":1,"seq":4,"duplicate":false}'


def test_an_error_says_when_to_try_again_only_where_that_makes_sense() -> None:
    assert b'"retry_after":500' in encode_event(error_from(unavailable(), 1))
    refused = error_from(Refusal(ErrorCode.FORBIDDEN, "no"), "x")
    assert encode_event(refused) == b'{"op":"error","id":"x","code":"forbidden","message":"no"}'


# --- msgpack -----------------------------------------------------------------------------------------------------


def packed(value: object) -> bytes:
    return msgspec.msgpack.encode(value)


def test_msgpack_says_the_same_objects() -> None:
    post = {"op": "post", "id": 7, "room": "r_1", "nonce": "n", "text": "hi"}
    assert MSGPACK.decode_command(packed(post)) == Post(id=7, room="r_1", nonce="n", text="hi")
    entry = MessageEntry(
        seq=1, room="r_1", from_=User(user="u_1", name="ann"), text="hi", at="…", nonce="n", reactions=()
    )
    assert msgspec.msgpack.decode(MSGPACK.encode_event(entry)) == msgspec.json.decode(encode_event(entry))


@pytest.mark.parametrize(
    "frame",
    [
        b"",
        packed([1]),
        packed("post"),
        packed(None),
        packed({"op": "ping"})[:-1],
        packed({"op": "ping"}) + b"\0",
        b"\xc1",
        b"\x81\xa2op\xa1\xff",
        b"\x81\x81\x01\x02\x03",
        b"\x82\xa2op\xa4post\xa4text\xa3\xed\xa0\x80",
        b"\xdf\xff\xff\xff\xff",
        b"\x81" * 100_000,
    ],
    ids=lambda frame: repr(frame[:12]),
)
def test_what_is_no_msgpack_object_breaks_the_connection(frame: bytes) -> None:
    with pytest.raises(BrokenFrame):
        MSGPACK.decode_command(frame)


@pytest.mark.parametrize(
    ("command", "code", "command_id"),
    [
        ({"op": "fly", "id": 1}, ErrorCode.UNKNOWN_OP, 1),
        ({"op": b"ping", "id": 2}, ErrorCode.BAD_REQUEST, 2),
        ({"op": "post", "id": "a", "room": "r_1"}, ErrorCode.BAD_REQUEST, "a"),
        ({"op": "ping", "id": b"a"}, ErrorCode.BAD_REQUEST, None),
        ({"op": "ping", "id": 2**63}, ErrorCode.BAD_REQUEST, None),
        ({1: 2}, ErrorCode.BAD_REQUEST, None),
    ],
    ids=str,
)
def test_an_invalid_msgpack_command_is_answered_with_its_id(
    command: object, code: ErrorCode, command_id: object
) -> None:
    with pytest.raises(InvalidCommand) as caught:
        MSGPACK.decode_command(packed(command))
    assert caught.value.refusal.code is code
    assert caught.value.command_id == command_id


@given(st.binary(max_size=200))
def test_no_msgpack_frame_brings_the_decoder_down(frame: bytes) -> None:
    with contextlib.suppress(BrokenFrame, InvalidCommand):
        MSGPACK.decode_command(frame)
