"""Gathering: those who share a room of a few are served by one worker, as far as they can be.

A room that lives on another worker has a relay on every worker where somebody listens. Ten people who come to any of 17
workers have eight relays, each of which is asked for, watched and told everything; gathered on one they have one. So
who has said whose they are may be handed to another worker of this parent before a session is opened: the socket, and
what `hello` said. The client notices nothing.

The rules:
- A room's home is a matter of its id and of how many workers there are: nobody asks anybody, and everyone comes to the
  same answer. Of somebody's rooms the largest that is not too large counts, because most of its members have no larger
  one.
- Nobody is sent to a worker that is gone, hangs, is full, or has far more people than the others, or that takes nobody
  in. One that is only behind, so that its door is shut, takes them in later.
- Who cannot be handed over stays, and misses nothing. Nobody is handed over twice.
"""

from __future__ import annotations

from binascii import crc32
from typing import Final

from msgspec import Struct, msgpack

from server.corridors import Corridors
from server.gateway.dialects import Dialect, dialect
from server.protocol.codec import JSON, MSGPACK
from server.protocol.hello_commands import Hello
from server.turns import Turns

_CROWDED_BY: Final = 0.125
_CROWDED_FROM: Final = 512
"""People more than the mean, and a part of it: 18,000 people in rooms of ten differ by 1,000 from worker to worker."""
_CODECS: Final = {codec.subprotocol: codec for codec in (JSON, MSGPACK)}


def home_of(room: str, workers: int) -> int:
    """The worker where this room's people are gathered: pure."""
    return crc32(room.encode()) % workers


def is_crowded(people: int, mean: float) -> bool:
    """Whether a worker with so many has far more than others, which have `mean`: pure."""
    return people > mean * (1 + _CROWDED_BY) + _CROWDED_FROM


class Move(Struct, frozen=True):
    """What is said of a socket that is handed over.

    Parameters
    ----------
    subprotocol, window_bits
        What it speaks: see `dialects.py`.
    network
        Where it comes from, as its address is counted; None: it is not.
    header_hash
        Of the token the upgrade carried.
    hello
        What was said, and is to be answered. Whose token it is, is asked anew: it may have been revoked on the way.
    """

    subprotocol: str
    window_bits: int | None
    network: str | None
    header_hash: bytes | None
    hello: Hello

    @classmethod
    def of(cls, spoken: Dialect, network: str | None, header_hash: bytes | None, hello: Hello) -> Move:
        """Of a socket on which this dialect is spoken."""
        window_bits = None if spoken.plain is None else spoken.window_bits
        return cls(spoken.codec.subprotocol, window_bits, network, header_hash, hello)

    @property
    def dialect(self) -> Dialect:
        return dialect(_CODECS[self.subprotocol], self.window_bits)


_encoder: Final = msgpack.Encoder()
_decoder: Final = msgpack.Decoder(Move)


def move_of(words: bytes) -> Move:
    """What `Gathering.hand_over` was given. Raises `msgspec.DecodeError`."""
    return _decoder.decode(words)


class Gathering:
    """What one worker knows of it.

    Parameters
    ----------
    index
        Its own.
    turns
        Says whose door is open, and how many people everybody has.
    """

    __slots__ = ("_corridors", "_index", "_turns")

    def __init__(self, index: int, turns: Turns, corridors: Corridors) -> None:
        self._index = index
        self._turns = turns
        self._corridors = corridors

    def worker_for(self, room: str) -> int | None:
        """To which other worker somebody goes for the sake of this room; None: they stay."""
        turns, home = self._turns, home_of(room, len(self._corridors))
        if home == self._index or not turns.is_reached[home] or turns.is_full[home]:
            return None
        if turns.takes_in[home] != self._corridors.generation:
            return None
        return None if is_crowded(turns.people[home], turns.mean_people()) else home

    def hand_over(self, worker: int, descriptor: int, move: Move) -> bool:
        """Whether that worker has it, or will. The caller's own descriptor stays open."""
        return self._corridors.hand_over(worker, _encoder.encode(move), descriptor)
