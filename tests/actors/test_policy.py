"""Restart policy as arithmetic: kinds, strategies, intensity, backoff and breakers, without an actor in sight."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actors import Backoff, Breaker, Intensity, Restart, Strategy
from actors.policy import CrashRecord

seconds = st.floats(0.0, 1e6)
times = st.lists(seconds, max_size=50).map(sorted)


@pytest.mark.parametrize(
    ("kind", "after_a_crash", "after_an_orderly_end"),
    [(Restart.PERMANENT, True, True), (Restart.TRANSIENT, True, False), (Restart.TEMPORARY, False, False)],
)
def test_a_child_is_restarted_by_its_kind(kind: Restart, after_a_crash: bool, after_an_orderly_end: bool) -> None:
    assert kind.applies(crashed=True) is after_a_crash
    assert kind.applies(crashed=False) is after_an_orderly_end


@pytest.mark.parametrize(
    ("strategy", "affected"),
    [(Strategy.ONE_FOR_ONE, [2]), (Strategy.ONE_FOR_ALL, [0, 1, 2, 3, 4]), (Strategy.REST_FOR_ONE, [2, 3, 4])],
)
def test_a_strategy_says_who_shares_the_fate_of_the_third_of_five(strategy: Strategy, affected: list[int]) -> None:
    assert list(strategy.affected(2, 5)) == affected


@given(st.sampled_from(Strategy), st.integers(1, 20), st.data())
def test_who_failed_is_always_affected_and_nobody_outside_the_list_is(
    strategy: Strategy, children: int, data: st.DataObject
) -> None:
    failed = data.draw(st.integers(0, children - 1))
    affected = strategy.affected(failed, children)
    assert failed in affected
    assert set(affected) <= set(range(children))


def test_the_default_intensity_is_that_of_otp() -> None:
    intensity = Intensity()
    first = intensity.window((), 100.0)
    assert not intensity.exceeded(first)
    assert intensity.exceeded(intensity.window(first, 104.9))
    assert not intensity.exceeded(intensity.window(first, 105.0)), "the first has left the window"


def test_an_intensity_of_zero_allows_no_restart_at_all() -> None:
    intensity = Intensity(restarts=0)
    assert intensity.exceeded(intensity.window((), 1.0))


@given(st.integers(0, 10), st.floats(0.001, 1e3), times)
def test_intensity_is_exceeded_exactly_when_a_window_holds_too_many(
    restarts: int, width: float, moments: list[float]
) -> None:
    intensity = Intensity(restarts, width)
    window: tuple[float, ...] = ()
    for index, now in enumerate(moments):
        window = intensity.window(window, now)
        recent = [then for then in moments[: index + 1] if then > now - width]
        assert list(window) == recent
        assert intensity.exceeded(window) is (len(recent) > restarts)


def test_a_backoff_grows_by_its_factor_up_to_its_longest() -> None:
    assert [Backoff(1.0, 2.0, 10.0).delay(attempt) for attempt in range(1, 7)] == [1.0, 2.0, 4.0, 8.0, 10.0, 10.0]


@given(st.builds(Backoff, seconds, st.floats(1.0, 100.0), seconds))
def test_a_backoff_never_shrinks_and_never_exceeds_its_longest(backoff: Backoff) -> None:
    delays = [backoff.delay(attempt) for attempt in range(1, 40)]
    assert all(earlier <= later for earlier, later in pairwise(delays))
    assert all(0.0 <= delay <= backoff.longest for delay in delays)


def test_a_backoff_without_a_first_wait_never_waits() -> None:
    assert {Backoff().delay(attempt) for attempt in range(1, 1000)} == {0.0}


def test_a_backoff_of_a_million_attempts_is_answered_at_once() -> None:
    assert Backoff(1.0, 2.0, 60.0).delay(1_000_000) == 60.0


BREAKER = Breaker(crashes=3, window=10.0, backoff=Backoff(1.0, 2.0, 60.0))


def crashes_at(*moments: float, breaker: Breaker = BREAKER) -> CrashRecord:
    record = CrashRecord()
    for now in moments:
        record = breaker.after_crash(record, now)
    return record


def test_the_third_crash_within_the_window_quarantines() -> None:
    assert crashes_at(0.0, 5.0).retry_after(5.0) == 0.0
    assert crashes_at(0.0, 5.0, 9.0).retry_after(9.0) == 1.0


def test_crashes_outside_the_window_do_not_add_up() -> None:
    assert crashes_at(0.0, 5.0, 10.0).retry_after(10.0) == 0.0


def test_quarantine_ends_by_itself() -> None:
    record = crashes_at(0.0, 0.0, 0.0)
    assert record.retry_after(0.25) == 0.75
    assert record.retry_after(1.0) == 0.0


def test_one_crash_on_probation_quarantines_again_and_for_longer() -> None:
    assert crashes_at(0.0, 0.0, 0.0, 2.0).retry_after(2.0) == 2.0
    assert crashes_at(0.0, 0.0, 0.0, 2.0, 5.0).retry_after(5.0) == 4.0


def test_who_survives_its_probation_has_a_clean_record() -> None:
    record = crashes_at(0.0, 0.0, 0.0)
    assert not BREAKER.clean(record, 10.9)
    assert BREAKER.clean(record, 11.0)
    assert BREAKER.after_crash(record, 11.0) == CrashRecord((11.0,))


@given(st.integers(1, 5), st.floats(0.001, 100.0), times)
def test_a_breaker_never_lets_more_crashes_pass_than_it_says(crashes: int, window: float, moments: list[float]) -> None:
    breaker = Breaker(crashes, window, Backoff(1.0, 2.0, 60.0))
    record = CrashRecord()
    passed: list[float] = []
    for now in moments:
        if record.retry_after(now):
            continue
        record = breaker.after_crash(record, now)
        if not record.retry_after(now):
            passed.append(now)
        assert len([then for then in passed if then > now - window]) < crashes or crashes == 1


@given(times)
def test_a_clean_record_says_nothing_about_the_next_crash(moments: list[float]) -> None:
    record = crashes_at(*moments)
    later = (moments[-1] if moments else 0.0) + 1e6
    assert BREAKER.clean(record, later)
    assert BREAKER.after_crash(record, later) == BREAKER.after_crash(CrashRecord(), later)
