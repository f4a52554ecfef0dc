"""What a connection speaks: how events become frames, and frames commands. Agreed on in the handshake, for good.

There are six dialects and no more: two encodings, each plain or compressed with one of two windows. Every connection
refers to one of them. An event is encoded once for each encoding and compressed once for each window, by whoever says
it first; everybody else of that dialect sends the same bytes.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from server.gateway.deflate import NARROWEST, WIDEST
from server.gateway.frames import binary_frame, deflated_frames, frames_of, text_frame
from server.protocol.codec import JSON, MSGPACK, Codec
from server.protocol.events import AnyEvent
from server.protocol.outgoing import Outgoing


@dataclass(frozen=True, slots=True, eq=False)
class Dialect:
    """One way to say everything. Two of them are equal only if they are the same.

    Parameters
    ----------
    codec
        The encoding.
    plain
        The same without compression; None for one that is plain itself.
    window_bits
        Of the compressor, where `plain` is given.
    """

    codec: Codec
    plain: Dialect | None = None
    window_bits: int = 0

    def frames_of(self, outgoing: Outgoing) -> bytes:
        """The frames of all its events, joined; built at the first call, the same object at every later one."""
        if self is PLAIN_JSON:
            return frames_of(outgoing)
        if outgoing.others is None:
            outgoing.others = {}
        frames = outgoing.others.get(self)
        if frames is None:
            frames = outgoing.others[self] = self._build(outgoing)
        return frames

    def knows(self, outgoing: Outgoing) -> bool:
        """Whether its frames are built already."""
        if self is PLAIN_JSON:
            return outgoing.frames is not None
        return outgoing.others is not None and self in outgoing.others

    def frame_of(self, event: AnyEvent) -> bytes:
        """The frame of an event for one reader."""
        payload = self.codec.encode_event(event)
        frame = binary_frame(payload) if self.codec.is_binary else text_frame(payload)
        return frame if self.plain is None else deflated_frames(frame, self.window_bits)

    def _build(self, outgoing: Outgoing) -> bytes:
        if self.plain is not None:
            return deflated_frames(self.plain.frames_of(outgoing), self.window_bits)
        return b"".join([self.frame_of(event) for event in outgoing.events])


PLAIN_JSON: Final = Dialect(JSON)
PLAIN_MSGPACK: Final = Dialect(MSGPACK)

_DIALECTS: Final = {
    (plain.codec, window_bits): plain if window_bits is None else Dialect(plain.codec, plain, window_bits)
    for plain in (PLAIN_JSON, PLAIN_MSGPACK)
    for window_bits in (None, NARROWEST, WIDEST)
}


def dialect(codec: Codec, window_bits: int | None) -> Dialect:
    """The one dialect for `codec`, compressed with a window of `window_bits` (as `agree` gave them) or not at all."""
    return _DIALECTS[codec, window_bits]
