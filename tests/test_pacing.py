"""How fast commands may come: who is told to wait, for how long, and who is flooding."""

from __future__ import annotations

import pytest

from server.pacing import FLOODING, Pace, rate_limited
from server.protocol.errors import ErrorCode

SMALL = 100  # bytes


def slow_pace() -> Pace[str]:
    """Twenty small commands at once, and two a second; 1,000 bytes a second."""
    return Pace(commands=2, size=1_000, burst=10)


def test_a_burst_goes_ahead_and_the_next_one_waits_as_long_as_it_is_told() -> None:
    pace = slow_pace()
    assert [pace.charge("ada", SMALL, 0.0) for _ in range(20)] == [0.0] * 20
    wait = pace.charge("ada", SMALL, 0.0)
    assert 0.0 < wait < FLOODING
    assert pace.charge("ada", SMALL, wait) == 0.0


def test_who_is_told_to_wait_and_does_not_is_flooding_in_the_end() -> None:
    pace = slow_pace()
    answers = [pace.charge("ada", SMALL, 0.0) for _ in range(41)]
    assert 0.0 not in answers[20:]
    assert FLOODING not in answers[:40]
    assert answers[40] == FLOODING


def test_who_pipelined_and_waits_as_told_is_served_with_all_of_it() -> None:
    pace = slow_pace()
    waits = [pace.charge("ada", SMALL, 0.0) for _ in range(35)][20:]
    assert waits == sorted(waits), "who is behind waits longer"
    assert [pace.charge("ada", SMALL, max(waits)) for _ in waits] == [0.0] * 15


def test_who_says_twice_what_may_be_said_is_served_at_the_rate_and_stays() -> None:
    pace = slow_pace()
    answers = [pace.charge("ada", SMALL, number * 0.25) for number in range(2_000)]
    assert FLOODING not in answers
    assert 990 <= answers.count(0.0) <= 1_020


def test_who_says_ever_more_than_that_does_not_stay() -> None:
    pace = slow_pace()
    assert FLOODING in [pace.charge("ada", SMALL, number * 0.15) for number in range(2_000)]


def test_who_keeps_to_the_rate_never_waits() -> None:
    pace = slow_pace()
    assert all(pace.charge("ada", SMALL, number * 0.5) == 0.0 for number in range(1_000))


@pytest.mark.parametrize(("size", "at_once"), [(1, 20), (500, 20), (1_000, 10), (10_000, 1)])
def test_a_large_command_counts_by_its_bytes(size: int, at_once: int) -> None:
    pace = slow_pace()
    assert sum(pace.charge("ada", size, 0.0) == 0.0 for _ in range(40)) == at_once


def test_nothing_is_kept_of_who_is_quiet() -> None:
    pace = slow_pace()
    pace.charge("ada", SMALL, 0.0)
    pace.sweep(0.4)
    assert len(pace) == 1
    pace.sweep(0.6)
    assert len(pace) == 0


def test_the_refusal_names_milliseconds_and_never_less_than_the_wait() -> None:
    refusal = rate_limited(0.2504)
    assert refusal.code is ErrorCode.RATE_LIMITED
    assert refusal.retry_after == 251
