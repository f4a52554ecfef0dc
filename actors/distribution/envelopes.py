"""Envelopes: what is told across, one at a time, as bytes.

All have the same four fields, so that a node can step over one of a kind that it does not know: newer nodes may have
more kinds, and both go on. What a message is in bytes is the codec's affair.
"""

from __future__ import annotations

import struct
from enum import IntEnum
from typing import Final, NamedTuple

from actors.distribution.packets import Malformed

HEADER: Final = struct.Struct("!BQH")

LONGEST_NAME: Final = 1000
"""Bytes of a name on the wire: many times the longest id, and far below what the header holds."""


class EnvelopeKind(IntEnum):
    """What is told, and what the number in it is."""

    TELL = 1
    """A message to an actor, which may be started for it; the number is that of the question in it, or 0."""
    ANSWER = 2
    """A message to an actor whose mailbox takes it at any length; the number as above."""
    URGENT = 3
    """A message to an actor ahead of others; the number as above."""
    REPLY = 4
    """The answer to the question with this number."""
    FAILURE = 5
    """The question with this number has ended without an answer."""
    FORGET = 6
    """Nobody waits for the answer to the question with this number any more."""
    WATCH = 7
    """Say when this actor ends; the number is the watch's."""
    UNWATCH = 8
    """Say no more; the number is the watch's."""
    DOWN = 9
    """An incarnation has ended, and there may be another one; the number is the watch's."""
    ENDED = 10
    """An incarnation has ended, and the watch with this number is over: it will not be started again."""
    GONE = 11
    """The watch with this number is over: it waited to be started again, and will not be."""


class Envelope(NamedTuple):
    """What is told. A tuple, because one is made and taken apart for every message.

    Args:
        kind: one of `EnvelopeKind`; any other number is of a newer node.
        number: which question, or which watch.
        name: which actor, or which failure.
        body: the message as the codec has it, or more about the failure.
    """

    kind: int
    number: int = 0
    name: str = ""
    body: bytes = b""

    def encoded(self) -> bytes:
        """As bytes."""
        name = self.name.encode()
        return HEADER.pack(self.kind, self.number, len(name)) + name + self.body


def opened(data: bytes) -> Envelope:
    """The envelope these bytes are. Raises `Malformed`."""
    try:
        kind, number, length = HEADER.unpack_from(data)
        end = HEADER.size + length
        if end > len(data):
            raise Malformed("it ends within a name")
        return Envelope(kind, number, data[HEADER.size : end].decode(), data[end:])
    except (struct.error, UnicodeDecodeError) as error:
        raise Malformed(str(error)) from None
