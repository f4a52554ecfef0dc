"""Who owns which shards among any number of nodes: the product's own plan, carried out turn by turn. Pure.

The rules: in a turn every node looks at the same table and does what `server/placement/balance.py` tells it; what is
given up can be taken from the next turn on. So many turns are as long as turns are (a second, sooner where something
is hinted at), and what rooms take to be handed over is not in them: `tests/placement/simulation.py` has both, with the
real statements, for a few nodes.

A node that has its share is not asked: the plan has nothing for it to do (the tests hold that against asking all).
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterable, Sequence
from functools import cached_property
from typing import Final

from server.cluster.joining import MOVING_SHARDS, WEIGHT
from server.placement.balance import Plan, Standing, plan, shares
from server.placement.shards import SHARDS, shard_of

Owners = list[str | None]

NOBODY: Final[tuple[None, ...]] = (None,) * SHARDS
TURNS_AT_MOST: Final = 2 * SHARDS


class Cluster:
    """Nodes of one weight that live, are linked, and own the shards as `owners` says.

    Parameters
    ----------
    most
        Shards that each hands over at a time.
    """

    def __init__(self, names: Iterable[str], owners: Sequence[str | None] = NOBODY, most: int = MOVING_SHARDS) -> None:
        self.live: Final = tuple(Standing(name, WEIGHT, linked=True) for name in names)
        self.owners: Owners = list(owners)
        self._most: Final = most

    @cached_property
    def share(self) -> dict[str, int]:
        return shares(self.live)

    def turn(self) -> bool:
        """Whether anybody had anything to do."""
        held = Counter(owner for owner in self.owners if owner is not None)
        busy = [node.name for node in self.live if held[node.name] != self.share[node.name]]
        plans = [(name, plan(self.owners, self.live, name, self._most)) for name in busy]
        for name, planned in plans:
            self._carry_out(name, planned)
        return any(planned.give or planned.take for _, planned in plans)

    def _carry_out(self, name: str, planned: Plan) -> None:
        for shard in planned.take:
            self.owners[shard] = self.owners[shard] or name
        for shard in planned.give:
            assert self.owners[shard] == name, "nobody gives what is not theirs"
            self.owners[shard] = None

    def settle(self) -> int:
        """Until nobody has anything to do any more: after how many turns."""
        for turns in range(TURNS_AT_MOST):
            if not self.turn():
                return turns
        raise AssertionError("it does not come to rest")

    def owner_of(self, room: str) -> str:
        """There is somebody, once it is settled."""
        owner = self.owners[shard_of(room)]
        assert owner is not None
        return owner

    def without(self, dead: str) -> Cluster:
        """The others, with what the dead one had owned by nobody."""
        names = (node.name for node in self.live if node.name != dead)
        return Cluster(names, [None if owner == dead else owner for owner in self.owners], self._most)

    def joined_by(self, names: Iterable[str]) -> Cluster:
        return Cluster([*(node.name for node in self.live), *names], self.owners, self._most)


def named(count: int) -> list[str]:
    """Names as nodes have them: new at every start, so what a node prefers is different each time."""
    chance = random.Random(count)
    return [f"node{number}.{chance.getrandbits(32):08x}" for number in range(count)]


def balanced(count: int) -> Cluster:
    """So many nodes with their shares, as they are after some time.

    Who came first would decide which shards are whose, and nothing else that is looked at here; so they are dealt out
    by the shares instead of being handed over one by one, which for a thousand nodes would take minutes to compute.
    """
    cluster = Cluster(named(count))
    chance = random.Random(f"{count} nodes")
    owners = [name for name, share in cluster.share.items() for _ in range(share)]
    chance.shuffle(owners)
    cluster.owners[:] = owners
    return cluster


class Moved(Counter[str]):
    """How many shards each node has got that it had not before."""


def moved(before: Sequence[str | None], after: Sequence[str | None]) -> Moved:
    return Moved(str(now) for then, now in zip(before, after, strict=True) if now != then)
