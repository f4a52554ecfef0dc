"""How many bytes a message between nodes is where it goes through the engine: made by the real codec, in real packets.

Of what a post makes; texts are as long as load tests have them on the average, ids and names as long as real ones. A
packet that nothing else travels in: on a busy link several messages share one, and its head.
"""

from __future__ import annotations

from typing import Any, Final, NoReturn

from actors.distribution.envelopes import Envelope, EnvelopeKind
from actors.distribution.packets import Kind, Packet
from loadtest.behaviour import CHARACTERS
from server.cluster.codec import NodeCodec
from server.cluster.era import Channels
from server.protocol.entries import MessageEntry
from server.protocol.message_commands import Post
from server.protocol.objects import User
from server.protocol.replies import Ok
from server.relays.actor import RELAYS
from server.relays.heads import HEADS
from server.relays.messages import Answered, Delivered, Forwarded, HeadOf, Heads
from server.rooms.actor import ROOMS
from tests.bench.simulation.placing import named
from tests.bench.simulation.relaying import Counted, room_id

_CLUSTER: Final = "0123456789abcdef"
_NODE: Final = named(1)[0]
_ROOM: Final = room_id(1)
_NONCE: Final = "n" * 26
_AUTHOR: Final = User(user=f"u_{1:026d}", name="somebody-else")
_AT: Final = "2026-11-22T00:00:00.000Z"
_SEQ: Final = 10_000
_NUMBER: Final = 1 << 62
"""Of a session between two nodes."""
_SUBSCRIPTION: Final = 100_000
_EPOCH: Final = 1_000


class _Nobody:
    """No message of a post names an actor."""

    def export(self, what: Any, /) -> NoReturn:
        raise TypeError(f"{what!r} is named")

    def imported(self, text: str, /) -> NoReturn:
        raise TypeError(f"{text!r} is named")


class Sizes:
    """Bytes in the engine, what it takes and what it gives, of one packet each.

    Attributes
    ----------
    forwarded, delivered
        A post on its way to the owner, and an entry on its way to a relay.
    answer
        What the answer adds to the packet of the entry.
    head
        What one room adds to the message of heads.
    empty
        An acknowledgement that travels alone; also what a packet is besides its messages.
    """

    def __init__(self) -> None:
        codec = NodeCodec(_Nobody())

        def envelope(name: str, message: object) -> bytes:
            return Envelope(EnvelopeKind.TELL, 0, name, codec.encode(message)).encoded()

        text = "x" * CHARACTERS
        post = Post(id=7, room=_ROOM, nonce=_NONCE, text=text)
        entry = MessageEntry(seq=_SEQ, room=_ROOM, from_=_AUTHOR, text=text, at=_AT, nonce=_NONCE, reactions=())
        ok = Ok(id=7, room=_ROOM, seq=_SEQ, at=_AT)
        room, relay = f"{ROOMS}/{_ROOM}", f"{RELAYS}/{_ROOM}"
        one, two = (HeadOf(_ROOM, _EPOCH, _SEQ),), (HeadOf(_ROOM, _EPOCH, _SEQ),) * 2
        number = _SUBSCRIPTION
        self.empty: Final = through_engine()
        self.forwarded: Final = through_engine(envelope(room, Forwarded(number, number, 1, _AUTHOR, post, 100)))
        delivered = envelope(relay, Delivered(_EPOCH, (entry,)))
        self.delivered: Final = through_engine(delivered)
        self.answer: Final = through_engine(envelope(relay, Answered(number, ok)), delivered) - self.delivered
        self.heads: Final = through_engine(envelope(HEADS, Heads(one)))
        self.head: Final = through_engine(envelope(HEADS, Heads(two))) - self.heads

    def of_post(self, post: Counted) -> float:
        """Of a post, its answer and its entry."""
        return post.forwarded * (self.forwarded + self.answer) + post.delivered * self.delivered

    def of_heads(self, post: Counted) -> float:
        """Of what says afterwards how far the log reaches, without the packets, which all rooms share."""
        return post.heads * self.head


def through_engine(*envelopes: bytes) -> int:
    """A packet as it is published, as it is heard, and what the publisher is answered."""
    packet = Packet(Kind.DATA, _NUMBER, _NUMBER, _SEQ, _SEQ, envelopes).encoded()
    payload = _NODE.encode() + b"\0" + packet
    channel = Channels(_CLUSTER, _NODE).of(_NODE)
    return _resp(b"PUBLISH", channel, payload) + _resp(b"message", channel, payload) + len(b":1\r\n")


def _resp(*words: bytes) -> int:
    """An array of the protocol's third version: `*3` or `>3`, and each word with its length."""
    return len(f"*{len(words)}\r\n") + sum(len(f"${len(word)}\r\n") + len(word) + 2 for word in words)
