"""A process as a node of a cluster: what it has that a single process has not, made before anything lives.

What of it lives (the link to the engine, the links to other nodes, a few actors) is listed in `server/tree.py`.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from actors import Address, Distribution, System, find_by_name
from server.cluster.codec import NodeCodec
from server.cluster.engine_url import EngineUrl
from server.cluster.era import Timing
from server.cluster.valkey import EngineLink
from server.placement.ownership import LeasedOwnership
from server.protocol.rules import looks_like_room
from server.rooms.actor import ROOMS

_OF_ROOMS: Final = f"{ROOMS}/"


class ClusterNode:
    """See the top of this file.

    Parameters
    ----------
    name
        New with every start: what was said to a former process never reaches this one.
    cluster
        What the database calls the cluster.
    engine
        Where the nodes hear each other.
    ownership
        Which rooms are this node's.
    timing
        When others are dead.
    """

    def __init__(self, name: str, cluster: str, engine: EngineUrl, ownership: LeasedOwnership, timing: Timing) -> None:
        self.name = name
        self.ownership = ownership
        self.link = EngineLink(engine, cluster, name, timing)
        self.distribution = Distribution(name, self.link, NodeCodec, self._resolve)
        self.link.open(self.distribution)

    def others(self, name: str) -> Iterator[Address]:
        """The actors called `name` on all other nodes that are there."""
        return (self.distribution.address(node, name) for node in self.distribution.nodes)

    def on_owner_of(self, room: str, name: str) -> Address | None:
        """The actor called `name` on the node that owns this room; None: nobody is known to."""
        owner = self.ownership.owner_of(room)
        return None if owner is None else self.distribution.address(owner, name)

    def _resolve(self, system: System, name: str, start: bool) -> Address | None:
        """Who is called so here. A room is started by what it is told, if it is this node's."""
        found = find_by_name(system, name)
        if found is not None or not start or not name.startswith(_OF_ROOMS):
            return found
        room = name.removeprefix(_OF_ROOMS)
        if not looks_like_room(room) or not self.ownership.is_mine(room):
            return None
        return system.dynamic(ROOMS).find_or_start(room)
