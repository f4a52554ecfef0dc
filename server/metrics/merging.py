"""The metrics of several processes as those of one server. Pure.

The rules: what is counted is summed, and so are histograms. What goes up and down says itself how it adds up (`across`
of its family). Where two processes know a histogram by other bounds, as may be while one program follows another, those
of the first are told alone: a sum would be wrong.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from msgspec.structs import replace

from server.metrics.exposition import Family, Labels, Ranges, Sample

LABEL: Final = "worker"


def merged(processes: Iterable[tuple[str, Iterable[Family]]]) -> list[Family]:
    """All families, in the order of the first process that has them.

    Parameters
    ----------
    processes
        Each with its name in the label `worker`. Several of one name are told as one.
    """
    found: dict[str, list[tuple[str, Family]]] = {}
    for name, families in processes:
        for family in families:
            found.setdefault(family.name, []).append((name, family))
    return [_one(several) for several in found.values()]


def _one(several: list[tuple[str, Family]]) -> Family:
    first = several[0][1]
    ranges = [family.samples for _, family in several if isinstance(family.samples, Ranges)]
    if ranges:
        return replace(first, samples=_summed([each for each in ranges if each.bounds == ranges[0].bounds]))
    values: dict[Labels, float] = {}
    for name, family in several:
        assert not isinstance(family.samples, Ranges)
        for sample in family.samples:
            labels = ((LABEL, name), *sample.labels) if first.across == "each" else sample.labels
            before = values.get(labels, 0.0)
            values[labels] = max(before, sample.value) if first.across == "most" else before + sample.value
    return replace(first, samples=tuple(Sample(value, labels) for labels, value in values.items()))


def _summed(several: list[Ranges]) -> Ranges:
    counts = tuple(map(sum, zip(*(ranges.counts for ranges in several), strict=True)))
    return Ranges(several[0].bounds, counts, sum(ranges.total for ranges in several))
