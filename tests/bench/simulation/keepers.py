"""How long shards take to find their owners: the real keepers with the real statements, on a clock that is played.

A node's turns come when its keeper says so. Rooms are handed over in no time, nobody is told by a hint that there is
something to look at, and no statement waits: so the first makes it shorter than it is, and the second longer.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from msgspec import Struct

from server.cluster.joining import MOVING_SHARDS
from server.placement.shards import SHARDS
from tests.bench.simulation.placing import named
from tests.placement.simulation import World

STEP_SECONDS = 0.05
PATIENCE_SECONDS = 120.0


class Convergence(Struct, frozen=True, kw_only=True):
    """Seconds.

    Attributes
    ----------
    joined
        From one node that owns everything and all others that come at once, until everybody has their share.
    unowned
        From the death of one of them until everything is owned again; its lease is in it.
    """

    nodes: int
    joined: float
    unowned: float


def convergence(nodes: int) -> Convergence:
    with _world() as world:
        names = named(nodes)
        world.start(names[0], most=MOVING_SHARDS).whole_turn()
        for name in names[1:]:
            world.start(name, most=MOVING_SHARDS)
        joined = _until(world, lambda: _spread(world) <= 1 and not world.unserved)
        del world.nodes[names[0]]
        unowned = _until(world, lambda: not world.unserved)
        return Convergence(nodes=nodes, joined=round(joined, 2), unowned=round(unowned, 2))


@contextmanager
def _world() -> Iterator[World]:
    world = World()
    try:
        yield world
    finally:
        world.database.close()


def _until(world: World, holds: Callable[[], bool]) -> float:
    begun = world.now
    while not holds():
        assert world.now - begun < PATIENCE_SECONDS, "in vain"
        world.run(STEP_SECONDS)
    return world.now - begun


def _spread(world: World) -> int:
    """Shards that who has most has more than who has fewest."""
    owned = [len(node.ownership.owned) for node in world.nodes.values()]
    return max(owned) - min(owned) if sum(owned) == SHARDS else SHARDS
