"""Whether a figure is flat: a straight line on two logarithmic scales, and how much it may rise. Pure.

The line's slope is the power with which the figure grows. What is told is by how much the line rises or falls from the
fewest to the most, because a percentage can be judged; it is held against what `TOLERANCES` allow for each factor of
ten, and for what is less than one, as for one.
"""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from math import log10
from typing import Final

from msgspec import Struct

TOLERANCES: Final[dict[str, float]] = {
    "server_bytes": 0.10,
    "harness_bytes": 0.25,
    "kernel_bytes": 0.05,
    "server_us": 0.15,
    "both_us": 0.15,
}
"""By how much a figure may change. The allocator takes memory by the megabyte, which is 65 bytes of each of 18,000
people in the server (docs/figures.md), and a quarter of what the load has for one of 10,000; the kernel's objects are
of fixed sizes. CPU of a delivery varies by a tenth from run to run on an idle machine."""


class Flatness(Struct, frozen=True, kw_only=True):
    """`change`: 0.1 is a tenth more at the most than at the fewest. `flat`: None where too little was measured."""

    figure: str
    points: int
    fewest: float
    most: float
    change: float | None
    allowed: float
    flat: bool | None


def flatness(figure: str, points: Sequence[tuple[float, float]]) -> Flatness:
    """Of so many people or rooms, and what each cost then."""
    counts = [count for count, _ in points] or [1.0]
    fewest, most = min(counts), max(counts)
    decades = log10(most / fewest)
    allowed = round(TOLERANCES[figure] * max(1.0, decades), 3)
    change = None
    if decades and all(value > 0 for _, value in points):
        logs = [(log10(count), log10(value)) for count, value in points]
        slope = statistics.linear_regression([across for across, _ in logs], [up for _, up in logs]).slope
        change = round(10 ** (slope * decades) - 1, 3)
    flat = None if change is None else abs(change) <= allowed
    return Flatness(
        figure=figure, points=len(points), fewest=fewest, most=most, change=change, allowed=allowed, flat=flat
    )


class Line(Struct, frozen=True, kw_only=True):
    """A cost that has a fixed part, and one for each. `worst`: by how much of itself the farthest point is off."""

    what: str
    fixed: float
    each: float
    worst: float


def line(what: str, points: Sequence[tuple[float, float]]) -> Line | None:
    """The straight line that is off by the least share of each point (least squares, relative); None of too few."""
    if len({count for count, _ in points}) < 3 or any(value <= 0 for _, value in points):
        return None
    weights = [1 / value**2 for _, value in points]
    total = sum(weights)
    middle = sum(weight * count for weight, (count, _) in zip(weights, points, strict=True)) / total
    height = sum(weight * value for weight, (_, value) in zip(weights, points, strict=True)) / total
    rise = sum(w * (count - middle) * (value - height) for w, (count, value) in zip(weights, points, strict=True))
    each = rise / sum(w * (count - middle) ** 2 for w, (count, _) in zip(weights, points, strict=True))
    fixed = height - each * middle
    worst = max(abs(fixed + each * count - value) / value for count, value in points)
    return Line(what=what, fixed=round(fixed, 3), each=round(each, 4), worst=round(worst, 3))


def in_words(found: Flatness) -> str:
    if found.change is None:
        return "not to be told"
    what = "flat" if found.flat else "not flat"
    return f"{what}: {found.change:+.0%} from {found.fewest:,.0f} to {found.most:,.0f} ({found.allowed:.0%} allowed)"
