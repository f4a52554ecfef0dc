"""The one rule of all rates: what may be used at once, what comes back, and who is forgotten."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from server.allowances import Allowance, Allowances

WINDOW, SECONDS = 10.0, 1.0  # so ten at once, and one a second


def taken(allowances: Allowances[str], count: int, *, who: str = "ada", now: float = 0.0) -> int:
    """How many of `count` are given."""
    return sum(allowances.take(who, SECONDS, now) == 0.0 for _ in range(count))


def test_a_window_is_given_at_once_and_then_one_comes_back_after_the_other() -> None:
    allowances: Allowances[str] = Allowances(WINDOW)
    assert taken(allowances, 30) == 10
    assert allowances.take("ada", SECONDS, 0.0) == SECONDS
    assert allowances.take("ada", SECONDS, 0.25) == 0.75
    assert taken(allowances, 30, now=3.0) == 3


def test_everybody_has_an_allowance_of_their_own() -> None:
    allowances: Allowances[str] = Allowances(WINDOW)
    taken(allowances, 30)
    assert taken(allowances, 30, who="bob") == 10


def test_what_is_used_comes_back_with_time() -> None:
    allowances: Allowances[str] = Allowances(WINDOW)
    taken(allowances, 4)
    assert [allowances.used("ada", now) for now in (0.0, 1.5, 4.0, 99.0)] == [4.0, 2.5, 0.0, 0.0]
    assert allowances.used("nobody", 0.0) == 0.0


def test_whoever_is_whole_is_forgotten_by_a_sweep_and_nobody_else() -> None:
    allowances: Allowances[str] = Allowances(WINDOW)
    taken(allowances, 2)
    taken(allowances, 4, who="bob")
    allowances.sweep(3.0)
    assert len(allowances) == 1
    assert taken(allowances, 30, who="bob", now=3.0) == 9
    allowances.sweep(100.0)
    assert len(allowances) == 0


def test_memory_is_bounded_and_whoever_owes_most_is_remembered() -> None:
    allowances: Allowances[str] = Allowances(WINDOW, most=5)
    taken(allowances, 10, who="greedy")
    for number in range(100):
        taken(allowances, 1, who=f"passer-by {number}")
        assert len(allowances) <= 5
    assert taken(allowances, 1, who="greedy") == 0


def test_an_allowance_by_itself_is_the_same_rule() -> None:
    allowance = Allowance(WINDOW)
    assert [allowance.take(SECONDS, 0.0) for _ in range(11)] == [0.0] * 10 + [SECONDS]
    assert allowance.take(SECONDS, 1.0) == 0.0


@given(st.lists(st.floats(0.0, 5.0), max_size=200))
def test_over_any_stretch_no_more_is_given_than_the_window_and_what_came_back(pauses: list[float]) -> None:
    allowances: Allowances[str] = Allowances(WINDOW)
    now, given_at = 0.0, []
    for pause in pauses:
        now += pause
        if allowances.take("ada", SECONDS, now) == 0.0:
            given_at.append(now)
    for first, begin in enumerate(given_at):
        for last, end in enumerate(given_at[first:], 1):
            assert last * SECONDS <= WINDOW + (end - begin) + 1e-6
