"""Waves: how many are asked to leave at which moment, as arithmetic; and how a crowd arrives that does so."""

from __future__ import annotations

import random
from collections import Counter
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from clients.backoff import moment_to_leave
from server.gateway.waves import (
    LAST_SECONDS,
    LEAVING_PER_SECOND,
    WAVE_SECONDS,
    Wave,
    cut_off_seconds,
    last_leave,
    waves,
)


def arrivals(connections: int, seconds: float) -> Counter[int]:
    """How many arrive at the next server in each tenth of a second, all told at their wave's time, all obedient."""
    chance = random.Random(connections)
    return Counter(
        int((wave.at + moment_to_leave(0, wave.window, chance.random())) * 10)
        for wave in waves(connections, seconds)
        for _ in range(wave.count)
    )


def test_a_few_are_asked_at_once_and_gone_in_a_moment() -> None:
    assert waves(3, 3.0) == [Wave(at=0.0, count=3, window=3)]
    assert last_leave(waves(3, 3.0), 3.0) == pytest.approx(0.503)


def test_nobody_needs_no_time_to_speak_of() -> None:
    assert waves(0, 3.0) == [Wave(at=0.0, count=0, window=0)]


def test_as_long_as_there_is_time_a_thousand_are_asked_in_a_second() -> None:
    asked = waves(15_000, 60.0)
    assert len(asked) == 60
    assert {wave.count for wave in asked} == {250}
    assert {wave.window for wave in asked} == {250}
    assert last_leave(asked, 60.0) == pytest.approx(15.5)


def test_a_crowd_for_which_there_is_too_little_time_is_spread_over_all_of_it() -> None:
    asked = waves(100_000, 3.0)
    assert [wave.at for wave in asked] == [0.25 * number for number in range(10)]
    assert {wave.count for wave in asked} == {10_000}
    assert last_leave(asked, 3.0) == 3.0


def test_in_hardly_any_time_half_of_it_is_for_the_last() -> None:
    assert waves(1_000, 0.2) == [Wave(at=0.0, count=1_000, window=100)]
    assert last_leave(waves(1_000, 0.2), 0.2) == 0.2


@settings(deadline=None)
@given(st.integers(0, 2_000_000), st.floats(0.001, 3_600))
def test_everybody_is_asked_once_in_time_and_evenly(connections: int, seconds: float) -> None:
    asked = waves(connections, seconds)
    assert sum(wave.count for wave in asked) == connections
    assert max(wave.count for wave in asked) - min(wave.count for wave in asked) <= 1
    for before, after in pairwise(asked):
        assert 0 < after.at - before.at <= WAVE_SECONDS
        assert before.at + before.window / 1000 == pytest.approx(after.at, abs=0.001)  # the windows follow each other
    end = asked[-1].at + asked[-1].window / 1000
    assert end <= max(seconds - LAST_SECONDS, seconds / 2) + 0.001
    assert end <= last_leave(asked, seconds) <= seconds or end == pytest.approx(last_leave(asked, seconds), abs=0.001)


def test_the_more_there_are_the_earlier_those_are_cut_off_who_do_not_close() -> None:
    assert [cut_off_seconds(connections, 4.0) for connections in (0, 100, 8_000)] == [0.0, 0.01, 0.8]
    assert cut_off_seconds(1_000_000, 4.0) == 1.0, "but each has most of the time"


def test_who_does_as_asked_arrives_at_the_next_server_in_a_steady_stream() -> None:
    a_tenth = arrivals(15_000, 60.0)
    assert set(a_tenth) == set(range(150))
    assert max(a_tenth.values()) <= 2 * LEAVING_PER_SECOND / 10


def test_without_time_a_crowd_still_comes_in_a_stream() -> None:
    a_tenth = arrivals(100_000, 3.0)
    assert set(a_tenth) == set(range(25))
    assert max(a_tenth.values()) <= 1.2 * min(a_tenth.values())
