"""Shards among many nodes: the product's own plan, carried out, comes to what a thousand shards allow."""

from __future__ import annotations

from collections import Counter

import pytest

from server.placement.balance import plan
from server.placement.shards import SHARDS
from tests.bench.simulation.placing import Cluster, balanced, moved, named
from tests.placement.simulation import World


@pytest.mark.parametrize("nodes", [2, 7, 100, 1_000])
def test_everybody_owns_the_same_to_a_shard_after_a_death(nodes: int) -> None:
    before = balanced(nodes)
    dead = before.live[0].name
    after = before.without(dead)
    assert after.settle() == 1, "all of it is taken in one turn"
    held = Counter(after.owners)
    assert max(held.values()) - min(held.values()) <= 1
    assert dead not in held
    assert moved(before.owners, after.owners).total() == Counter(before.owners)[dead]


def test_of_more_nodes_than_shards_most_own_nothing() -> None:
    held = Counter(balanced(5_000).owners)
    assert len(held) == SHARDS
    assert set(held.values()) == {1}


def test_a_newcomer_gets_its_share_and_nothing_else_moves() -> None:
    before = balanced(100)
    after = before.joined_by(["new"])
    after.settle()
    assert moved(before.owners, after.owners) == {"new": after.share["new"]}
    assert after.share["new"] in (SHARDS // 101, SHARDS // 101 + 1)


def test_who_is_not_asked_had_nothing_to_do() -> None:
    cluster = balanced(10).without(balanced(10).live[3].name)
    held = Counter(cluster.owners)
    idle = [node.name for node in cluster.live if held[node.name] == cluster.share[node.name]]
    cluster.settle()
    for name in idle:
        planned = plan(cluster.owners, cluster.live, name, SHARDS)
        assert not planned.give
        assert not planned.take


@pytest.mark.parametrize("newcomers", [1, 3, 7])
def test_turns_are_those_of_the_real_keepers(newcomers: int) -> None:
    """The first owns everything, as at every start; real keepers with real statements are as far after as many
    seconds, because one that has handed over looks at once, and gaps are looked at every quarter of one."""
    names = named(1 + newcomers)
    simulated = Cluster(names[:1])
    simulated.settle()
    together = simulated.joined_by(names[1:])
    turns = together.settle()
    world = World()
    try:
        world.start(names[0], most=64).whole_turn()
        for name in names[1:]:
            world.start(name, most=64)
        world.run(turns + 1.0)
        owned = {name: len(node.ownership.served) for name, node in world.nodes.items()}
    finally:
        world.database.close()
    assert owned == dict(Counter(map(str, together.owners)))
