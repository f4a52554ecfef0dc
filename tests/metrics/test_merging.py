"""Metrics of several processes, told as one."""

from __future__ import annotations

from server.metrics.exposition import Family, Sample, counter, gauge, histogram
from server.metrics.histogram import Histogram
from server.metrics.merging import merged


def observed(*values: float, bounds: tuple[float, ...] = (1.0, 2.0)) -> Histogram:
    seen = Histogram(bounds)
    for value in values:
        seen.observe(value)
    return seen


def one(*families: Family) -> Family:
    [family] = merged([(str(number), [each]) for number, each in enumerate(families)])
    return family


def by(code: int, count: int) -> Sample:
    return Sample(count, (("code", str(code)),))


def test_what_is_counted_is_summed_by_its_labels() -> None:
    family = one(counter("c", "C.", by(1, 2), by(2, 3)), counter("c", "C.", by(2, 4), by(3, 5)))
    assert family == counter("c", "C.", by(1, 2), by(2, 7), by(3, 5))


def test_histograms_are_summed_range_by_range() -> None:
    family = one(histogram("h", "H.", observed(0.5, 1.5)), histogram("h", "H.", observed(1.5, 9.0)))
    assert family == histogram("h", "H.", observed(0.5, 1.5, 1.5, 9.0))


def test_of_a_histogram_with_other_bounds_nothing_is_added() -> None:
    """As while one program follows another."""
    first, other = histogram("h", "H.", observed(0.5)), histogram("h", "H.", observed(0.5, bounds=(3.0,)))
    assert one(first, other) == first


def test_gauges_say_themselves_how_they_add_up() -> None:
    assert one(gauge("g", "G.", Sample(2)), gauge("g", "G.", Sample(3))).samples == (Sample(5),)
    most = [gauge("g", "G.", Sample(value), across="most") for value in (2, 3, 1)]
    assert one(*most).samples == (Sample(3),)


def test_what_is_told_of_each_is_labelled() -> None:
    each = [gauge("g", "G.", by(7, value), across="each") for value in (2, 3)]
    assert one(*each).samples == (
        Sample(2, (("worker", "0"), ("code", "7"))),
        Sample(3, (("worker", "1"), ("code", "7"))),
    )


def test_two_processes_in_one_place_are_told_as_one() -> None:
    """As during a roll: no sample may be there twice."""
    told = gauge("g", "G.", Sample(2), across="each")
    [family] = merged([("0", [told]), ("0", [told])])
    assert family.samples == (Sample(4, (("worker", "0"),)),)


def test_a_family_that_only_some_have_is_told() -> None:
    first, second = counter("a", "A.", Sample(1)), counter("b", "B.", Sample(2))
    assert merged([("0", [first]), ("1", [first, second])]) == [counter("a", "A.", Sample(2)), second]
