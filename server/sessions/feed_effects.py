"""What follows from what a feed decides: values, carried out in order by the session."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import Struct

from actors import Address
from server.protocol.events import AnyEvent


class Send(Struct, frozen=True):
    connection: Address
    events: Sequence[AnyEvent]


class ReadOn(Struct, frozen=True):
    """Read the entries `after < seq <= upto` of the log for this connection."""

    connection: Address
    room: str
    after: int
    upto: int


class AwaitDrained(Struct, frozen=True):
    """Ask the connection to say when everything it was sent has left."""

    connection: Address


class Remember(Struct, frozen=True):
    """Those who are asleep in this room may have been told less than others were: have it told again."""

    room: str


class GiveUp(Struct, frozen=True):
    """The log does not give what is missing: end this connection, and let the client come back."""

    connection: Address


FeedEffect = Send | ReadOn | AwaitDrained | Remember | GiveUp
Effects = list[FeedEffect]
