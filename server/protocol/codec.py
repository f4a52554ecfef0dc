"""Between frames and values: a command out of a frame, a frame's payload out of an event; as JSON or as msgpack.

A frame that is no object ends the connection (`BrokenFrame`, close 4502): its sender does not speak the protocol, and
nobody knows what else it got wrong. An object that is no valid command is answered with an error that carries the `id`
if one can be read, which takes a second, lenient look, because the strict decoder does not say how far it came.

Both encodings say the same objects; the rules are in `Codec`, once. What is said without naming one is JSON.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import msgspec

from server.protocol.bases import CommandId
from server.protocol.commands import LEGAL, AnyCommand
from server.protocol.entries import Entry
from server.protocol.errors import ErrorCode, Refusal
from server.protocol.events import AnyEvent
from server.protocol.limits import ID_CHARACTERS, LARGEST_INTEGER

Frame = bytes | bytearray | str

_COMPLAINT_CHARACTERS: Final = 200


class BrokenFrame(Exception):
    """The frame is not an object: close 4502."""


class InvalidCommand(Exception):
    """The object is no valid command: answer `refusal`, with `command_id` if it had a usable one."""

    def __init__(self, refusal: Refusal, command_id: CommandId | None) -> None:
        super().__init__(refusal.message)
        self.refusal = refusal
        self.command_id = command_id


class Codec:
    """One encoding of the wire contract.

    Attributes
    ----------
    subprotocol
        How a client asks for it.
    is_binary
        Whether its frames are binary ones.
    """

    __slots__ = ("_decode_anything", "_decode_command", "_encode", "_name", "is_binary", "subprotocol")

    def __init__(
        self,
        name: str,
        *,
        is_binary: bool,
        decode_command: Callable[[Any], AnyCommand],
        decode_anything: Callable[[Any], object],
        encode: Callable[[object], bytes],
    ) -> None:
        self._name = name
        self.subprotocol = f"hubbub.v1.{name.lower()}"
        self.is_binary = is_binary
        self._decode_command = decode_command
        self._decode_anything = decode_anything
        self._encode = encode

    def encode_event(self, event: AnyEvent | Entry) -> bytes:
        return self._encode(event)

    def decode_command(self, frame: Frame) -> AnyCommand:
        """The command in `frame`.

        Raises
        ------
        BrokenFrame
            Malformed (a lone surrogate is that, too), or not an object.
        InvalidCommand
            An unknown op, a missing field, a wrong type.
        """
        try:
            return self._decode_command(frame)
        except msgspec.ValidationError as error:
            raise self._explain(frame, str(error)) from None
        except (msgspec.DecodeError, UnicodeError, RecursionError) as error:
            raise BrokenFrame(f"not {self._name}: {error}") from None

    def _explain(self, frame: Frame, complaint: str) -> InvalidCommand:
        try:
            found = self._decode_anything(frame)
        except (msgspec.DecodeError, UnicodeError, RecursionError) as error:
            raise BrokenFrame(f"not {self._name}: {error}") from None
        if not isinstance(found, dict):
            raise BrokenFrame("not an object")
        op = found.get("op")
        if not isinstance(op, str):
            refusal = Refusal(ErrorCode.BAD_REQUEST, "`op` must be a string")
        elif op not in LEGAL:
            refusal = Refusal(ErrorCode.UNKNOWN_OP, f"unknown op {_shown(op)}")
        else:
            refusal = Refusal(ErrorCode.BAD_REQUEST, _readable(complaint))
        return InvalidCommand(refusal, _usable_id(found.get("id")))


_encoder: Final = msgspec.json.Encoder()

JSON: Final = Codec(
    "JSON",
    is_binary=False,
    decode_command=msgspec.json.Decoder(AnyCommand).decode,
    decode_anything=msgspec.json.Decoder().decode,
    encode=_encoder.encode,
)
MSGPACK: Final = Codec(
    "msgpack",
    is_binary=True,
    decode_command=msgspec.msgpack.Decoder(AnyCommand).decode,
    decode_anything=msgspec.msgpack.Decoder().decode,
    encode=msgspec.msgpack.Encoder().encode,
)

SUBPROTOCOL: Final = JSON.subprotocol

_events: msgspec.json.Decoder[AnyEvent] = msgspec.json.Decoder(AnyEvent)


def encode_event(event: AnyEvent | Entry) -> bytes:
    """`event` as JSON, UTF-8."""
    return _encoder.encode(event)


def encode_command(command: AnyCommand) -> bytes:
    """`command` as JSON, UTF-8: what a client sends."""
    return _encoder.encode(command)


def decode_event(frame: Frame) -> AnyEvent:
    """The event in `frame`, for clients.

    Raises
    ------
    msgspec.DecodeError
        Not JSON, or not an event this version knows (a `msgspec.ValidationError` then).
    """
    return _events.decode(frame)


def _usable_id(value: object) -> CommandId | None:
    match value:
        case bool():
            return None
        case int() if abs(value) <= LARGEST_INTEGER:
            return value
        case str() if len(value) <= ID_CHARACTERS:
            return value
        case _:
            return None


def _readable(complaint: str) -> str:
    """A complaint of the decoder may quote what was sent, which has any length, and anything in it. Begin and end are
    kept: at the end it says of which field it speaks.
    """
    if len(complaint) > _COMPLAINT_CHARACTERS:
        half = _COMPLAINT_CHARACTERS // 2
        complaint = f"{complaint[:half]}…{complaint[-half:]}"
    return "".join(character if character.isprintable() else "\N{REPLACEMENT CHARACTER}" for character in complaint)


def _shown(op: str) -> str:
    """An op as an error message may quote it: short and printable."""
    return repr(op if len(op) <= ID_CHARACTERS else op[:ID_CHARACTERS] + "…")
