"""What the workers of one parent ask each other for operators, and how it travels: over a unix socket, one question a
connection.

A question is four bytes of length and a msgpack value. The answer is a byte, `+` or `-`, and all that follows until the
end: the value that was asked for, lines of a trace, or why not.
"""

from __future__ import annotations

from typing import Final

import msgspec
import trio
from msgspec import Struct

from server.operators.oneself import By, Tracing
from server.protocol.errors import ErrorCode, Refusal

YES: Final = b"+"
NO: Final = b"-"
_LENGTH_BYTES: Final = 4
_LONGEST: Final = 64 * 1024
_CHUNK: Final = 64 * 1024


class AskReady(Struct, frozen=True, tag="ready"):
    """Whether it wants traffic."""


class AskFamilies(Struct, frozen=True, tag="families"):
    """All metrics."""


class AskTree(Struct, frozen=True, tag="tree"):
    most: int


class AskTop(Struct, frozen=True, tag="top"):
    by: By
    most: int


class AskWhether(Struct, frozen=True, tag="whether"):
    """Whether an actor of this path lives there."""

    path: str


class AskTrace(Struct, frozen=True, tag="trace"):
    tracing: Tracing


Question = AskReady | AskFamilies | AskTree | AskTop | AskWhether | AskTrace

_questions: Final[msgspec.msgpack.Decoder[Question]] = msgspec.msgpack.Decoder(Question)


class NoAnswer(Exception):
    """It does not answer, or something that nobody understands."""


async def send_question(stream: trio.abc.SendStream, question: Question) -> None:
    encoded = msgspec.msgpack.encode(question)
    await stream.send_all(len(encoded).to_bytes(_LENGTH_BYTES, "big") + encoded)


async def receive_question(stream: trio.abc.ReceiveStream) -> Question:
    """Raises `NoAnswer` where it is none."""
    size = int.from_bytes(await _exactly(stream, _LENGTH_BYTES), "big")
    if size > _LONGEST:
        raise NoAnswer("a question is shorter")
    try:
        return _questions.decode(await _exactly(stream, size))
    except msgspec.DecodeError as error:
        raise NoAnswer(str(error)) from None


async def receive_verdict(stream: trio.abc.ReceiveStream) -> None:
    """Return where the answer is a yes; what follows is it. Raises `Refusal`, `NoAnswer`."""
    if await _exactly(stream, 1) == YES:
        return
    try:
        code, message = msgspec.msgpack.decode(await receive_rest(stream), type=tuple[ErrorCode, str])
    except msgspec.DecodeError as error:
        raise NoAnswer(str(error)) from None
    raise Refusal(code, message)


async def receive_rest(stream: trio.abc.ReceiveStream) -> bytes:
    rest = bytearray()
    while chunk := await stream.receive_some(_CHUNK):
        rest += chunk
    return bytes(rest)


def refusing(refusal: Refusal) -> bytes:
    """The answer that is a no."""
    return NO + msgspec.msgpack.encode((refusal.code, refusal.message))


async def _exactly(stream: trio.abc.ReceiveStream, size: int) -> bytes:
    received = bytearray()
    while len(received) < size:
        chunk = await stream.receive_some(size - len(received))
        if not chunk:
            raise NoAnswer("it ended early")
        received += chunk
    return bytes(received)
