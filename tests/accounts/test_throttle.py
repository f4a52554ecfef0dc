"""Throttled logins: who guesses waits, and nobody else does."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from server.accounts.throttle import WINDOW, LoginThrottle


def tries(throttle: LoginThrottle, count: int, *, name: str = "ada", address: str = "::1", now: float = 0.0) -> int:
    """How many of `count` tries went ahead."""
    return sum(throttle.attempt(name, address, now) is None for _ in range(count))


def test_a_guesser_gets_the_allowance_and_then_hears_how_long_to_wait() -> None:
    throttle = LoginThrottle(10)
    assert tries(throttle, 15) == 10
    wait = throttle.attempt("ada", "::1", 0.0)
    assert wait == WINDOW / 10
    assert throttle.attempt("ada", "::1", wait) is None
    assert throttle.attempt("ada", "::1", wait) is not None


def test_nobody_is_locked_out_by_a_guesser_at_another_address() -> None:
    throttle = LoginThrottle(10)
    tries(throttle, 1_000)
    assert tries(throttle, 1, address="192.0.2.1") == 1
    assert tries(throttle, 1, name="bob") == 1


def test_all_addresses_of_an_ipv6_site_share_one_allowance() -> None:
    throttle = LoginThrottle(10)
    went_ahead = [tries(throttle, 1, address=f"2001:db8:1:2::{last:x}") for last in range(100)]
    assert sum(went_ahead) == 10
    throttle.give_back("ada", "2001:db8:1:2:ffff::")
    assert tries(throttle, 2, address="2001:db8:1:2::1") == 1
    assert tries(throttle, 1, address="2001:db8:1:3::1") == 1, "a neighbour"


def test_a_good_login_costs_nothing() -> None:
    throttle = LoginThrottle(2)
    for _ in range(100):
        assert throttle.attempt("ada", "::1", 0.0) is None
        throttle.give_back("ada", "::1")


def test_memory_is_bounded_and_the_one_held_back_longest_stays() -> None:
    throttle = LoginThrottle(2, most=10)
    tries(throttle, 2, name="guessed")
    for number in range(1_000):
        throttle.attempt(f"name{number}", "::1", 0.0)
        assert len(throttle) <= 10
    assert throttle.attempt("guessed", "::1", 0.0) is not None


def test_whoever_is_whole_again_is_forgotten_first() -> None:
    throttle = LoginThrottle(2, most=10)
    tries(throttle, 1, name="early", now=0.0)
    for number in range(9):
        tries(throttle, 1, name=f"late{number}", now=WINDOW)
    tries(throttle, 1, name="new", now=WINDOW)
    assert len(throttle) == 10


@given(st.integers(1, 50), st.lists(st.floats(0.0, 30.0), max_size=300))
def test_in_any_window_at_most_twice_the_allowance_goes_ahead(attempts: int, pauses: list[float]) -> None:
    throttle = LoginThrottle(attempts)
    now, went = 0.0, []
    for pause in pauses:
        now += pause
        if throttle.attempt("ada", "::1", now) is None:
            went.append(now)
    for start in went:
        assert sum(start <= moment < start + WINDOW for moment in went) <= 2 * attempts
