"""What a node believes it owns, and for how long: with a clock that the test sets."""

from __future__ import annotations

import pytest

from server.placement.ownership import INHERITED_SECONDS, MARGIN_SECONDS, Alone, Changes, Held, LeasedOwnership
from server.placement.shards import SHARDS, shard_of
from server.store.fencing import Fence

ROOM = "r_01"
SHARD = shard_of(ROOM)
LEASE = 4.0
FENCE = Fence(SHARD, 1)


class Clock:
    def __init__(self) -> None:
        self.now = 1_000.0

    def __call__(self) -> float:
        return self.now


def table(owner: str | None, epoch: int = 1) -> list[Held]:
    return [Held(owner, epoch)] * SHARDS


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def mine(clock: Clock) -> LeasedOwnership:
    """All shards are this node's, under the first epoch."""
    ownership = LeasedOwnership("me", LEASE, clock)
    ownership.renewed(clock.now)
    ownership.learn(table("me"))
    return ownership


def is_served(ownership: LeasedOwnership) -> bool:
    served = ownership.is_mine(ROOM)
    assert served == (ownership.epoch_of(ROOM) is not None) == (ownership.owner_of(ROOM) == "me")
    return served


def test_a_single_process_owns_everything() -> None:
    alone = Alone("me")
    assert (alone.owner_of(ROOM), alone.epoch_of(ROOM), alone.is_mine(ROOM)) == ("me", 0, True)


def test_nothing_is_owned_before_the_table_was_read(clock: Clock) -> None:
    ownership = LeasedOwnership("me", LEASE, clock)
    assert not is_served(ownership)
    ownership.renewed(clock.now)
    assert not is_served(ownership)
    assert ownership.owner_of(ROOM) is None


def test_what_the_table_says_is_owned_under_its_epoch(mine: LeasedOwnership) -> None:
    assert is_served(mine)
    assert mine.epoch_of(ROOM) == 1
    assert mine.fence_of(ROOM) == FENCE
    assert mine.still_holds(FENCE)


def test_what_another_owns_is_known(mine: LeasedOwnership) -> None:
    assert mine.learn(table("other", 2)) == Changes(frozenset(), frozenset(range(SHARDS)))
    assert not is_served(mine)
    assert mine.owner_of(ROOM) == "other"
    assert not mine.still_holds(FENCE)


def test_a_lease_counts_from_before_its_renewal_was_sent(mine: LeasedOwnership, clock: Clock) -> None:
    sent_at = clock.now = 1_002.0
    clock.now = 1_003.0  # so long it took
    mine.renewed(sent_at)
    clock.now = sent_at + LEASE - MARGIN_SECONDS - 0.01
    assert is_served(mine)
    clock.now = sent_at + LEASE - MARGIN_SECONDS
    assert not is_served(mine)
    assert not mine.still_holds(FENCE)


def test_an_older_renewal_that_is_told_later_takes_nothing_back(mine: LeasedOwnership, clock: Clock) -> None:
    clock.now = 1_003.0
    mine.renewed(1_003.0)
    mine.renewed(1_001.0)
    clock.now = 1_006.0
    assert is_served(mine)


def test_what_was_begun_before_a_lapse_may_not_go_on_after_it(mine: LeasedOwnership, clock: Clock) -> None:
    term = mine.term
    assert mine.is_current(term)
    clock.now += LEASE
    assert not mine.is_current(term)
    mine.renewed(clock.now)
    assert is_served(mine), "nobody has taken the shard meanwhile"
    assert not mine.is_current(term)
    assert mine.is_current(mine.term)


def test_a_lapse_ends_one_term_however_often_it_is_noticed(mine: LeasedOwnership, clock: Clock) -> None:
    mine.expire()
    assert mine.term == 0, "the lease holds"
    clock.now += LEASE
    for _ in range(3):
        mine.expire()
    mine.renewed(clock.now)
    assert mine.term == 1


def test_the_first_renewal_is_no_lapse(clock: Clock) -> None:
    ownership = LeasedOwnership("me", LEASE, clock)
    ownership.renewed(clock.now)
    assert ownership.is_current(0)


def test_a_shard_that_went_and_came_back_was_lost_and_gained(mine: LeasedOwnership) -> None:
    changed = table("me")
    changed[SHARD] = Held("me", 3)
    assert mine.learn(changed) == Changes(frozenset({SHARD}), frozenset({SHARD}))


def test_a_room_is_inherited_for_a_while_if_another_had_it(mine: LeasedOwnership, clock: Clock) -> None:
    assert not mine.is_inherited(ROOM), "it has been nobody's"
    mine.learn(table("other", 2))
    assert not mine.is_inherited(ROOM), "it is not here"
    mine.learn(table("me", 3))
    assert mine.is_inherited(ROOM)
    clock.now += INHERITED_SECONDS / 2
    mine.learn(table("me", 3))
    assert mine.is_inherited(ROOM)
    clock.now += INHERITED_SECONDS / 2
    assert not mine.is_inherited(ROOM), "whoever listens to it is here by now"


def test_nothing_new_begins_in_a_shard_that_is_handed_over_and_what_was_begun_may_end(mine: LeasedOwnership) -> None:
    mine.leave([SHARD])
    assert not is_served(mine)
    assert mine.owner_of(ROOM) is None
    assert mine.still_holds(FENCE)
    mine.learn(table("me"))
    assert not is_served(mine), "the same table changes nothing"
    mine.learn(table(None, 2))
    mine.learn(table("me", 3))
    assert is_served(mine), "it was given up, and came back"


def test_an_infinite_lease_never_lapses(clock: Clock) -> None:
    ownership = LeasedOwnership("me", float("inf"), clock)
    ownership.renewed(clock.now)
    ownership.learn(table("me"))
    clock.now += 1e9
    assert is_served(ownership)
