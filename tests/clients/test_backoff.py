"""Waits grow, have a bound, and differ between clients."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from clients.backoff import FIRST, LONGEST, bound, full_jitter, moment_to_leave


def test_the_bound_doubles_up_to_the_longest() -> None:
    assert [bound(n) for n in range(8)] == [0.5, 1, 2, 4, 8, 16, 30, 30]


@settings(deadline=None)
@given(st.integers(0, 10_000), st.floats(0, 1, exclude_max=True))
def test_a_wait_lies_anywhere_below_the_bound(attempt: int, chance: float) -> None:
    assert 0 <= full_jitter(attempt, chance) <= bound(attempt) <= LONGEST
    assert full_jitter(attempt, 0.5) >= FIRST / 2


@given(st.integers(0, 3_600_000), st.integers(0, 3_600_000), st.floats(0, 1, exclude_max=True))
def test_a_client_leaves_within_the_window_it_is_given(after: int, window: int, chance: float) -> None:
    assert after <= moment_to_leave(after, window, chance) * 1000 + 0.001 <= after + window + 0.002
    assert moment_to_leave(after, window, 0.5) == (after + window / 2) / 1000
