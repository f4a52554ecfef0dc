"""How the interval of heartbeats follows the number of connections, as arithmetic."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.gateway.interval import TO_SPARE, lengthened, needed, shortened, steps

STEPS = steps(30.0, 900.0)
A_PART = 2 / 54  # two cores, 54 workers


def test_the_steps_begin_with_the_operators_and_end_with_the_longest() -> None:
    assert STEPS == (30, 45, 60, 90, 120, 180, 240, 360, 480, 720, 900)


@pytest.mark.parametrize(("shortest", "longest"), [(30.0, 30.0), (900.0, 900.0), (60.0, 30.0)])
def test_an_interval_may_be_held_fast(shortest: float, longest: float) -> None:
    assert steps(shortest, longest) == (shortest,)


@pytest.mark.parametrize(
    ("connections", "processors", "interval"),
    [(0, 1.0, 30), (14_600, 1.0, 30), (14_700, 1.0, 45), (18_000, 2.0, 45), (18_000, 0.5, 90), (18_519, A_PART, 900)],
)
def test_many_connections_have_a_long_interval(connections: int, processors: float, interval: float) -> None:
    assert lengthened(STEPS, 30.0, connections, processors) == interval


def test_a_million_on_two_cores_is_pinged_as_seldom_as_the_protocol_allows_and_no_more_seldom() -> None:
    assert lengthened(STEPS, 30.0, 1_000_000 // 54, A_PART) == 900
    assert lengthened(STEPS, 900.0, 2_277_846 // 120, 2 / 120) == 900


@given(st.sampled_from(STEPS), st.integers(0, 100_000), st.floats(0.01, 4.0))
def test_pings_take_their_share_and_no_more_while_there_is_a_longer_interval(
    interval: float, connections: int, processors: float
) -> None:
    chosen = lengthened(STEPS, interval, connections, processors)
    assert chosen >= interval
    assert chosen == STEPS[-1] or needed(connections, processors) <= chosen


@given(st.sampled_from(STEPS), st.integers(0, 100_000), st.floats(0.01, 4.0))
def test_what_is_chosen_is_not_given_up_at_once(interval: float, connections: int, processors: float) -> None:
    chosen = lengthened(STEPS, interval, connections, processors)
    shorter = shortened(STEPS, chosen, connections, processors)
    assert lengthened(STEPS, shorter, int(connections * TO_SPARE), processors) == shorter or shorter == chosen


@given(st.lists(st.integers(-1_000, 1_000), min_size=2, max_size=50))
def test_a_crowd_that_comes_and_goes_a_little_changes_it_once(wanderings: list[int]) -> None:
    """Around 14,634 connections, where 30 s are no longer enough."""
    interval, changes = 30.0, 0
    for wandering in wanderings:
        after = lengthened(STEPS, interval, 14_634 + wandering, 1.0)
        after = shortened(STEPS, after, 14_634 + wandering, 1.0)
        changes += after != interval
        interval = after
    assert changes <= 1
