"""Packets: what one node sends another at a time, as bytes.

A packet is a header and the envelopes that were told since the last one. The rules:
- The first byte is the major version. Whoever hears another one cannot read the rest, and does not try.
- Everything says how long it is, so whatever is unknown inside can be stepped over.
- Bytes that are no packet raise `Malformed` and nothing else.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum
from typing import Final

VERSION: Final = 1
"""The major version: of how packets and envelopes are framed, and of what a link does. What is in the messages is the
codec's."""

HEADER: Final = struct.Struct("!BBQQQQI")
LENGTH: Final = struct.Struct("!I")


class Malformed(Exception):
    """These bytes are no packet, or no envelope."""


class OtherVersion(Malformed):
    """A packet of another major version.

    Attributes:
        version: which.
    """

    def __init__(self, version: int) -> None:
        super().__init__(f"version {version} of the packets, and this node speaks {VERSION}")
        self.version = version


class Kind(IntEnum):
    """What a packet is for."""

    GREETING = 1
    """Begin a session, or go on beginning it."""
    DATA = 2
    """Envelopes, or none, and how far those of the other side have come."""
    RESET = 3
    """The session it names is over."""


@dataclass(frozen=True, slots=True)
class Packet:
    """One packet.

    Args:
        kind: what it is for.
        source: the session of who sends it; 0: it has none.
        target: the session of who is to receive it; 0: not known yet.
        first: the number of the first envelope in it; the next one's, if there is none.
        acknowledged: the number of the last envelope that has arrived in order.
        envelopes: what was told, oldest first.
    """

    kind: Kind
    source: int
    target: int
    first: int = 0
    acknowledged: int = 0
    envelopes: Sequence[bytes] = ()

    def encoded(self) -> bytes:
        """As bytes."""
        head = HEADER.pack(
            VERSION, self.kind, self.source, self.target, self.first, self.acknowledged, len(self.envelopes)
        )
        parts = [head]
        for envelope in self.envelopes:
            parts.append(LENGTH.pack(len(envelope)))
            parts.append(envelope)
        return b"".join(parts)


def decoded(data: bytes) -> Packet:
    """The packet these bytes are. Raises `Malformed`, `OtherVersion`."""
    if data[:1] != bytes((VERSION,)) and data:
        raise OtherVersion(data[0])
    try:
        _, kind, source, target, first, acknowledged, count = HEADER.unpack_from(data)
        known = Kind(kind)
    except (struct.error, ValueError) as error:
        raise Malformed(str(error)) from None
    envelopes: list[bytes] = []
    at = HEADER.size
    while at < len(data):
        begin = at + LENGTH.size
        if begin > len(data):
            raise Malformed("it ends within a length")
        at = begin + int.from_bytes(data[at:begin], "big")
        envelopes.append(data[begin:at])
    if at != len(data) or len(envelopes) != count:
        raise Malformed(f"it has {len(envelopes)} envelopes in {len(data)} bytes, and says {count}")
    return Packet(known, source, target, first, acknowledged, envelopes)
