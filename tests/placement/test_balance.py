"""Who owns how much, as arithmetic: nodes that come, go, and lose sight of each other."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from itertools import count

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.placement.balance import Plan, Standing, plan, shares
from server.placement.shards import SHARDS

Owners = list[str | None]
NOBODY: Owners = [None] * SHARDS

standings = st.builds(Standing, st.sampled_from([f"n_{n}" for n in range(8)]), st.integers(0, 4), st.booleans())
nodes_of_any_kind = st.lists(standings, max_size=8, unique_by=lambda node: node.name)


def nodes(*names: str, weight: int = 1) -> list[Standing]:
    return [Standing(name, weight, linked=True) for name in names]


def carried_out(owners: Owners, plans: dict[str, Plan]) -> Owners:
    """The table when all have done as planned; who comes too late gets nothing."""
    after = list(owners)
    for name, planned in plans.items():
        for shard in planned.take:
            after[shard] = after[shard] or name
        for shard in planned.give:
            assert owners[shard] == name, "nobody gives what is not theirs"
            after[shard] = None
    return after


def settled(owners: Owners, live: Sequence[Standing], most: int = SHARDS) -> tuple[Owners, int]:
    """The table when nobody has anything to do any more, and how many turns it took."""
    for turns in count():
        plans = {node.name: plan(owners, live, node.name, most) for node in live}
        if not any(planned.give or planned.take for planned in plans.values()):
            return owners, turns
        assert turns < 2 * SHARDS
        owners = carried_out(owners, plans)
    raise AssertionError


def moved(before: Owners, after: Owners) -> int:
    return sum(one != other for one, other in zip(before, after, strict=True))


def without(owners: Owners, name: str) -> Owners:
    return [None if owner == name else owner for owner in owners]


def test_nodes_of_one_weight_own_the_same_to_a_shard() -> None:
    owners, _ = settled(NOBODY, nodes("a", "b", "c"))
    assert sorted(Counter(owners).values()) == [341, 341, 342]


def test_twice_the_weight_is_twice_the_share() -> None:
    owners, _ = settled(NOBODY, [*nodes("a", "b"), *nodes("c", weight=2)])
    assert Counter(owners) == {"a": 256, "b": 256, "c": 512}


def test_all_that_nobody_owns_is_taken_in_one_turn_and_by_nobody_twice() -> None:
    live = nodes("a", "b", "c", "d")
    taken = [shard for node in live for shard in plan(NOBODY, live, node.name, most=1).take]
    assert sorted(taken) == list(range(SHARDS))


def test_only_what_a_new_node_gets_moves() -> None:
    before, _ = settled(NOBODY, nodes("a", "b", "c"))
    after, _ = settled(before, nodes("a", "b", "c", "d"))
    assert moved(before, after) == 256 == Counter(after)["d"]


def test_only_what_a_dead_node_had_moves() -> None:
    before, _ = settled(NOBODY, nodes("a", "b", "c", "d"))
    after, turns = settled(without(before, "d"), nodes("a", "b", "c"))
    assert turns == 1
    assert moved(before, after) == 256
    assert sorted(Counter(after).values()) == [341, 341, 342]


def test_a_few_are_given_up_at_a_time() -> None:
    before, _ = settled(NOBODY, nodes("a", "b"))
    live = nodes("a", "b", "c")
    assert len(plan(before, live, "a", most=32).give) == 32
    _, turns = settled(before, live, most=32)
    assert turns == 7, "six times 32 of 171 that each gives, and once more for the last to be taken"


def test_what_is_given_up_is_what_others_lack_and_no_more() -> None:
    """Two that have too much, and one that has not yet taken what it lacks."""
    owners: Owners = ["a"] * 512 + ["b"] * 502 + [None] * 10
    live = nodes("a", "b", "c")
    given = [len(plan(owners, live, name, SHARDS).give) for name in ("a", "b", "c")]
    assert given == [170, 161, 0]
    assert sum(given) + 10 == 341


def test_who_leaves_gives_up_everything_at_once() -> None:
    before, _ = settled(NOBODY, nodes("a", "b"))
    leaving = [Standing("a", 0, linked=True), *nodes("b")]
    assert len(plan(before, leaving, "a", most=1).give) == 512


def test_the_last_one_gives_nothing_away() -> None:
    owners: Owners = ["a"] * SHARDS
    assert plan(owners, [Standing("a", 0, linked=True)], "a", SHARDS) == Plan()
    assert plan(owners, [Standing("a", 0, linked=True), Standing("b", 0, linked=True)], "a", SHARDS) == Plan()


def test_who_is_cut_off_gives_to_those_who_are_not() -> None:
    owners: Owners = ["a"] * 512 + ["b"] * 500 + [None] * 12
    live = [Standing("a", 1, linked=False), Standing("b", 1, linked=True)]
    assert len(plan(owners, live, "a", most=1).give) == 512
    assert not plan(owners, live, "a", most=1).take
    assert len(plan(owners, live, "b", most=1).take) == 12


def test_when_all_are_cut_off_nothing_moves_but_what_nobody_owns() -> None:
    owners: Owners = ["a"] * 512 + ["b"] * 500 + [None] * 12
    live = [Standing("a", 1, linked=False), Standing("b", 1, linked=False)]
    assert plan(owners, live, "a", SHARDS) == Plan()
    assert len(plan(owners, live, "b", SHARDS).take) == 12


@pytest.mark.parametrize("live", [[], nodes("a", weight=0)], ids=["nobody", "only gateways"])
def test_nobody_takes_who_may_not(live: list[Standing]) -> None:
    assert plan(NOBODY, live, "a", SHARDS) == Plan()


@given(nodes_of_any_kind)
def test_shares_are_whole_and_together_everything(live: list[Standing]) -> None:
    share = shares(live)
    assert sum(share.values()) == (SHARDS if any(node.weight for node in live) else 0)
    total = sum(node.weight for node in live if node.name in share)
    for node in live:
        if node.name in share:
            assert abs(share[node.name] - SHARDS * node.weight / total) < 1


@given(nodes_of_any_kind, nodes_of_any_kind)
def test_from_anywhere_all_shards_come_to_those_that_should_own_them(
    earlier: list[Standing], live: list[Standing]
) -> None:
    before, _ = settled(NOBODY, earlier)
    names = {node.name for node in live}
    left = [owner if owner in names else None for owner in before]
    after, _ = settled(left, live, most=100)
    if share := shares(live):
        assert Counter(after) == {name: shards for name, shards in share.items() if shards}
    else:
        assert after == left, "nothing is given away to nobody"


@given(nodes_of_any_kind, st.randoms())
def test_the_order_in_which_nodes_are_named_changes_nothing(live: list[Standing], random: object) -> None:
    shuffled = live.copy()
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    for node in live:
        assert plan(NOBODY, live, node.name, 10) == plan(NOBODY, shuffled, node.name, 10)
