"""Which nodes live, in the order in which that is seen: beats first, then the ways in which a beat misleads."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.cluster.membership import FORGOTTEN_AFTER, FULL_PACE, Down, Membership, Up, slowness

DEAD_AFTER = 4.0


@pytest.fixture
def seen() -> Membership:
    return Membership("me", DEAD_AFTER)


def test_whoever_beats_is_there_and_oneself_is_not_among_them(seen: Membership) -> None:
    assert seen.beats({"me": 7, "a": 1, "b": 900}, 0.0) == [Up("a"), Up("b")]
    assert seen.beats({"me": 8, "a": 2, "b": 901}, 1.0) == []
    assert seen.live == {"a", "b"}


def test_a_number_that_does_not_rise_is_a_dead_nodes(seen: Membership) -> None:
    seen.beats({"a": 1, "b": 1}, 0.0)
    assert seen.beats({"a": 1, "b": 2}, 3.9) == []
    assert seen.beats({"a": 1, "b": 2}, 4.0) == [Down("a")]
    assert seen.beats({"a": 1, "b": 2}, 5.0) == []


def test_a_number_that_is_gone_is_one_that_does_not_rise(seen: Membership) -> None:
    """An engine that was emptied: all beat again within a second."""
    seen.beats({"a": 5}, 0.0)
    assert seen.beats({}, 1.0) == []
    assert seen.beats({"a": 7}, 2.0) == []
    assert seen.beats({}, 6.0) == [Down("a")]


def test_who_was_asleep_comes_back_by_its_next_beat(seen: Membership) -> None:
    seen.beats({"a": 1}, 0.0)
    seen.beats({"a": 1}, 4.0)
    assert seen.beats({"a": 1}, 15.0) == []
    assert seen.beats({"a": 2}, 16.0) == [Up("a")]


def test_a_node_that_nobody_hears_is_down_until_its_next_beat(seen: Membership) -> None:
    seen.beats({"a": 3}, 0.0)
    assert seen.unheard("a") == [Down("a")]
    assert seen.unheard("a") == []
    assert seen.beats({"a": 3}, 0.5) == []
    assert seen.beats({"a": 4}, 1.0) == [Up("a")]


def test_a_node_that_nobody_hears_is_there_again_when_it_says_so(seen: Membership) -> None:
    seen.beats({"a": 3}, 0.0)
    seen.unheard("a")
    assert seen.joined("a", 0.1) == [Up("a")]
    assert seen.joined("a", 0.2) == []


def test_who_is_silent_for_half_of_the_time_is_overdue(seen: Membership) -> None:
    seen.beats({"a": 3, "b": 1, "c": 1}, 0.0)
    seen.unheard("c")
    seen.beats({"a": 3, "b": 2, "c": 1}, 1.9)
    assert seen.overdue(1.9) == []
    assert seen.overdue(2.0) == ["a"]


def test_who_joins_needs_no_beat_yet_but_soon(seen: Membership) -> None:
    assert seen.joined("a", 1.0) == [Up("a")]
    assert seen.beats({"b": 1}, 4.9) == [Up("b")]
    assert seen.beats({"b": 2}, 5.0) == [Down("a")]


def test_who_has_left_does_not_come_back(seen: Membership) -> None:
    seen.beats({"a": 3}, 0.0)
    assert seen.left("a", 1.0) == [Down("a")]
    assert seen.beats({"a": 4}, 1.1) == []
    assert seen.joined("a", 1.2) == []
    assert seen.left("never heard of", 1.0) == []


def test_nobody_is_known_without_the_engine(seen: Membership) -> None:
    seen.beats({"a": 3, "b": 1}, 0.0)
    seen.unheard("b")
    assert seen.lost_sight() == [Down("a")]
    assert seen.live == frozenset()
    assert seen.beats({"a": 3, "b": 1}, 1.0) == [Up("a"), Up("b")]


def test_the_numbers_of_the_dead_are_cleared_away_in_the_end(seen: Membership) -> None:
    numbers = {"me": 1, "a": 1, "b": 1}
    seen.beats(numbers, 0.0)
    seen.left("b", 10.0)
    numbers["a"] = 2
    seen.beats(numbers, 30.0)
    assert seen.forgettable(numbers, 10.0 + FORGOTTEN_AFTER - 1) == []
    assert seen.forgettable(numbers, 10.0 + FORGOTTEN_AFTER) == ["b"]
    seen.beats(numbers, 29.0 + FORGOTTEN_AFTER)
    assert seen.forgettable(numbers, 30.0 + FORGOTTEN_AFTER) == ["a", "b"]
    seen.beats({"me": 2}, 30.0 + FORGOTTEN_AFTER)
    assert seen.beats({"me": 3, "a": 2}, 31.0 + FORGOTTEN_AFTER) == [Up("a")], "nothing is kept of whoever is forgotten"


def test_few_nodes_go_at_full_pace_and_many_read_no_more_than_they_do() -> None:
    assert [slowness(nodes) for nodes in (1, 4, FULL_PACE)] == [1, 1, 1]
    assert all(nodes / slowness(nodes) <= FULL_PACE for nodes in range(1, 2_000))


def test_among_many_a_node_is_waited_for_as_much_longer_as_it_beats_less_often(seen: Membership) -> None:
    numbers = {str(number): 1 for number in range(4 * FULL_PACE)}
    seen.beats(numbers, 0.0)
    assert (seen.slowness, seen.patience) == (5, 5)
    risen = dict.fromkeys(numbers, 2) | {"7": 1}
    assert seen.beats(risen, 5 * DEAD_AFTER - 0.1) == []
    assert seen.beats(risen, 5 * DEAD_AFTER) == [Down("7")]


def test_who_stays_when_most_have_left_has_the_time_of_its_last_slow_beat(seen: Membership) -> None:
    seen.beats({str(number): 1 for number in range(4 * FULL_PACE)}, 0.0)
    for number in range(1, 4 * FULL_PACE):
        seen.left(str(number), 1.0)
    assert (seen.slowness, seen.patience) == (1, 5)
    assert seen.beats({"0": 1}, 5.0) == []
    assert seen.beats({"0": 2}, 6.0) == []
    assert seen.beats({"0": 3}, 1.0 + FORGOTTEN_AFTER) == []
    assert seen.patience == 1, "nobody beats slowly any more"


names = st.sampled_from(["me", "a", "b", "c"])
steps = st.one_of(
    st.tuples(st.just("beats"), st.dictionaries(names, st.integers(1, 30))),
    st.tuples(st.sampled_from(["joined", "left", "unheard", "lost_sight"]), names),
)


@given(st.lists(st.tuples(steps, st.floats(0, 10)), max_size=40))
def test_up_and_down_take_turns_and_tell_who_is_live(history: list[tuple[tuple[str, object], float]]) -> None:
    seen, there, now = Membership("me", DEAD_AFTER), set[str](), 0.0
    for (what, detail), passed in history:
        now += passed
        match what:
            case "beats":
                changes = seen.beats(detail, now)  # type: ignore[arg-type]
            case "lost_sight":
                changes = seen.lost_sight()
            case "unheard":
                changes = seen.unheard(detail)  # type: ignore[arg-type]
            case "joined":
                changes = seen.joined(detail, now)  # type: ignore[arg-type]
            case _:
                changes = seen.left(detail, now)  # type: ignore[arg-type]
        for change in changes:
            assert isinstance(change, Up) != (change.node in there)
            (there.add if isinstance(change, Up) else there.remove)(change.node)
        assert seen.live == there
        assert "me" not in there


def test_who_is_late_is_looked_after_long_before_it_is_dead_where_that_is_wanted() -> None:
    seen = Membership("me", 20.0, 2.0)
    seen.joined("other", 0.0)
    assert seen.beats({"other": 1}, 0.0) == []
    assert seen.overdue(1.9) == []
    assert seen.overdue(2.0) == ["other"]
    assert seen.beats({"other": 1}, 19.9) == []
    assert seen.unheard("other") == [Down("other")], "nobody listens there any more"
    assert seen.beats({"other": 2}, 19.9) == [Up("other")]
    assert seen.beats({"other": 2}, 39.9) == [Down("other")]
