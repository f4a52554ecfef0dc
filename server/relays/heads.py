"""What every node tells the others once a second: how far the logs reach of rooms in which something happened lately.

One message a node, for all rooms whose relays it has. Whoever lost the last entry of a burst has no gap to see; from
this it learns that something is missing. After a relay has subscribed it knows anyway.
"""

from __future__ import annotations

from typing import Final

import trio
from msgspec import Struct

from actors import Actor
from actors.distribution.remote_address import RemoteAddress
from server.relays.actor import RELAYS
from server.relays.messages import HeadOf, Heads
from server.rhythm import seconds_to_next
from server.rooms.heads import HeadsTable

HEADS: Final = "heads"
"""The name of this actor on every node."""

EVERY_SECONDS: Final = 1.0


class Now(Struct, frozen=True):
    """To itself: it is time to tell."""


NOW: Final = Now()


class HeadsActor(Actor):
    """Tells the heads of this node's rooms, and hands those of others to the relays here.

    Parameters
    ----------
    table
        Where the rooms of this node note theirs.
    """

    __slots__ = ("_table",)

    def __init__(self, table: HeadsTable) -> None:
        self._table = table

    def started(self) -> None:
        self._tell_later()

    def receive(self, message: object) -> None:
        match message:
            case Now():
                self._tell()
                self._tell_later()
            case Heads(heads=heads):
                self._hand_on(heads)
            case _:
                raise TypeError(f"the heads are not told {type(message).__name__}")

    def _tell_later(self) -> None:
        self.send_after(seconds_to_next(EVERY_SECONDS), NOW)

    def _tell(self) -> None:
        distribution = self.system.distribution
        assert distribution is not None, "there are other nodes"
        nodes: dict[str, list[HeadOf]] = {}
        for relay, head in self._table.due(trio.current_time()):
            assert isinstance(relay, RemoteAddress), "a relay is on another node"
            nodes.setdefault(relay.node, []).append(head)
        for node, heads in nodes.items():
            distribution.address(node, HEADS).tell(Heads(tuple(heads)))

    def _hand_on(self, heads: tuple[HeadOf, ...]) -> None:
        relays = self.system.dynamic(RELAYS)
        for head in heads:
            relay = relays.find(head.room)
            if relay is not None:
                relay.tell(head)
