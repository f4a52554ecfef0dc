"""What the simulation counts is what real rooms and relays say to each other, and what the formula says of many."""

from __future__ import annotations

import random
from collections import Counter

import pytest

from loadtest.plans import Plan
from tests.bench.simulation.placing import balanced
from tests.bench.simulation.real_nodes import counted
from tests.bench.simulation.relaying import (
    NOTHING,
    Placed,
    expected_relays,
    of_arrival,
    of_post,
    of_posts,
    placed,
    room_id,
    spread,
    traffic,
)


@pytest.mark.parametrize("nodes", [2, 3, 5])
def test_real_nodes_say_to_each_other_what_was_counted(nodes: int) -> None:
    """Rooms of 15 to 1, some with people at every node and some with nobody at their owner's."""
    plan, cluster = Plan("zipf:12:1:2", 30), balanced(nodes)
    names = [node.name for node in cluster.live]
    where = spread(plan.people, names, seed=nodes)
    rooms = list(placed(plan, where, cluster.owner_of))
    assert any(room.owner not in room.at for room in rooms)
    assert any(room.relays == nodes - 1 for room in rooms)
    members = {
        room_id(number): {f"u_{person}": where[person] for person in plan.members_of(number)}
        for number in range(plan.rooms)
    }
    chance = random.Random(nodes)
    posts = [(room, chance.choice(list(members[room]))) for room in members for _ in range(2)]
    arrival, said = counted(names, members, cluster.owner_of, posts)
    by_id = {room.room: room for room in rooms}
    assert arrival == sum(map(of_arrival, rooms), NOTHING)
    assert said == sum((of_post(by_id[room], members[room][user]) for room, user in posts), NOTHING)


@pytest.mark.parametrize("nodes", [2, 3, 10, 100])
@pytest.mark.parametrize("size", [1, 2, 10, 100])
def test_relays_as_drawn_are_as_many_as_the_formula_says(nodes: int, size: int) -> None:
    cluster, plan = balanced(nodes), Plan(f"each:{size}", 20_000)
    where = spread(plan.people, [node.name for node in cluster.live], seed=1)
    found = traffic(plan, placed(plan, where, cluster.owner_of), nodes)
    assert found.relays == pytest.approx(found.relays_expected, rel=0.05)


def test_the_formula_at_its_ends() -> None:
    assert expected_relays(1, 2) == 0.5, "whoever is alone is as often at the owner's as at the other node"
    assert expected_relays(1_000_000, 5_000) == pytest.approx(4_999)


def test_the_average_post_is_the_mean_over_who_posts() -> None:
    room = Placed("r_1", "a", {"a": 1, "b": 2, "c": 1})
    each = [of_post(room, node) for node, people in room.at.items() for _ in range(people)]
    assert of_posts(room).forwarded == sum(one.forwarded for one in each) / 4 == 0.75
    assert of_posts(room).delivered == each[0].delivered == 2


def test_one_seed_is_one_world() -> None:
    nodes = ["a", "b", "c"]
    assert spread(100, nodes, seed=3) == spread(100, nodes, seed=3) != spread(100, nodes, seed=4)
    assert Counter(spread(30_000, nodes, seed=1)).most_common()[-1][1] > 9_500
