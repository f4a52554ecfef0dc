"""permessage-deflate (RFC 7692) without context: what is agreed on, and payloads in and out. Pure, and without state.

Every message is compressed by itself, in both directions: the server promises it (`server_no_context_takeover`) and
demands it of the client (`client_no_context_takeover`; section 7.1.1 lets a server do both unasked). So
- the compressed frame of an event is the same for all who read it: it is compressed once, as it is encoded once;
- no connection has zlib state between two messages; with context it would be 256 KB to compress, and 40 to inflate;
- the price: a short message cannot refer to the one before it. A chat message shrinks by a quarter, a page of history
  to a quarter of it.

wsproto's own `PerMessageDeflate` is not used: it keeps a compressor and an inflater for each connection, inflates
without a limit, and crashes on an offer such as `server_max_window_bits=many`.
"""

from __future__ import annotations

import re
import zlib
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

WIDEST: Final = 15
NARROWEST: Final = 9  # zlib has no raw stream with a window of 8 bits

_EXTENSION: Final = "permessage-deflate"
_NUMBERS: Final = re.compile(r"[89]|1[0-5]")  # section 7.1.2: no leading zeroes
_TAIL: Final = b"\x00\x00\xff\xff"  # what the sender cut off (section 7.2.1)
_END: Final = b"\x01\x00\x00\xff\xff"  # an empty final block of ours: only a complete stream reaches its end
_ENDS: Final = (b"", _TAIL + _END, b"\x00" + _TAIL + _END)
"""What may be left behind the end of a stream: nothing, or an empty block behind a final one of the sender's."""
_LEAST_MEMORY: Final = 5


@dataclass(frozen=True, slots=True)
class Agreement:
    """What both sides keep to.

    Parameters
    ----------
    window_bits
        Of the server's compressor: `WIDEST`, or `NARROWEST` for any client that asks for less. Two sizes and no more,
        so that an event is compressed twice at the most.
    response
        The value of our `Sec-WebSocket-Extensions`.
    """

    window_bits: int
    response: str


def agree(offers: Iterable[str]) -> Agreement | None:
    """The first of the client's offers that can be kept to, or None.

    Parameters
    ----------
    offers
        The elements of `Sec-WebSocket-Extensions`, of whatever extension, in the client's order of preference.
    """
    for offer in offers:
        name, *parameters = (part.strip() for part in offer.split(";"))
        if name.lower() == _EXTENSION and (agreement := _agreement(parameters)) is not None:
            return agreement
    return None


def _agreement(parameters: list[str]) -> Agreement | None:
    """None where a parameter is unknown, is said twice, or has a value it cannot have (section 7.1)."""
    values: dict[str, str | None] = {}
    for parameter in parameters:
        name, given, value = (part.strip() for part in parameter.partition("="))
        if name in values:
            return None
        values[name] = value.strip('"') if given else None
    window_bits = WIDEST
    response = [_EXTENSION, "server_no_context_takeover", "client_no_context_takeover"]
    for name, text in values.items():
        match name:
            case "server_no_context_takeover" | "client_no_context_takeover" if text is None:
                pass
            case "client_max_window_bits" if text is None or _NUMBERS.fullmatch(text):
                pass  # our inflater takes any
            case "server_max_window_bits" if text is not None and _NUMBERS.fullmatch(text) and int(text) >= NARROWEST:
                window_bits = WIDEST if int(text) == WIDEST else NARROWEST
                response.append(f"server_max_window_bits={window_bits}")
            case _:
                return None
    return Agreement(window_bits, "; ".join(response))


def deflated(payload: bytes, window_bits: int) -> bytes:
    """`payload`, compressed by itself.

    A window larger than the payload is never used, but it is cleared before the start: with a fitting one a chat
    message takes 8 us instead of 66.
    """
    bits = min(window_bits, max(NARROWEST, len(payload).bit_length()))
    memory = max(_LEAST_MEMORY, bits - 7)
    compressor = zlib.compressobj(wbits=-bits, memLevel=memory)
    stream = compressor.compress(payload) + compressor.flush(zlib.Z_SYNC_FLUSH)
    return stream[: -len(_TAIL)]


def inflated(payload: bytes, most: int) -> bytes:
    """What `payload` was before it was compressed; of something larger than `most` bytes only the first `most` + 1.

    Left out: a second final block in one message, which section 7.2.3.4 would allow and nobody sends.

    Raises
    ------
    zlib.error
        It is no deflate stream, or not a whole one.
    """
    inflater = zlib.decompressobj(wbits=-WIDEST)
    message = inflater.decompress(payload + _TAIL + _END, most + 1)
    if len(message) <= most and not (inflater.eof and inflater.unused_data in _ENDS):
        raise zlib.error("the compressed message has no end")
    return message
