"""A process as a node of a cluster: what it has that a single process has not, made before anything lives.

What of it lives (the connections to the engine, the links to other nodes, a few tasks and actors) is listed in
`server/tree.py`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from actors import Address, Distribution, DistributionLimits, LinkLimits, System, find_by_name
from server.cluster.codec import NodeCodec
from server.cluster.engine_url import EngineUrl
from server.cluster.era import Timing
from server.cluster.hints import HINTS, ShardsMoved
from server.cluster.valkey import EngineLink
from server.placement.keeper import Keeper
from server.placement.ownership import LeasedOwnership
from server.placement.placement import Leases, Placement
from server.protocol.rules import looks_like_room
from server.relays.actor import RELAYS
from server.rooms.actor import ROOMS
from server.rooms.finding import Rooms, RoomsAnywhere

_OF_ROOMS: Final = f"{ROOMS}/"

LINKS_WAIT: Final = 3
"""So many times `dead_after`. Of a node that was behind with what it was told by more than once that, or that waited so
long for a processor, the beats came in time all the same, and its links were reset."""

ANY_ROOM: Final = ""
"""Where one node owns all rooms, it owns this one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """Where a node stands among the others.

    Parameters
    ----------
    name
        New with every start: what was said to a former process never reaches this one.
    cluster
        What the database calls the cluster.
    engine
        Where the nodes hear each other.
    timing
        When others are dead.
    ownership
        Which rooms are this node's.
    keeper
        What it does about that.
    leases
        The database, as far as that goes.
    may_own
        Whether rooms may live here.
    has_writer
        Whether this process may write to the database.
    writes_alone
        Whether nobody else may at the same time.
    is_leased
        Whether what it owns is its own for as long as it renews that.
    """

    name: str
    cluster: str
    engine: EngineUrl
    timing: Timing
    ownership: LeasedOwnership
    keeper: Keeper
    leases: Leases
    may_own: bool
    has_writer: bool
    writes_alone: bool
    is_leased: bool


class ClusterNode:
    """See the top of this file."""

    def __init__(self, standing: Standing) -> None:
        self.name = standing.name
        self.may_own = standing.may_own
        self.has_writer = standing.has_writer
        self.writes_alone = standing.writes_alone
        self._is_leased = standing.is_leased
        self._rooms: Rooms | None = None
        self.ownership = standing.ownership
        self.link = EngineLink(standing.engine, standing.cluster, standing.name, standing.timing)
        self.distribution = Distribution(standing.name, self.link, NodeCodec, self._resolve, _limits(standing.timing))
        self.placement = Placement(standing.keeper, standing.ownership, standing.leases, self._hint)
        self.link.open(self.distribution, self.placement.linked)

    def trouble(self) -> str:
        """Why this node should not be sent clients, in a few words; empty: it should."""
        if not self.link.up:
            return "the other nodes cannot be reached right now"
        return "" if self.ownership.has_lease or not self._is_leased else "this node's lease has run out"

    def rooms(self, system: System) -> Rooms:
        """Where rooms are found: always the same."""
        if self._rooms is None:
            self._rooms = RoomsAnywhere(self.ownership, system.dynamic(ROOMS), system.dynamic(RELAYS))
        return self._rooms

    def is_writer(self) -> bool:
        """Whether this is the node that writes, where only one does."""
        return self.ownership.is_mine(ANY_ROOM)

    def at_owner(self, name: str) -> Address | None:
        """The actor with this name on the node that owns all rooms, where one does; None: nobody is known to."""
        owner = self.ownership.owner_of(ANY_ROOM)
        return None if owner is None else self.distribution.address(owner, name)

    def elsewhere(self, name: str) -> Iterator[Address]:
        """The actors with this name on all other nodes that are there."""
        return (self.distribution.address(node, name) for node in self.distribution.nodes)

    def _hint(self) -> None:
        for other in self.elsewhere(HINTS):
            other.tell(ShardsMoved())

    def _resolve(self, system: System, name: str, start: bool) -> Address | None:
        """Who is called so here. A room is started by what it is told, if it is this node's."""
        found = find_by_name(system, name)
        if found is not None or not start or not name.startswith(_OF_ROOMS):
            return found
        room = name.removeprefix(_OF_ROOMS)
        if not looks_like_room(room) or not self.ownership.is_mine(room):
            return None
        return system.dynamic(ROOMS).find_or_start(room)


def _limits(timing: Timing) -> DistributionLimits:
    """A link waits longer than its node would be believed to live without a beat: what says that it is dead is its
    beats, and a packet that the engine lost is missed with the next one. To wait shorter makes nothing safer, and has a
    node that is busy with a crowd start anew with all its rooms: which makes it no less busy.
    """
    return DistributionLimits(LinkLimits(time_out=LINKS_WAIT * timing.dead))
