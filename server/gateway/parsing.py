"""Bytes of a websocket client in, messages out; and the pool from which parsers are borrowed.

wsproto's decoders do the framing (RFC 6455, section 5) and the UTF-8; what is here is the limit on messages,
the close frame, and laziness: `next` parses one frame at a time, so commands that may not start yet stay bytes
in the buffer, and what a paused connection can hold is what one `recv` brought.

A parser takes 2 KB and an idle connection needs none: it is borrowed when bytes arrive that are not one whole message,
and goes back when they end at the end of one. wsproto's own `Connection` would not tell when that is.

A compressed message is inflated when all of it is there, so what is half-way stays small, and never further than the
limit on messages.
"""

from __future__ import annotations

import struct
import zlib
from dataclasses import dataclass
from typing import Final

from wsproto.frame_protocol import (
    CloseReason,
    Frame,
    FrameDecoder,
    MessageDecoder,
    Opcode,
    ParseFailed,
    RsvBits,
    XorMaskerSimple,
)

from server.gateway.deflate import inflated

_MOST_PIECES: Final = 64  # of a message, kept one by one
_NO_BITS: Final = RsvBits(False, False, False)
_COMPRESSED_BIT: Final = RsvBits(True, False, False)


class BrokenFraming(Exception):
    """The peer does not keep to RFC 6455; `code` is what the RFC would close with (1002, 1007, 1009)."""

    def __init__(self, code: int, message: str) -> None:
        super().__init__(message)
        self.code = code


@dataclass(frozen=True, slots=True)
class Ping:
    payload: bytes


@dataclass(frozen=True, slots=True)
class PeerClose:
    """The peer's close frame; `code` is None where it carried none. Nothing after it is parsed."""

    code: int | None


@dataclass(frozen=True, slots=True)
class Quiet:
    """A frame that asks for nothing: a pong, or a part of a message. Told, because it took its time to parse."""


QUIET: Final = Quiet()

_EMPTY_PONG: Final = b"\x8a\x80"
"""FIN and the opcode; the mask bit and no length. The masking key follows, which masks nothing."""
_EMPTY_PONG_BYTES: Final = 6

_WHOLE_TEXT: Final = 0x81
"""FIN and the opcode."""
_WHOLE_BINARY: Final = 0x82
_MASKED: Final = 0x80
_TWO_BYTES: Final = 126
"""In place of a length: the two bytes behind it are the length, which is not less than this."""
_HEAD_BYTES: Final = 6
"""Of a frame that is masked and short: the masking key's four are the last of them."""

ClientMessage = str | bytes | Ping | PeerClose | Quiet
"""A text message, a binary message, or a frame of another kind."""


def is_empty_pong(received: bytes) -> bool:
    """Whether it is one whole pong without a payload, and nothing else (RFC 6455, sections 5.2 and 5.5.3).

    That is how pings of this server are answered, so it is most of what an idle crowd says. Between two frames it means
    the same wherever it comes, also within a fragmented message, and it takes no parser to see it: of what a ping and
    its pong cost the server that saves a third.
    """
    return len(received) == _EMPTY_PONG_BYTES and received.startswith(_EMPTY_PONG)


def whole_message(received: bytes, limit: int) -> str | bytes | None:
    """The message, where `received` is one of `limit` bytes at the most, in one frame, all of it and nothing else.
    None: the parser has to look. To be asked where nothing is half-way.

    Nearly every command comes like that, and takes a quarter of the parser's time so. Nothing is judged here: what is
    not as RFC 6455 has it (section 5.2, and UTF-8) is for the parser to refuse.
    """
    if len(received) < _HEAD_BYTES or received[0] not in (_WHOLE_TEXT, _WHOLE_BINARY):
        return None
    head, length = _HEAD_BYTES, received[1] - _MASKED
    if length == _TWO_BYTES:
        head, length = _HEAD_BYTES + 2, int.from_bytes(received[2:4], "big")
        if length < _TWO_BYTES:
            return None
    elif length > _TWO_BYTES:
        return None
    if len(received) != head + length or length > limit:
        return None
    payload = XorMaskerSimple(received[head - 4 : head]).process(bytearray(received[head:]))
    if received[0] == _WHOLE_BINARY:
        return bytes(payload)
    try:
        return payload.decode()
    except UnicodeDecodeError:
        return None


class _CompressibleFrames(FrameDecoder):
    """wsproto's decoder, which lets RSV1 pass where RFC 7692, section 6 allows it: on the first frame of a message."""

    def __init__(self) -> None:
        super().__init__(client=False)
        self.is_agreed = False
        """Whether permessage-deflate was agreed on."""
        self.compressed: Opcode | None = None
        """The opcode of the compressed message under way."""

    def extension_processing(self, opcode: Opcode, rsv: RsvBits, payload_len: int) -> None:
        if rsv == _NO_BITS:
            return
        if rsv != _COMPRESSED_BIT or not self.is_agreed or opcode not in (Opcode.TEXT, Opcode.BINARY):
            raise ParseFailed("a reserved bit is set")
        self.compressed = opcode


class FrameParser:
    """One client's frames. After `BrokenFraming` or `PeerClose` it is of no more use."""

    __slots__ = ("_blocks", "_frames", "_messages", "_pieces", "_size", "charged", "is_queued")

    def __init__(self) -> None:
        self._frames = _CompressibleFrames()
        self._messages = MessageDecoder()
        self._pieces: list[str | bytes] = []
        self._blocks: list[
            str | bytes
        ] = []  # pieces joined: a message sent byte by byte must not cost an object a byte
        self._size = 0  # payload bytes of the message under way
        self.charged = 0
        """What the pool has counted for this parser; nobody else's business."""
        self.is_queued = False
        """Whether its borrower has told itself to go on with it."""

    @property
    def at_rest(self) -> bool:
        """Whether everything fed was taken and nothing is half-way."""
        return not self.held and self._frames.header is None and self._messages.opcode is None

    @property
    def held(self) -> int:
        """Bytes that are kept until more arrive, or until somebody asks for the next message."""
        return len(self._frames.buffer) + self._size

    def take_compressed(self, is_agreed: bool) -> None:
        """Whether the messages that now come may be compressed."""
        self._frames.is_agreed = is_agreed

    def feed(self, received: bytes) -> None:
        self._frames.receive_bytes(received)

    def next(self, limit: int) -> ClientMessage | None:
        """What the next frame brings, or None if it is not complete.

        Parameters
        ----------
        limit
            The most bytes a message may have. It is refused as soon as a header announces more, not when they came.

        Raises
        ------
        BrokenFraming
            A message above the limit, or what RFC 6455 forbids: an unmasked or a wrongly fragmented frame, an unknown
            opcode, a set reserved bit, an oversize or fragmented control frame, a close frame with a bad code, text
            that is not UTF-8; a compressed message that is none.
        """
        if not self._frames.buffer:  # as after most messages: wsproto would find that out at length
            return None
        try:
            frame = self._decode(limit)
            if frame is None:
                return None
            if frame.opcode.iscontrol():
                return _control(frame)
            if self._frames.compressed is not None and frame.opcode is Opcode.TEXT:
                frame = frame._replace(opcode=Opcode.BINARY)  # it is no UTF-8 before it is inflated
            whole = self._assemble(self._messages.process_frame(frame))
            if self._frames.compressed is not None and isinstance(whole, bytes):
                return self._inflate(whole, limit)
            return whole
        except ParseFailed as error:
            raise BrokenFraming(error.code, str(error)) from None

    def _decode(self, limit: int) -> Frame | None:
        """A frame, or the part of it that has arrived."""
        decoder = self._frames
        frame = decoder.process_buffer()
        announced = 0
        header = decoder.header
        if header is not None and not header.opcode.iscontrol():
            announced = header.payload_len - decoder.payload_consumed
        if frame is not None and not frame.opcode.iscontrol():
            self._size += len(frame.payload)
        if self._size + announced > limit:
            raise _too_large(limit)
        return frame

    def _assemble(self, part: Frame) -> str | bytes | Quiet:
        payload = part.payload
        assert not isinstance(payload, tuple)
        if part.message_finished:
            self._size = 0
            if not self._pieces and not self._blocks:
                return payload
            whole = _joined([*self._blocks, *self._pieces, payload])
            self._blocks, self._pieces = [], []
            return whole
        if payload:
            self._pieces.append(payload)
            if len(self._pieces) == _MOST_PIECES:
                self._blocks.append(_joined(self._pieces))
                self._pieces = []
        return QUIET

    def _inflate(self, payload: bytes, limit: int) -> str | bytes:
        opcode, self._frames.compressed = self._frames.compressed, None
        try:
            message = inflated(payload, limit)
        except zlib.error as error:
            raise BrokenFraming(CloseReason.INVALID_FRAME_PAYLOAD_DATA, str(error)) from None
        if len(message) > limit:
            raise _too_large(limit)
        if opcode is Opcode.BINARY:
            return message
        try:
            return message.decode()
        except UnicodeDecodeError as error:
            raise BrokenFraming(CloseReason.INVALID_FRAME_PAYLOAD_DATA, str(error)) from None


def _too_large(limit: int) -> BrokenFraming:
    return BrokenFraming(CloseReason.MESSAGE_TOO_BIG, f"a message may have {limit} bytes")


def _joined(pieces: list[str | bytes]) -> str | bytes:
    if isinstance(pieces[0], str):
        return "".join(pieces)  # type: ignore[arg-type]  # a message is all text or all binary
    return b"".join(pieces)  # type: ignore[arg-type]


def _control(frame: Frame) -> Ping | PeerClose | Quiet:
    payload = frame.payload
    assert isinstance(payload, bytes)
    if frame.opcode is Opcode.PING:
        return Ping(payload)
    if frame.opcode is Opcode.CLOSE:
        return PeerClose(_close_code(payload))
    return QUIET


def _close_code(payload: bytes) -> int | None:
    """The status code of a close frame's payload, checked by RFC 6455, sections 5.5.1 and 7.4."""
    if not payload:
        return None
    if len(payload) == 1:
        raise BrokenFraming(CloseReason.PROTOCOL_ERROR, "a close frame with one byte")
    (code,) = struct.unpack_from("!H", payload)
    if not (1000 <= code <= 1003 or 1007 <= code <= 1014 or 3000 <= code <= 4999):
        raise BrokenFraming(CloseReason.PROTOCOL_ERROR, f"a close frame with the code {code}")
    try:
        payload[2:].decode()
    except UnicodeDecodeError:
        raise BrokenFraming(CloseReason.INVALID_FRAME_PAYLOAD_DATA, "a close reason that is not UTF-8") from None
    return int(code)


class ParserPool:
    """Parsers nobody uses at the moment, and the count of what the used ones hold.

    Parameters
    ----------
    most_held
        Bytes that all borrowed parsers together may hold, so that many half-sent messages cannot fill the memory.
    spare
        How many idle parsers are kept; in one pass of the reactor they are used one after the other, so a few
        will do.
    """

    __slots__ = ("_most_held", "_spare", "_spares", "borrowed", "held")

    def __init__(self, most_held: int, spare: int = 16) -> None:
        self._most_held = most_held
        self._spare = spare
        self._spares: list[FrameParser] = []
        self.borrowed = 0
        self.held = 0

    def borrow(self, *, compressed: bool = False) -> FrameParser:
        """A parser for a connection, which may have agreed that messages are `compressed`."""
        self.borrowed += 1
        parser = self._spares.pop() if self._spares else FrameParser()
        parser.take_compressed(compressed)
        return parser

    def charge(self, parser: FrameParser) -> bool:
        """Count what `parser` holds now. False: all of them together hold too much, and this one has to go."""
        held = parser.held
        self.held += held - parser.charged
        parser.charged = held
        return self.held <= self._most_held

    def give_back(self, parser: FrameParser) -> None:
        """It is used no more; whether it can be used again is seen from its state."""
        self.borrowed -= 1
        self.held -= parser.charged
        parser.charged = 0
        parser.is_queued = False
        if parser.at_rest and len(self._spares) < self._spare:
            self._spares.append(parser)
