"""What so many people take: arithmetic over costs that are in the reports, and where it comes to an end."""

from __future__ import annotations

import pytest

from loadtest.plans import Plan
from server.placement.shards import SHARDS
from tests.bench.simulation.costs import Costs, costs
from tests.bench.simulation.needs import A_NODE, PACES, hot_room, limits, needs, of_post, told
from tests.bench.simulation.placing import balanced
from tests.bench.simulation.relaying import placed, spread, traffic


@pytest.fixture(scope="module")
def measured() -> Costs:
    return costs()


def test_every_cost_says_where_it_stands(measured: Costs) -> None:
    for name, cost in measured.each():
        assert 0 < cost.least <= cost.most, name
        assert cost.source.startswith("docs/"), name


@pytest.mark.parametrize("pace", PACES)
def test_up_to_its_limit_a_core_of_the_engine_suffices_and_beyond_it_does_not(measured: Costs, pace: str) -> None:
    people = round(limits(measured, pace).engine.least)
    assert needs(measured, people, pace).engine.most <= 1
    assert needs(measured, people + A_NODE, pace).engine.most > 1


def test_ten_times_as_many_take_ten_times_as_much_and_of_the_engine_more(measured: Costs) -> None:
    few, many = (needs(measured, people, "quiet") for people in (10_000_000, 100_000_000))
    assert many.posts == pytest.approx(10 * few.posts)
    assert many.server.most == pytest.approx(few.server.most, rel=0.05), "of each process"
    assert many.commands > 20 * few.commands, "heads and acknowledgements go from every node to every other"


def test_beyond_a_thousand_shards_a_dead_process_is_no_smaller_share(measured: Costs) -> None:
    at_most, beyond = (needs(measured, nodes * A_NODE, "quiet") for nodes in (SHARDS, 4 * SHARDS))
    assert beyond.rooms_of_dead == pytest.approx(4 * at_most.rooms_of_dead)


def test_a_hot_room_is_its_owners_burden_in_proportion_to_the_nodes(measured: Costs) -> None:
    few, many = hot_room(measured, 10 * A_NODE), hot_room(measured, 100 * A_NODE)
    assert (few.relays, many.relays) == (9, 99)
    assert many.owner.most == pytest.approx(11 * few.owner.most)
    assert many.posts.least < few.posts.least


def test_the_average_post_is_the_simulated_one() -> None:
    nodes, plan = 20, Plan("each:10", 20_000)
    cluster = balanced(nodes)
    where = spread(plan.people, [node.name for node in cluster.live], seed=1)
    found = traffic(plan, placed(plan, where, cluster.owner_of), nodes).post
    assert of_post(nodes).delivered == pytest.approx(found.delivered, rel=0.02)
    assert of_post(nodes).forwarded == pytest.approx(found.forwarded, rel=0.02)


def test_all_of_it_is_told(measured: Costs) -> None:
    text = "\n".join(told(measured))
    assert "100,000,000 people, lively" in text
    assert measured.relay.source in text
