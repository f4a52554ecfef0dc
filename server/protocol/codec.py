"""Between frames and values: JSON text in, a command out; an event in, JSON bytes out.

A frame that is no JSON object ends the connection (`BrokenFrame`, close 4502): its sender does not speak the
protocol, and nobody knows what else it got wrong. A JSON object that is no valid command is answered with an
error that carries the `id` if one can be read, which takes a second, lenient look, because the strict decoder
does not say how far it came.
"""

from __future__ import annotations

from typing import Any

import msgspec

from server.protocol.commands import LEGAL, AnyCommand, CommandId
from server.protocol.errors import ErrorCode, Refusal
from server.protocol.events import AnyEvent, Entry
from server.protocol.limits import ID_CHARACTERS, LARGEST_INTEGER

SUBPROTOCOL = "hubbub.v1.json"

_commands: msgspec.json.Decoder[AnyCommand] = msgspec.json.Decoder(AnyCommand)
_events: msgspec.json.Decoder[AnyEvent] = msgspec.json.Decoder(AnyEvent)
_anything: msgspec.json.Decoder[Any] = msgspec.json.Decoder()
_encoder = msgspec.json.Encoder()


class BrokenFrame(Exception):
    """The frame is not a JSON object: close 4502."""


class InvalidCommand(Exception):
    """The object is no valid command: answer `refusal`, with `command_id` if it had a usable one."""

    def __init__(self, refusal: Refusal, command_id: CommandId | None) -> None:
        super().__init__(refusal.message)
        self.refusal = refusal
        self.command_id = command_id


def decode_command(frame: bytes | bytearray | str) -> AnyCommand:
    """The command in `frame`.

    Raises
    ------
    BrokenFrame
        Malformed JSON (a lone surrogate is that, too), or not an object.
    InvalidCommand
        An unknown op, a missing field, a wrong type.
    """
    try:
        return _commands.decode(frame)
    except msgspec.ValidationError as error:
        raise _explain(frame, str(error)) from None
    except (msgspec.DecodeError, UnicodeDecodeError, UnicodeEncodeError, RecursionError) as error:
        raise BrokenFrame(f"not JSON: {error}") from None


def _explain(frame: bytes | bytearray | str, complaint: str) -> InvalidCommand:
    try:
        found = _anything.decode(frame)
    except (msgspec.DecodeError, RecursionError) as error:
        raise BrokenFrame(f"not JSON: {error}") from None
    if not isinstance(found, dict):
        raise BrokenFrame("not a JSON object")
    op = found.get("op")
    if not isinstance(op, str):
        refusal = Refusal(ErrorCode.BAD_REQUEST, "`op` must be a string")
    elif op not in LEGAL:
        refusal = Refusal(ErrorCode.UNKNOWN_OP, f"unknown op {_shown(op)}")
    else:
        refusal = Refusal(ErrorCode.BAD_REQUEST, complaint)
    return InvalidCommand(refusal, _usable_id(found.get("id")))


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


def _shown(op: str) -> str:
    """An op as an error message may quote it: short and printable."""
    return repr(op if len(op) <= ID_CHARACTERS else op[:ID_CHARACTERS] + "…")


def encode_event(event: AnyEvent | Entry) -> bytes:
    """`event` as JSON, UTF-8."""
    return _encoder.encode(event)


def encode_command(command: AnyCommand) -> bytes:
    """`command` as JSON, UTF-8: what a client sends."""
    return _encoder.encode(command)


def decode_event(frame: bytes | bytearray | str) -> AnyEvent:
    """The event in `frame`, for clients.

    Raises
    ------
    msgspec.DecodeError
        Not JSON, or not an event this version knows (a `msgspec.ValidationError` then).
    """
    return _events.decode(frame)
