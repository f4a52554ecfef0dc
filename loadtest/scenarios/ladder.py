"""People as in `steady`, at a rate that is raised step by step until something gives way: a limit is found, and named.

A step is good when 99 of 100 deliveries were seen within the limit, everything asked for was said and answered, nothing
was refused, nobody was sent away or told of a gap; a bad one is bad twice. Between the last good step and the first bad
one the limit is looked for a few times more. Where the first step is bad already, the ladder goes down.

What bounded it is read from outside: the CPU of the harness' processes, of the server's where they can be seen, of the
machine, and how long its processes waited for the disk. Where the harness was busiest, that is said: then the figure is
one of the harness.
"""

from __future__ import annotations

import math
from collections.abc import Generator
from dataclasses import dataclass
from typing import Final

from loadtest.people import People
from loadtest.scenarios.burdens import Burden, bounded_by
from loadtest.scenarios.figures import told
from loadtest.scenarios.messages import Hold, Options, PhaseResult, Settle
from loadtest.scenarios.play import (
    Phase,
    Play,
    Summary,
    a_second,
    arrival,
    figures_of_arrival,
    lasting,
    rate_of,
    warming_up,
)

MOST_STEPS: Final = 30
HALVINGS: Final = 3  # tries between the last good step and the first bad one
LOWEST_RATE: Final = 0.5  # posts a second; below it a step says nothing
_NOISE: Final = 4.0  # standard deviations by which fewer posts than asked for may be chance
_ANSWERED: Final = 0.98  # of what was said; the last moment's answers come after it


@dataclass(frozen=True, slots=True)
class Step:
    """One rate that was tried. `why`: what was wrong with it; empty for a good one."""

    rate: float
    result: PhaseResult
    why: str


def ladder(options: Options, people: People) -> Play:
    came = yield arrival(options)
    figures = figures_of_arrival(came)
    if not came.in_time:
        return Summary(figures)
    yield warming_up(options, rate_of(options))
    steps = yield from _climb(options)
    return _summary(options, figures, steps)


def _climb(options: Options) -> Generator[Phase, PhaseResult, list[Step]]:
    """All steps that were tried, in order."""
    steps: list[Step] = []
    rate = rate_of(options)
    while len(steps) < MOST_STEPS and rate >= LOWEST_RATE:
        steps.append((yield from _step(options, rate)))
        good, bad = _bounds(steps)
        if good and bad:
            break
        rate = rate * options.step if good else rate / options.step
    for _ in range(HALVINGS):
        good, bad = _bounds(steps)
        if good and bad:
            steps.append((yield from _step(options, math.sqrt(good.rate * bad.rate))))
    return steps


def _step(options: Options, rate: float) -> Generator[Phase, PhaseResult, Step]:
    """One that was not good is tried again: something else on the machine may have been at fault."""
    name = f"{rate:,.0f} a second"
    step = yield from _try(options, rate, name)
    return (yield from _try(options, rate, f"{name}, again")) if step.why else step


def _try(options: Options, rate: float, name: str) -> Generator[Phase, PhaseResult, Step]:
    talked = yield lasting(name, Hold(options.seconds), options.seconds, rate)
    step = Step(rate, talked, what_is_wrong(talked, rate, options))
    if step.why:  # or what is left over of it would be measured in the next one
        yield Phase("calm down", Settle(), options.settle_within, "every post is answered")
    return step


def what_is_wrong(talked: PhaseResult, rate: float, options: Options) -> str:
    """Why a step was not good; empty where it was."""
    expected = rate * options.seconds
    counts = talked.counts
    if talked.seen is None:
        return "nobody saw anything"
    if talked.seen.p99 > options.limit:
        return f"99 of 100 were seen within {told('seen_p99', talked.seen.p99)} only"
    if counts["posted"] < expected - _NOISE * math.sqrt(expected) - 1:
        return f"{counts['posted']:,} posts were made where {expected:,.0f} were to be"
    if counts["acknowledged"] < _ANSWERED * counts["posted"] - options.limit * rate - 1:
        return f"{counts['acknowledged']:,} of {counts['posted']:,} posts were answered"
    if counts["refused"] or counts["gaps"] or talked.closes:
        closed = sum(talked.closes.values())
        return f"{counts['refused']} posts were refused, {counts['gaps']} gaps told, {closed} connections ended"
    return ""


def _bounds(steps: list[Step]) -> tuple[Step | None, Step | None]:
    """The highest good step, and the lowest bad one above it; a good one above a bad one was luck, and does not count
    against it."""
    bad = min((step for step in steps if step.why), key=lambda step: step.rate, default=None)
    below = [step for step in steps if not step.why and (bad is None or step.rate < bad.rate)]
    return max(below, key=lambda step: step.rate, default=None), bad


def _summary(options: Options, figures: dict[str, float], steps: list[Step]) -> Summary:
    good, bad = _bounds(steps)
    words = []
    if good is not None and good.result.seen is not None:
        figures["highest_rate"] = a_second(good.result, "acknowledged")
        figures["highest_rate_deliveries"] = a_second(good.result, "delivered")
        figures["highest_rate_seen_p99"] = good.result.seen.p99
        words.append(
            f"up to {told('highest_rate', figures['highest_rate'])} posts and "
            f"{told('highest_rate_deliveries', figures['highest_rate_deliveries'])} deliveries, 99 of 100 were seen "
            f"within {told('seen_p99', good.result.seen.p99)} (limit: {told('seen_p99', options.limit)})"
        )
    else:
        words.append("no rate that was tried kept to the limit")
    if bad is not None:
        figures["first_failing_rate"] = bad.rate
        words.append(f"at {told('first_failing_rate', bad.rate)} {bad.why}; {bounded_by(Burden.of(bad.result))}")
    else:
        words.append("no rate that was tried was too high")
    by_clients = [step.rate for step in steps if Burden.of(step.result).is_of_the_clients]
    if by_clients:
        figures["clients_bottleneck_rate"] = max(by_clients)
        words.append(f"up to {told('clients_bottleneck_rate', max(by_clients))} the harness itself was the bottleneck")
    return Summary(figures, words)
