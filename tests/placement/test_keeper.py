"""Nodes that come, die, stall and lose their answers, on the real statements: who serves what."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from server.placement.keeper import PATIENCE_SECONDS, Found, Keeper, Sole, Watching
from server.placement.ownership import LeasedOwnership
from server.placement.shards import SHARDS
from server.store.leases import SignOff, TakeAll
from tests.placement.simulation import LEASE, Node, World

SOON = 1.0
"""Seconds in which everybody has had a look."""


@pytest.fixture
def world() -> Iterator[World]:
    made = World()
    yield made
    made.database.close()


def shares(world: World) -> dict[str, int]:
    return {name: len(node.ownership.served) for name, node in world.nodes.items()}


def test_the_first_one_owns_everything_at_once(world: World) -> None:
    found = world.start("a").whole_turn()
    assert shares(world) == {"a": SHARDS}
    assert len(found.gained) == SHARDS
    assert found.news


def test_those_that_come_later_get_their_share(world: World) -> None:
    for name in "abcd":
        world.start(name)
        world.run(3.0)
        world.check()
    assert shares(world) == dict.fromkeys("abcd", 256)


def test_a_few_shards_are_handed_over_at_a_time(world: World) -> None:
    giver = world.start("a", most=16)
    giver.whole_turn()
    world.start("b").whole_turn()
    first = giver.whole_turn().give
    assert len(first) == 16
    assert giver.whole_turn().give == first, "their rooms are still here"
    giver.hand_over()
    second = giver.whole_turn().give
    assert len(second) == 16
    assert not first & second
    assert len(giver.ownership.owned) == SHARDS - 16


def test_what_a_dead_one_had_is_served_again_when_its_lease_is_over(world: World) -> None:
    for name in "abc":
        world.start(name)
    world.run(5.0)
    del world.nodes["b"]
    world.run(LEASE + 0.5)
    assert world.unserved == 0
    assert shares(world) == {"a": 512, "c": 512}


def test_shards_of_the_dead_are_orphaned_and_what_was_given_up_is_not(world: World) -> None:
    for name in "abc":
        world.start(name)
    world.run(5.0)
    had = world.nodes.pop("b").ownership.owned
    world.now += LEASE - SOON
    assert [node.whole_turn().orphaned for node in world.nodes.values()] == [frozenset(), frozenset()]
    world.now += 2 * SOON
    assert [node.whole_turn().orphaned for node in world.nodes.values()] == [had, had]
    world.nodes["c"].keeper.departing = True
    world.run(3.0)
    assert shares(world) == {"a": SHARDS, "c": 0}
    assert world.nodes["a"].found is not None
    assert not world.nodes["a"].found.orphaned


def test_a_dead_ones_lease_is_waited_for(world: World) -> None:
    for name in "ab":
        world.start(name)
    world.run(5.0)
    dead = world.nodes.pop("b")
    while dead.ownership.has_lease:
        assert world.unserved == 512
        world.run(0.1)


def test_who_was_stopped_serves_nothing_when_it_wakes(world: World) -> None:
    for name in "ab":
        world.start(name)
    world.run(5.0)
    stopped = world.nodes.pop("a")
    world.run(15.0)
    world.nodes["a"] = stopped
    assert not stopped.ownership.served
    found = stopped.whole_turn()
    assert len(found.lost) == 512
    world.run(3.0)
    assert shares(world) == {"a": 512, "b": 512}


def test_an_answer_that_comes_late_is_no_lease(world: World) -> None:
    """It was renewed in time; but who hears of it so late has been dead for others meanwhile."""
    for name in "ab":
        world.start(name)
    world.run(5.0)
    late = world.nodes.pop("a")
    late.begin()
    late.perform()
    world.run(LEASE + SOON)
    world.nodes["a"] = late
    late.deliver()
    assert shares(world) == {"a": 0, "b": SHARDS}


def test_a_claim_that_comes_late_takes_nothing(world: World) -> None:
    """Stopped between the look at an empty table and the claim."""
    late = world.start("late")
    late.begin()
    late.perform()
    late.deliver()  # now it wants everything
    world.now += 15.0
    world.start("b").whole_turn()
    late.perform()
    late.deliver()
    assert shares(world) == {"late": 0, "b": SHARDS}


def test_a_claim_of_one_who_is_dead_by_then_takes_nothing_although_nobody_has_it(world: World) -> None:
    late = world.start("late")
    late.begin()
    late.perform()
    late.deliver()
    world.now += 15.0
    late.perform()
    late.deliver()
    assert shares(world) == {"late": 0}
    assert late.whole_turn().gained


def test_who_leaves_gives_up_all_and_is_forgotten(world: World) -> None:
    for name in "ab":
        world.start(name)
    world.run(5.0)
    leaving = world.nodes["a"]
    leaving.keeper.departing = True
    world.run(SOON)
    assert shares(world) == {"a": 0, "b": SHARDS}
    step = leaving.keeper.leave()
    assert isinstance(step, SignOff)
    assert [row.name for row in world.database.perform(step).nodes] == ["b"]


def test_who_leaves_last_keeps_all(world: World) -> None:
    alone = world.start("a")
    world.run(SOON)
    alone.keeper.departing = True
    world.run(5.0)
    assert shares(world) == {"a": SHARDS}


def test_an_engine_that_is_restarted_moves_nothing(world: World) -> None:
    """It is gone for everybody, and comes back for one after the other."""
    for name in "abc":
        world.start(name)
    world.run(5.0)
    before = {name: node.ownership.served for name, node in world.nodes.items()}
    for node in world.nodes.values():
        node.keeper.linked = False
        world.run(0.4)
    world.run(30.0)
    for node in world.nodes.values():
        node.keeper.linked = True
        world.run(0.5)
    world.run(10.0)
    assert {name: node.ownership.served for name, node in world.nodes.items()} == before


def test_who_is_cut_off_from_the_others_gives_up_what_it_has_after_a_while(world: World) -> None:
    for name in "abc":
        world.start(name)
    world.run(5.0)
    world.nodes["b"].keeper.linked = False
    world.run(PATIENCE_SECONDS - 1.0)
    assert shares(world)["b"] > 300
    world.run(3.0)
    assert shares(world) == {"a": 512, "b": 0, "c": 512}
    world.nodes["b"].keeper.linked = True
    world.run(3.0)
    assert sorted(shares(world).values()) == [341, 341, 342]


def test_while_nobody_is_linked_a_dead_ones_shards_are_taken_all_the_same(world: World) -> None:
    for name in "abc":
        world.start(name).keeper.linked = False
    world.run(5.0)
    del world.nodes["c"]
    world.run(LEASE + SOON)
    assert world.unserved == 0


def test_a_clock_of_the_database_that_is_set_back_does_not_make_the_dead_live(world: World) -> None:
    for name in "ab":
        world.start(name)
    world.run(5.0)
    del world.nodes["b"]
    world.database.offset -= 3_600.0
    world.run(60.0 + LEASE + SOON)
    assert world.unserved == 0


def test_an_owner_that_nobody_knows_is_as_good_as_none(world: World) -> None:
    """Somebody has taken rows out by hand."""
    world.start("a").whole_turn()
    with world.database.transaction() as connection:
        connection.exec_driver_sql("DELETE FROM nodes")
    del world.nodes["a"]
    world.now += LEASE
    world.start("b")
    world.run(SOON)
    assert shares(world) == {"b": SHARDS}


def test_who_only_watches_has_no_row_and_knows_who_owns(world: World) -> None:
    world.start("a").whole_turn()
    ownership = LeasedOwnership("watcher", LEASE, lambda: world.now)
    watching = Watching(ownership, period=1.0, linked_period=3.0)
    assert played(world, watching).next_in == 1.0
    watching.linked = True
    assert played(world, watching).next_in == 3.0, "others say when something has changed"
    assert ownership.owner_of("r_01") == "a"
    assert not ownership.is_mine("r_01")


def test_where_nobody_has_a_lease_what_was_given_up_is_no_orphan_and_what_a_successor_took_is_one(world: World) -> None:
    """As over SQLite."""
    watching = Watching(LeasedOwnership("watcher", LEASE, lambda: world.now), period=1.0, linked_period=3.0)
    orphaned = []
    for step in (TakeAll("a"), SignOff("a"), TakeAll("b"), TakeAll("c")):
        world.database.perform(step)
        orphaned.append(len(played(world, watching).orphaned))
    assert orphaned == [0, 0, 0, SHARDS]


def test_the_only_one_takes_everything_from_whoever_had_it_and_for_good(world: World) -> None:
    world.start("earlier").whole_turn()
    ownership = LeasedOwnership("sole", float("inf"), lambda: world.now)
    may = iter([False, True])
    keeper = Sole(ownership, lambda: next(may))
    before = played(world, keeper)
    assert (ownership.owner_of("r_01"), before.news) == ("earlier", False)
    assert played(world, keeper).news
    world.now += 1e6
    assert len(ownership.served) == SHARDS
    assert ownership.epoch_of("r_01") == 2
    after = played(world, keeper)
    assert (after.news, after.lost, after.next_in) == (False, frozenset(), float("inf"))


def played(world: World, keeper: Keeper) -> Found:
    """One turn."""
    turn = keeper.turn(world.now)
    reading = world.database.perform(next(turn))
    with pytest.raises(StopIteration) as ended:
        turn.send(reading)
    found = ended.value.value
    assert isinstance(found, Found)
    return found


class AnyOrder(RuleBasedStateMachine):
    """Three nodes; everything may happen between any two steps of one."""

    def __init__(self) -> None:
        super().__init__()
        self.world = World()
        self.deaths = 0
        for name in "abc":
            self.world.start(name).whole_turn()

    def teardown(self) -> None:
        self.world.database.close()

    names = st.sampled_from("abc")

    @rule(name=names)
    def begin(self, name: str) -> None:
        self.world.nodes[name].begin()

    @rule(name=names)
    def reach_the_database(self, name: str) -> None:
        self.world.nodes[name].perform()

    @rule(name=names)
    def hear_the_answer(self, name: str) -> None:
        self.world.nodes[name].deliver()

    @rule(name=names)
    def lose_the_connection(self, name: str) -> None:
        self.world.nodes[name].lose()

    @rule(name=names)
    def take_a_turn(self, name: str) -> None:
        self.world.nodes[name].whole_turn()

    @rule(name=names)
    def be_linked_or_not(self, name: str) -> None:
        self.world.nodes[name].keeper.linked ^= True

    @rule(name=names)
    def leave_or_stay(self, name: str) -> None:
        self.world.nodes[name].keeper.departing ^= True

    @rule(name=names)
    def hand_over(self, name: str) -> None:
        self.world.nodes[name].hand_over()

    @rule(name=names)
    def die_and_be_replaced(self, name: str) -> None:
        self.deaths += 1
        self.world.nodes[name] = Node(f"{name}{self.deaths}", self.world)

    @rule(seconds=st.sampled_from([0.001, 0.5, 1.0, 3.8, 4.0, 5.0, 15.0]))
    def wait(self, seconds: float) -> None:
        self.world.now += seconds

    @rule()
    @precondition(lambda self: self.world.now > 1_010.0)
    def find_everything_served_when_all_is_well_again(self) -> None:
        for node in self.world.nodes.values():
            node.lose()
            node.keeper.linked, node.keeper.departing = True, False
        self.world.run(2 * LEASE + 3.0)
        assert self.world.unserved == 0

    @invariant()
    def nobody_serves_what_somebody_else_serves(self) -> None:
        self.world.check()


TestAnyOrder = AnyOrder.TestCase
TestAnyOrder.settings = settings(
    max_examples=25, stateful_step_count=30, deadline=None, suppress_health_check=list(HealthCheck)
)
