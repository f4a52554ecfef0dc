"""Histograms, held against HdrHistogram's own."""

from __future__ import annotations

import pytest
from hdrh.histogram import HdrHistogram
from hypothesis import given, settings
from hypothesis import strategies as st

from loadtest.histogram import LONGEST, Histogram, bucket, counts_in, highest_of

TIMES = st.lists(st.integers(1, LONGEST), min_size=1, max_size=50)


def filled(times: list[int]) -> Histogram:
    histogram = Histogram()
    for us in times:
        histogram.record(us)
    return histogram


@settings(deadline=None)
@given(st.integers(0, 2**36 - 1))
def test_a_time_is_in_a_bucket_that_is_no_wider_than_a_thousandth_of_it(us: int) -> None:
    found = bucket(us)
    assert us <= highest_of(found) <= us * 1.001 + 1
    assert bucket(highest_of(found)) == found
    assert bucket(highest_of(found) + 1) == found + 1


@settings(deadline=None)
@given(TIMES)
def test_buckets_are_those_of_the_library(times: list[int]) -> None:
    theirs = HdrHistogram(1, LONGEST, 3)
    for us in times:
        theirs.record_value(us)
    assert [theirs.get_count_at_value(us) for us in times] == [filled(times).counts[bucket(us)] for us in times]
    assert filled(times).longest == min(theirs.get_max_value(), LONGEST)


@settings(deadline=None)
@given(TIMES, st.integers(1, 100))
def test_a_percentile_is_the_time_that_so_many_did_not_exceed(times: list[int], share: int) -> None:
    nearest = sorted(times)[-(-len(times) * share // 100) - 1]
    assert filled(times).percentile(share) == min(highest_of(bucket(nearest)), LONGEST)


@settings(deadline=None)
@given(TIMES, TIMES)
def test_what_two_processes_saw_is_put_together(one: list[int], other: list[int]) -> None:
    together = Histogram()
    together.merge(filled(one).export())
    together.merge(filled(other).export())
    assert together.counts == filled(one + other).counts


def test_what_is_taken_is_what_came_since_the_last_time() -> None:
    histogram = filled([100, 200])
    first = histogram.take()
    assert (histogram.total, histogram.take()) == (0, "")
    histogram.record(300)
    second = histogram.take()
    together = Histogram()
    for each in (first, second, ""):
        together.merge(each)
    assert (together.total, together.longest) == (3, 300)


@settings(deadline=None)
@given(TIMES, TIMES)
def test_counts_that_are_taken_are_each_told_once(one: list[int], other: list[int]) -> None:
    histogram, together = filled(one), Histogram()
    first = histogram.take_counts()
    for us in other:
        histogram.record(us)
    for taken in (first, histogram.take_counts(), histogram.take_counts()):
        for number, count in counts_in(taken):
            together.counts[number] += count
    assert together.counts == filled(one + other).counts
    assert histogram.total == 0


def test_what_takes_too_long_counts_as_the_longest_and_what_went_back_in_time_as_nothing() -> None:
    histogram = filled([LONGEST * 3, -5])
    assert (histogram.percentile(1), histogram.longest) == (0, LONGEST)


def test_an_empty_one_says_nothing() -> None:
    histogram = Histogram()
    assert (histogram.total, histogram.percentile(99), histogram.mean, histogram.export()) == (0, 0, 0.0, "")


def test_seconds_are_kept_to_the_microsecond() -> None:
    histogram = Histogram()
    histogram.record_seconds(0.000_123)
    assert histogram.percentile(50) == 123
    assert histogram.mean == 123


@pytest.mark.parametrize("exported", ["bogus", "HISTFAAAABh4nJNpmSzMwMDAxAABzFCaEUoz2X+AMIKZAEARAtM="])
def test_what_is_no_export_is_refused(exported: str) -> None:
    with pytest.raises(Exception, match=r".*"):
        Histogram().merge(exported)
