"""What all processes measured under one order, added up."""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from typing import Final

from loadtest.histogram import LONGEST, Histogram, counts_in, highest_of
from loadtest.scenarios.messages import Measured, PhaseResult, Spectrum

COUNTS: Final = ("connects", "posted", "acknowledged", "delivered", "gaps", "refused")
_SHARES: Final = (0.5, 0.9, 0.99, 0.999, 1.0)
LATENCIES: Final = ("connect", "ack", "seen", "late")

Latencies = dict[str, list[tuple[int, int]]]


def latencies_of(measured: Measured) -> Latencies:
    """The histograms in it, by name, as buckets and counts; decoded once, for all who add them up."""
    return {name: list(counts_in(taken)) for name in LATENCIES if (taken := getattr(measured, name))}


class Tally:
    """Takes what players measured; may be added to as long as anything comes."""

    def __init__(self) -> None:
        self.counts: Counter[str] = Counter(dict.fromkeys(COUNTS, 0))
        self.refusals: Counter[int] = Counter()
        self.closes: Counter[int] = Counter()
        self.failures: Counter[int] = Counter()
        self.figures: dict[str, float] = {}
        self._latencies: dict[str, Histogram] = {}
        self._cpu: dict[int, float] = defaultdict(float)
        self._seconds: dict[int, float] = defaultdict(float)

    def add(self, player: int, measured: Measured, latencies: Latencies) -> None:
        """Take what one process measured; `latencies` as `latencies_of` read them."""
        self.counts.update({name: getattr(measured, name) for name in COUNTS})
        self.refusals.update(measured.refusals)
        self.closes.update(measured.closes)
        self.failures.update(measured.failures)
        for name, value in measured.figures.items():
            self.figures[name] = max(value, self.figures.get(name, value))
        for name, counts in latencies.items():
            whole = self._latencies.get(name)
            if whole is None:
                whole = self._latencies[name] = Histogram()
            for bucket, count in counts:
                whole.counts[bucket] += count
        self._cpu[player] += measured.cpu
        self._seconds[player] += measured.seconds

    def clients_cpu(self) -> list[float]:
        """By process: the share of one core that it used."""
        return [self._cpu[player] / max(seconds, 1e-6) for player, seconds in sorted(self._seconds.items())]

    def latency(self, name: str) -> Spectrum | None:
        """Of one of `LATENCIES`; None where nothing was measured."""
        histogram = self._latencies.get(name)
        return None if histogram is None else spectrum(histogram)

    def result(self, name: str, began: float, seconds: float, in_time: bool) -> PhaseResult:
        return PhaseResult(
            name=name,
            began=began,
            seconds=seconds,
            in_time=in_time,
            counts=dict(self.counts),
            refusals=dict(self.refusals),
            closes=dict(self.closes),
            failures=dict(self.failures),
            connect=self.latency("connect"),
            ack=self.latency("ack"),
            seen=self.latency("seen"),
            late=self.latency("late"),
            figures=dict(self.figures),
            clients_cpu=self.clients_cpu(),
        )


def spectrum(histogram: Histogram) -> Spectrum:
    """A histogram in a few numbers; its buckets are looked at once, not for each number."""
    found = list(histogram.buckets())
    total = sum(count for _, count in found)
    owed = [max(1, math.ceil(total * share)) for share in _SHARES]
    told: list[float] = []
    so_far = 0
    for bucket, count in found:
        so_far += count
        while len(told) < len(owed) and so_far >= owed[len(told)]:
            told.append(min(highest_of(bucket), LONGEST) / 1e6)
    p50, p90, p99, p999, longest = told or [0.0] * len(_SHARES)
    return Spectrum(count=total, p50=p50, p90=p90, p99=p99, p999=p999, max=longest)
