"""What follows from what a relay decides, beside what a room does, too: values, carried out in order by the actor."""

from __future__ import annotations

from msgspec import Struct

from actors import Address
from server.relays.messages import Admit, Forwarded, Here, Subscribe
from server.rooms.effects import Consult, FanOut, InTurn, Reply, Rest, TellUser, Unwatch, Watch


class Seek(Struct, frozen=True):
    """Look up who owns the room, and tell the relay by `found`, or `hand_over` where that is this node itself."""


class ToOwner(Struct, frozen=True):
    """Tell the room, on its owner's node. What is not taken comes back to the relay as such."""

    to: Address
    message: Subscribe | Here | Admit | Forwarded


RelayEffect = Seek | ToOwner | Consult | Reply | FanOut | InTurn | TellUser | Watch | Unwatch | Rest
Effects = list[RelayEffect]
