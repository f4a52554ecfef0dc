"""Metrics as text: Prometheus' format 0.0.4, and OpenMetrics 1.0 for who asks for it. Pure.

A family is plain data, so that those of several processes can be sent to one and summed there. `prometheus_client`
would do the same for 0.8 MB of memory in every process and a lock for every number (measured with 0.26; its strict
parser reads what is written here, in the tests).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import accumulate
from typing import Final, Literal

from msgspec import Struct

from server.metrics.histogram import Histogram

TEXT: Final = "text/plain; version=0.0.4; charset=utf-8"
OPEN_METRICS: Final = "application/openmetrics-text; version=1.0.0; charset=utf-8"

Labels = tuple[tuple[str, str], ...]
"""Names and values."""


Across = Literal["sum", "most", "each"]


class Sample(Struct, frozen=True):
    value: float
    labels: Labels = ()


class Ranges(Struct, frozen=True):
    """A histogram, as it is now. `counts` has one number more than `bounds`: what is above the last."""

    bounds: tuple[float, ...]
    counts: tuple[int, ...]
    total: float


class Family(Struct, frozen=True):
    """One metric, with all its labels.

    Attributes
    ----------
    name
        Without the `_total` that counters have in the text.
    meaning
        One line.
    across
        What is told of several processes: their sum, the most that one of them has, or each of them by itself.
    """

    name: str
    kind: Literal["counter", "gauge", "histogram"]
    meaning: str
    samples: tuple[Sample, ...] | Ranges
    across: Across = "sum"


def counter(name: str, meaning: str, *samples: Sample, across: Across = "sum") -> Family:
    """What only grows."""
    return Family(name, "counter", meaning, samples, across)


def gauge(name: str, meaning: str, *samples: Sample, across: Across = "sum") -> Family:
    """What goes up and down."""
    return Family(name, "gauge", meaning, samples, across)


def histogram(name: str, meaning: str, observed: Histogram) -> Family:
    """How often what was observed lay in which range."""
    return Family(name, "histogram", meaning, Ranges(observed.bounds, tuple(observed.counts), observed.total))


def exposition(families: Iterable[Family], media_type: str) -> str:
    """All `families` as `TEXT` or `OPEN_METRICS`."""
    is_open = media_type == OPEN_METRICS
    lines = [line for family in families for line in _lines(family, is_open=is_open)]
    if is_open:
        lines.append("# EOF")
    return "\n".join([*lines, ""])


def _lines(family: Family, *, is_open: bool) -> Iterator[str]:
    name = f"{family.name}_total" if family.kind == "counter" else family.name
    announced = family.name if is_open else name
    yield f"# HELP {announced} {_escaped(family.meaning)}"
    yield f"# TYPE {announced} {family.kind}"
    if isinstance(family.samples, Ranges):
        yield from _buckets(name, family.samples)
    else:
        for sample in family.samples:
            yield _line(name, sample.labels, sample.value)


def _buckets(name: str, ranges: Ranges) -> Iterator[str]:
    """Cumulative, as both formats have them."""
    upto = list(accumulate(ranges.counts))
    for bound, count in zip([*map(str, ranges.bounds), "+Inf"], upto, strict=True):
        yield _line(f"{name}_bucket", (("le", bound),), count)
    yield _line(f"{name}_sum", (), ranges.total)
    yield _line(f"{name}_count", (), upto[-1])


def _line(name: str, labels: Labels, value: float) -> str:
    shown = ",".join(f'{label}="{_escaped(text, quotes=True)}"' for label, text in labels)
    number = str(value).replace("inf", "+Inf")
    return f"{name}{{{shown}}} {number}" if shown else f"{name} {number}"


def _escaped(text: str, *, quotes: bool = False) -> str:
    escaped = text.replace("\\", r"\\").replace("\n", r"\n")
    return escaped.replace('"', r"\"") if quotes else escaped
