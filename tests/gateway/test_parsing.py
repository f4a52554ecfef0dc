"""What a client's bytes mean: whole, in pieces, and when they break RFC 6455."""

from __future__ import annotations

import struct
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.gateway.deflate import WIDEST, deflated
from server.gateway.parsing import (
    QUIET,
    BrokenFraming,
    ClientMessage,
    FrameParser,
    ParserPool,
    PeerClose,
    Ping,
    is_empty_pong,
    whole_message,
)
from tests.gateway.doorway import frame, text

LIMIT = 1_000
TEXT, BINARY, CONTINUATION, CLOSE, PING, PONG = 1, 2, 0, 8, 9, 10


RSV1 = 4


def parsed(*chunks: bytes, limit: int = LIMIT, compressed: bool = False) -> list[ClientMessage]:
    parser = FrameParser()
    parser.take_compressed(compressed)
    messages = []
    for chunk in chunks:
        parser.feed(chunk)
        while (message := parser.next(limit)) is not None:
            if message is not QUIET:
                messages.append(message)
    return messages


@pytest.mark.parametrize(
    ("bytes_of_client", "messages"),
    [
        pytest.param(text("hello"), ["hello"], id="one text"),
        pytest.param(text("a") + text("b"), ["a", "b"], id="two in one chunk"),
        pytest.param(text(""), [""], id="an empty text"),
        pytest.param(text("é" * 200), ["é" * 200], id="a length of two bytes"),
        pytest.param(frame(BINARY, b"\0\1"), [b"\0\1"], id="binary"),
        pytest.param(frame(PING, b"here?"), [Ping(b"here?")], id="a ping"),
        pytest.param(frame(PONG, b""), [], id="a pong says nothing"),
        pytest.param(text("a", fin=False) + frame(CONTINUATION, b"b"), ["ab"], id="fragments"),
        pytest.param(
            text("a", fin=False) + frame(PING, b"?") + frame(CONTINUATION, b"b"), [Ping(b"?"), "ab"],
            id="a ping between fragments",
        ),
        pytest.param(frame(BINARY, b"a", fin=False) + frame(CONTINUATION, b"b"), [b"ab"], id="binary fragments"),
        pytest.param(text("é".encode()[:1], fin=False) + frame(CONTINUATION, "é".encode()[1:]), ["é"],
                     id="a character over two fragments"),
        pytest.param(frame(CLOSE, b""), [PeerClose(None)], id="close without a code"),
        pytest.param(frame(CLOSE, struct.pack("!H", 1000) + b"bye"), [PeerClose(1000)], id="close"),
        pytest.param(frame(CLOSE, struct.pack("!H", 4321)), [PeerClose(4321)], id="close with a private code"),
    ],
)  # fmt: skip
def test_messages_arrive_whole_however_they_are_cut(bytes_of_client: bytes, messages: list[ClientMessage]) -> None:
    assert parsed(bytes_of_client) == messages
    assert parsed(*(bytes([byte]) for byte in bytes_of_client)) == messages


@pytest.mark.parametrize(
    ("bytes_of_client", "code"),
    [
        pytest.param(frame(TEXT, b"x", masked=False), 1002, id="unmasked"),
        pytest.param(frame(3, b""), 1002, id="an unknown opcode"),
        pytest.param(frame(TEXT, b"x", rsv=4), 1002, id="a reserved bit"),
        pytest.param(frame(PING, b"", fin=False), 1002, id="a fragmented ping"),
        pytest.param(frame(PING, b"x" * 126), 1002, id="a large ping"),
        pytest.param(frame(CONTINUATION, b"x"), 1002, id="a continuation of nothing"),
        pytest.param(text("a", fin=False) + text("b"), 1002, id="a new message in the middle of one"),
        pytest.param(text(b"\xff"), 1007, id="text that is not UTF-8"),
        pytest.param(text(b"\xed\xa0\x80"), 1007, id="an encoded surrogate"),
        pytest.param(text("é".encode()[:1]), 1007, id="half a character"),
        pytest.param(frame(TEXT, deflated(b"x", WIDEST), rsv=RSV1), 1002, id="compressed, which was not agreed on"),
        pytest.param(frame(CLOSE, b"x"), 1002, id="close with one byte"),
        pytest.param(frame(CLOSE, struct.pack("!H", 1005)), 1002, id="close with a code nobody may send"),
        pytest.param(frame(CLOSE, struct.pack("!H", 999)), 1002, id="close with a code too low"),
        pytest.param(frame(CLOSE, struct.pack("!H", 1000) + b"\xff"), 1007, id="a close reason that is not UTF-8"),
        pytest.param(text("x" * (LIMIT + 1)), 1009, id="a large message"),
        pytest.param(text("x" * LIMIT, fin=False) + frame(CONTINUATION, b"x"), 1009, id="large by its fragments"),
    ],
)
def test_broken_framing_is_named(bytes_of_client: bytes, code: int) -> None:
    with pytest.raises(BrokenFraming) as caught:
        parsed(bytes_of_client)
    assert caught.value.code == code
    with pytest.raises(BrokenFraming):
        parsed(*(bytes([byte]) for byte in bytes_of_client))


def test_a_large_message_is_refused_by_its_header_alone() -> None:
    header = frame(TEXT, b"x" * 70_000)[:14]
    with pytest.raises(BrokenFraming):
        parsed(header, limit=69_999)


def test_the_limit_itself_is_allowed_and_starts_anew_with_each_message() -> None:
    assert parsed(text("x" * LIMIT) * 3) == ["x" * LIMIT] * 3


def test_what_is_not_asked_for_stays_bytes() -> None:
    parser = FrameParser()
    parser.feed(text("a") + text("b"))
    assert parser.next(LIMIT) == "a"
    assert not parser.at_rest
    assert parser.held == len(text("b"))
    assert parser.next(LIMIT) == "b"
    assert parser.at_rest


def test_an_unfinished_message_is_no_rest() -> None:
    for unfinished in (text("abc")[:1], text("abc")[:-1], text("a", fin=False), text("", fin=False)):
        parser = FrameParser()
        parser.feed(unfinished)
        while parser.next(LIMIT) is not None:
            pass
        assert not parser.at_rest


def test_a_message_sent_byte_by_byte_does_not_cost_an_object_a_byte() -> None:
    parser = FrameParser()
    whole = "ж" * 5_000
    for byte in text(whole)[:-1]:
        parser.feed(bytes([byte]))
        while parser.next(100_000) is not None:
            pass
    assert len(parser._pieces) + len(parser._blocks) <= len(whole.encode()) // 64 + 64
    parser.feed(text(whole)[-1:])
    assert parser.next(100_000) == whole


@given(st.lists(st.text(max_size=300), max_size=5), st.lists(st.integers(1, 50), min_size=1))
def test_any_cut_gives_the_same_messages(messages: list[str], cuts: list[int]) -> None:
    stream = b"".join(text(message) for message in messages)
    chunks, at = [], 0
    for number in range(len(stream)):
        size = cuts[number % len(cuts)]
        chunks.append(stream[at : at + size])
        at += size
        if at >= len(stream):
            break
    assert parsed(*chunks, limit=10_000) == messages


@given(st.binary(max_size=200), st.booleans())
def test_no_bytes_do_more_than_break_the_framing(rubbish: bytes, compressed: bool) -> None:
    with suppress(BrokenFraming):
        parsed(rubbish, compressed=compressed)


# --- compressed messages -----------------------------------------------------------------------------------------


def squeezed(message: str | bytes, opcode: int = TEXT) -> bytes:
    """A whole compressed message."""
    return frame(opcode, deflated(message.encode() if isinstance(message, str) else message, WIDEST), rsv=RSV1)


def cut_in_two(message: str, *between: bytes) -> bytes:
    """A compressed message in two frames: only the first one says that it is compressed."""
    payload = deflated(message.encode(), WIDEST)
    middle = len(payload) // 2
    first = frame(TEXT, payload[:middle], fin=False, rsv=RSV1)
    return b"".join((first, *between, frame(CONTINUATION, payload[middle:])))


@pytest.mark.parametrize(
    ("bytes_of_client", "messages"),
    [
        pytest.param(squeezed("жук"), ["жук"], id="text"),
        pytest.param(squeezed(b"\xff\0", BINARY), [b"\xff\0"], id="binary"),
        pytest.param(squeezed(""), [""], id="an empty text"),
        pytest.param(squeezed("a") + text("b") + squeezed("a"), ["a", "b", "a"], id="some are, some are not"),
        pytest.param(cut_in_two("жук " * 50), ["жук " * 50], id="fragments"),
        pytest.param(cut_in_two("a", frame(PING, b"?")), [Ping(b"?"), "a"], id="a ping between fragments"),
        pytest.param(squeezed("x" * LIMIT), ["x" * LIMIT], id="as large as may be"),
    ],
)
def test_compressed_messages_arrive_whole_however_they_are_cut(
    bytes_of_client: bytes, messages: list[ClientMessage]
) -> None:
    assert parsed(bytes_of_client, compressed=True) == messages
    assert parsed(*(bytes([byte]) for byte in bytes_of_client), compressed=True) == messages


@pytest.mark.parametrize(
    ("bytes_of_client", "code"),
    [
        pytest.param(squeezed("x" * (LIMIT + 1)), 1009, id="larger than may be once it is inflated"),
        pytest.param(squeezed(bytes(10_000_000), BINARY)[:20], 1009, id="larger than may be by its header"),
        pytest.param(squeezed(bytes(500_000), BINARY), 1009, id="a bomb"),
        pytest.param(frame(TEXT, b"\xff" * 20, rsv=RSV1), 1007, id="no deflate stream"),
        pytest.param(frame(TEXT, b"", rsv=RSV1), 1007, id="nothing"),
        pytest.param(frame(TEXT, deflated(b"Hello" * 50, WIDEST)[:-3], rsv=RSV1), 1007, id="a torn stream"),
        pytest.param(squeezed(b"\xff", TEXT), 1007, id="text that is not UTF-8"),
        pytest.param(squeezed("é".encode()[:1], TEXT), 1007, id="half a character"),
        pytest.param(text("a", fin=False) + frame(CONTINUATION, b"b", rsv=RSV1), 1002, id="in the middle of a message"),
        pytest.param(frame(PING, b"", rsv=RSV1), 1002, id="a compressed ping"),
        pytest.param(frame(CLOSE, b"", rsv=RSV1), 1002, id="a compressed close"),
        pytest.param(frame(TEXT, b"\0", rsv=RSV1 | 2), 1002, id="another reserved bit"),
        pytest.param(text("a", fin=False) + squeezed("b"), 1002, id="a compressed message in the middle of one"),
        pytest.param(frame(TEXT, b"\0", fin=False, rsv=RSV1) + text("b"), 1002, id="a message in the middle of it"),
    ],
)
def test_what_is_compressed_wrongly_is_named(bytes_of_client: bytes, code: int) -> None:
    with pytest.raises(BrokenFraming) as caught:
        parsed(bytes_of_client, compressed=True)
    assert caught.value.code == code
    with pytest.raises(BrokenFraming):
        parsed(*(bytes([byte]) for byte in bytes_of_client), compressed=True)


@given(st.binary(max_size=100), st.sampled_from([TEXT, BINARY]))
def test_no_compressed_payload_does_more_than_break_the_framing(rubbish: bytes, opcode: int) -> None:
    with suppress(BrokenFraming):
        parsed(frame(opcode, rubbish, rsv=RSV1), compressed=True)


def test_nothing_is_inflated_before_all_of_it_is_there() -> None:
    parser = FrameParser()
    parser.take_compressed(True)
    bomb = deflated(bytes(500_000), WIDEST)
    assert len(bomb) < LIMIT
    parser.feed(frame(BINARY, bomb, fin=False, rsv=RSV1))
    while parser.next(LIMIT) is not None:
        pass
    assert parser.held == len(bomb)


# --- the pool ----------------------------------------------------------------------------------------------------


def test_a_parser_at_rest_is_used_again_and_a_broken_one_is_not() -> None:
    pool = ParserPool(1_000)
    first = pool.borrow()
    pool.give_back(first)
    assert pool.borrow() is first
    first.feed(text("half")[:-1])
    first.next(LIMIT)
    pool.give_back(first)
    assert pool.borrow() is not first


@pytest.mark.parametrize("broken", [frame(CONTINUATION, b"x"), text(b"\xff"), frame(3, b""), text("x" * 2_000)])
def test_what_broke_leaves_nothing_behind_for_the_next_one(broken: bytes) -> None:
    pool = ParserPool(1_000)
    parser = pool.borrow()
    parser.feed(broken)
    with pytest.raises(BrokenFraming):
        parser.next(LIMIT)
    pool.give_back(parser)
    fresh = pool.borrow()
    fresh.feed(text("x" * LIMIT))
    assert fresh.next(LIMIT) == "x" * LIMIT


def test_an_agreement_does_not_outlive_its_connection() -> None:
    pool = ParserPool(1_000)
    parser = pool.borrow(compressed=True)
    parser.feed(squeezed("a"))
    assert parser.next(LIMIT) == "a"
    pool.give_back(parser)
    other = pool.borrow()
    assert other is parser
    other.feed(squeezed("a"))
    with pytest.raises(BrokenFraming):
        other.next(LIMIT)


def test_what_all_parsers_hold_is_bounded() -> None:
    pool = ParserPool(100)
    one, other = pool.borrow(), pool.borrow()
    for parser in (one, other):
        parser.feed(text("x" * 100)[:66])
        parser.next(LIMIT)
    assert pool.charge(one)
    assert not pool.charge(other)
    pool.give_back(one)
    assert pool.charge(other)
    pool.give_back(other)
    assert (pool.held, pool.borrowed) == (0, 0)


@given(st.binary(min_size=6, max_size=6) | st.binary(min_size=4, max_size=4).map(lambda key: b"\x8a\x80" + key))
def test_a_pong_that_is_seen_without_a_parser_is_one_for_the_parser_too(received: bytes) -> None:
    parser = FrameParser()
    parser.feed(received)
    if is_empty_pong(received):
        assert parser.next(LIMIT) is QUIET
        assert parser.next(LIMIT) is None
        assert parser.at_rest


@pytest.mark.parametrize(
    "received",
    [
        pytest.param(frame(PONG, b"") + frame(PONG, b""), id="two"),
        pytest.param(frame(PONG, b"")[:5], id="a part of one"),
        pytest.param(frame(PONG, b"", masked=False) + b"1234", id="not masked"),
        pytest.param(frame(PING, b""), id="a ping"),
        pytest.param(frame(PONG, b"", rsv=4), id="a reserved bit"),
        pytest.param(frame(PONG, b"x"), id="with a payload"),
        pytest.param(frame(PONG, b"", fin=False), id="a fragment"),
    ],
)
def test_all_else_is_looked_at_by_the_parser(received: bytes) -> None:
    assert not is_empty_pong(received)


# --- whole messages, without a parser ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("received", "message"),
    [
        pytest.param(text("hello"), "hello", id="text"),
        pytest.param(text(""), "", id="an empty text"),
        pytest.param(text("\u0436" * 60), "\u0436" * 60, id="not ASCII"),
        pytest.param(frame(BINARY, b"\xff\0"), b"\xff\0", id="binary"),
        pytest.param(text("x" * 125), "x" * 125, id="the longest of one byte's length"),
        pytest.param(text("x" * 126), "x" * 126, id="the shortest of two bytes' length"),
        pytest.param(text("x" * LIMIT), "x" * LIMIT, id="as large as may be"),
    ],
)
def test_one_whole_message_takes_no_parser(received: bytes, message: str | bytes) -> None:
    assert whole_message(received, LIMIT) == message == parsed(received)[0]


@pytest.mark.parametrize(
    "received",
    [
        pytest.param(b"", id="nothing"),
        pytest.param(text("ab")[:1], id="one byte of it"),
        pytest.param(text("ab")[:-1], id="all but one byte of it"),
        pytest.param(text("x" * 126)[:5], id="a part of its head"),
        pytest.param(text("a") + b"\x81", id="one and a part"),
        pytest.param(text("a") + text("b"), id="two"),
        pytest.param(text("a", fin=False), id="a fragment"),
        pytest.param(frame(CONTINUATION, b"a"), id="the last fragment"),
        pytest.param(frame(PING, b"a"), id="a ping"),
        pytest.param(frame(TEXT, b"x" * 8, masked=False), id="not masked"),
        pytest.param(frame(TEXT, b"x", rsv=4), id="a reserved bit"),
        pytest.param(text(b"\xff"), id="text that is not UTF-8"),
        pytest.param(b"\x81\xfe\0\x05key!hello", id="a length of two bytes that one would hold"),
        pytest.param(b"\x81\xff" + bytes(7) + b"\x05key!hello", id="a length of eight bytes"),
        pytest.param(b"\x81\xff" + b"x" * 131, id="what would be 127 bytes"),
        pytest.param(text("x" * (LIMIT + 1)), id="too large"),
    ],
)
def test_all_but_one_whole_message_is_for_the_parser(received: bytes) -> None:
    assert whole_message(received, LIMIT) is None


@given(
    st.binary(max_size=200)
    | st.builds(
        lambda first, length, rest: bytes((first, length)) + rest,
        st.sampled_from([0x81, 0x82, 0x01, 0xC1, 0x88]),
        st.integers(0, 255),
        st.binary(max_size=140),
    )
    | st.binary(max_size=140).map(lambda payload: frame(TEXT, payload)),
)
def test_what_is_seen_without_a_parser_is_what_the_parser_sees(received: bytes) -> None:
    message = whole_message(received, LIMIT)
    if message is not None:
        parser = FrameParser()
        parser.feed(received)
        assert parser.next(LIMIT) == message
        assert parser.next(LIMIT) is None
        assert parser.at_rest
