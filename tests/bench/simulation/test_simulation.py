"""The whole simulation, small: the same for one seed, and what it tells is what it found."""

from __future__ import annotations

import msgspec
import pytest

from loadtest.plans import Plan
from tests.bench.simulation.dying import death
from tests.bench.simulation.keepers import convergence
from tests.bench.simulation.run import simulated, told
from tests.placement.simulation import LEASE


def small(seed: int) -> bytes:
    return msgspec.json.encode(simulated(seed, nodes=(2, 5), few=(2,), many=(2, 3), people=2_000))


def test_one_seed_is_one_result() -> None:
    assert small(1) == small(1)
    assert small(1) != small(2)


def test_everything_is_told() -> None:
    found = simulated(1, nodes=(2, 5), few=(2,), many=(2,), people=2_000)
    text = "\n".join(told(found))
    assert all(plan in text for plan in found.engine)
    assert f"{found.engine['each:10'][1].posts:,.0f}" in text


def test_after_a_death_all_shards_are_owned_when_the_lease_is_over_and_not_before() -> None:
    found = convergence(4)
    assert LEASE - 1 <= found.unowned <= LEASE + 0.5


@pytest.mark.parametrize("nodes", [2, 10])
def test_only_the_rooms_and_the_people_of_the_dead_one_move(nodes: int) -> None:
    found = death(Plan("each:10", 10_000), nodes, seed=1)
    assert found.hellos == pytest.approx(10_000 / nodes, rel=0.15)
    assert found.opened == pytest.approx(1_000 * found.shards / 1_024, rel=0.3)
    assert found.resubscribed <= found.opened * min(9, nodes - 2)
    assert found.most_hellos >= found.hellos / (nodes - 1)
