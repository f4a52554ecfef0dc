"""What crosses between nodes arrives as it was, and what the version before has sent is still understood.

`golden.json` has each message as bytes: as this version writes it, and as older ones did. A test that fails there says
that nodes of two versions would not understand each other.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import cast

import msgspec
import pytest
from msgspec import Struct

from actors import Address
from server.cluster.codec import MESSAGES, NodeCodec
from server.protocol.errors import ErrorCode, Refusal
from server.rooms.messages import Added
from server.store.log_messages import Anchor
from server.store.questions import Done, Failed
from server.store.room_messages import CreateRoom
from server.store.user_messages import Revocations
from tests.cluster.samples import ASKER, SAMPLES, SomeNames

GOLDEN = Path(__file__).with_name("golden.json")


@pytest.fixture
def codec() -> NodeCodec:
    return NodeCodec(SomeNames())


def seen(message: object) -> object:
    """A message as values that can be compared: refusals are exceptions, which are equal to themselves only."""
    if isinstance(message, Struct):
        fields = ((name, seen(getattr(message, name))) for name in message.__struct_fields__)
        return type(message).__name__, dict(fields)
    if isinstance(message, Refusal):
        return message.code, message.message, message.retry_after
    if isinstance(message, list | tuple):
        return [seen(part) for part in message]
    return message


def test_every_message_of_the_list_has_a_sample() -> None:
    assert SAMPLES.keys() == MESSAGES.keys()
    assert all(type(SAMPLES[tag]) is kind for tag, kind in MESSAGES.items())
    assert not any("\0" in tag for tag in MESSAGES)


@pytest.mark.parametrize("tag", MESSAGES)
def test_every_message_arrives_as_it_was(codec: NodeCodec, tag: str) -> None:
    assert seen(codec.decode(codec.encode(SAMPLES[tag]))) == seen(SAMPLES[tag])


@pytest.mark.parametrize("value", [True, None, 7, "r_1", Revocations(("s_1",), 9)])
def test_done_carries_messages_and_plain_values(codec: NodeCodec, value: object) -> None:
    assert codec.decode(codec.encode(Done(3, value))) == Done(3, value)


@pytest.mark.parametrize("tag", MESSAGES)
def test_bytes_of_this_version_and_the_one_before_are_understood(codec: NodeCodec, tag: str) -> None:
    for data in golden()[tag]:
        assert seen(codec.decode(bytes.fromhex(data))) == seen(SAMPLES[tag])


@pytest.mark.parametrize("tag", MESSAGES)
def test_what_this_version_writes_is_written_down(codec: NodeCodec, tag: str) -> None:
    """After a change of a message add the new line to `golden.json`, and keep that of the last release."""
    assert codec.encode(SAMPLES[tag]).hex() in golden()[tag]


def test_an_actor_inside_is_known_by_its_name(codec: NodeCodec) -> None:
    data = codec.encode(SAMPLES["create_room"])
    assert b"?17" in data
    assert cast("CreateRoom", codec.decode(data)).reply_to is ASKER


def test_what_is_not_in_the_list_stays_here(codec: NodeCodec) -> None:
    for message in (Anchor(reply_to=ASKER, room="r_1"), Done(1, Added("r_1", 1)), object(), "text", Address):
        with pytest.raises(TypeError, match="does not cross"):
            codec.encode(message)


def test_fields_that_a_newer_node_has_are_passed_over(codec: NodeCodec) -> None:
    newer = {"sessions": ["s_1"], "at": 5, "why": "new"}
    assert codec.decode(b"revocations\0" + msgspec.msgpack.encode(newer)) == Revocations(("s_1",), 5)


def test_a_refusal_keeps_its_code_and_its_words(codec: NodeCodec) -> None:
    refused = codec.decode(codec.encode(Failed(4, Refusal(ErrorCode.NAME_TAKEN, "taken", 17))))
    assert isinstance(refused, Failed)
    assert (refused.refusal.code, str(refused.refusal), refused.refusal.retry_after) == ("name_taken", "taken", 17)


BROKEN = [b"", b"\0", b"user", b"user\0", b"user\0\xc1", b"user\0\x80", b"\xff\xff\0", b"done\0\x80", b"failed\0\x82"]


@pytest.mark.parametrize("data", [*BROKEN, b"tomorrow\0\x80", b"create_room\0\x81\xa8reply_to\x01"])
def test_what_is_no_message_raises_what_a_codec_may(codec: NodeCodec, data: bytes) -> None:
    with pytest.raises((KeyError, msgspec.MsgspecError)):
        codec.decode(data)


def golden() -> dict[str, list[str]]:
    return cast("dict[str, list[str]]", json.loads(GOLDEN.read_text()))
