"""Whether a figure is flat: a straight line on two logarithmic scales, and how much it may rise. Pure.

The line's slope is the power with which the figure grows; what is told is what that makes of ten times as many people
or rooms, because a percentage can be judged. `TOLERANCES` says up to which it is called flat, either way.
"""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from math import log10
from typing import Final

from msgspec import Struct

TOLERANCES: Final[dict[str, float]] = {
    "server_bytes": 0.05,
    "harness_bytes": 0.10,
    "kernel_bytes": 0.05,
    "server_us": 0.15,
    "both_us": 0.15,
}
"""By how much a figure may change with ten times as many. Memory is the same in every run to a few percent; CPU of one
delivery varies by a tenth from run to run on a machine that is idle (docs/figures.md)."""


class Flatness(Struct, frozen=True, kw_only=True):
    """`each_decade`: 0.1 is a tenth more with ten times as many. `flat`: None where too little was measured."""

    figure: str
    points: int
    each_decade: float | None
    tolerance: float
    flat: bool | None


def flatness(figure: str, points: Sequence[tuple[float, float]]) -> Flatness:
    """Of so many people or rooms, and what each cost then."""
    tolerance = TOLERANCES[figure]
    counts = {count for count, _ in points}
    if len(counts) < 2 or any(value <= 0 for _, value in points):
        return Flatness(figure=figure, points=len(points), each_decade=None, tolerance=tolerance, flat=None)
    line = statistics.linear_regression([log10(count) for count, _ in points], [log10(value) for _, value in points])
    each_decade = round(10**line.slope - 1, 3)
    flat = abs(each_decade) <= tolerance
    return Flatness(figure=figure, points=len(points), each_decade=each_decade, tolerance=tolerance, flat=flat)


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
    if found.each_decade is None:
        return "not to be told"
    what = "flat" if found.flat else "not flat"
    return f"{what}: {found.each_decade:+.0%} with ten times as many (up to {found.tolerance:.0%} is called flat)"
