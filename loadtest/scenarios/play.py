"""What a scenario is: a play, of one phase after the other, which may depend on how the phases before it went.

A play is a generator: it yields the phase that comes next, is sent what came of it, and returns what it all comes to.
It knows no clock and no process, so a test can play it as a history. Nothing about the checker is in a play: whatever
happens in one, the conductor ends it by letting everybody get everything, and by a verdict.
"""

from __future__ import annotations

from collections.abc import Callable, Generator
from dataclasses import dataclass, field
from typing import Final

from loadtest.behaviour import POSTS_A_SECOND
from loadtest.people import People
from loadtest.scenarios.messages import Come, Doing, Hold, Options, PhaseResult

ARRIVAL: Final = "come"
_WARM_UP: Final = 2.0  # seconds
GRACE: Final = 15.0  # seconds; beyond what a phase lasts, until every process has said that it is over


@dataclass(frozen=True, slots=True)
class Phase:
    """One order to all.

    `within`: seconds until every process has to have done it. `talk`: posts a second beside it, of all together.
    `expects`: how its end is called where it did not come in time.
    """

    name: str
    doing: Doing
    within: float
    expects: str
    talk: float = 0.0


@dataclass(frozen=True, slots=True)
class Summary:
    """What a play comes to: its figures, by the names of `figures.py`, and a sentence for each thing worth saying."""

    figures: dict[str, float] = field(default_factory=dict)
    words: list[str] = field(default_factory=list)


Play = Generator[Phase, PhaseResult, Summary]


@dataclass(frozen=True, slots=True)
class Scenario:
    """`about`: what is done. `expects`: the end that a good server comes to. `receive_buffer`: of each connection, in
    bytes; None leaves it to the kernel."""

    name: str
    about: str
    expects: str
    play: Callable[[Options, People], Play]
    receive_buffer: int | None = None


def lasting(name: str, doing: Doing, seconds: float, talk: float = 0.0) -> Phase:
    """A phase that ends by the clock."""
    return Phase(name, doing, seconds + GRACE, "every process said that the time was over", talk)


def arrival(options: Options) -> Phase:
    """Everybody comes, and nothing else happens."""
    come = Come(options.connects, options.at_once)
    return Phase(ARRIVAL, come, options.come_within, "everybody is welcome")


def warming_up(options: Options, talk: float) -> Phase:
    """Talk for a moment that no figure counts: the first posts open rooms and files."""
    seconds = min(_WARM_UP, options.seconds)
    return lasting("warm up", Hold(seconds), seconds, talk)


def calm_before(options: Options, rate: float, name: str = "before") -> Generator[Phase, PhaseResult, dict[str, float]]:
    """How people fare who talk, before anything is done to them: what comes after is held against it."""
    yield warming_up(options, rate)
    calm = yield lasting(name, Hold(options.seconds), options.seconds, rate)
    return {"seen_p99_before": calm.seen.p99} if calm.seen else {}


def figures_of_arrival(came: PhaseResult, *before: PhaseResult) -> dict[str, float]:
    """Of a phase in which everybody came, or the last of several in which they did."""
    seconds = sum(phase.seconds for phase in (*before, came))
    connects = sum(phase.counts["connects"] for phase in (*before, came))
    figures = {"connect_seconds": seconds, "connects_per_second": connects / max(seconds, 1e-3)}
    return figures | ({"connect_p99": came.connect.p99} if came.connect else {})


def figures_of_talk(talked: PhaseResult) -> dict[str, float]:
    """Of a phase in which people talked; latencies are missing where nobody did."""
    figures = {
        "posts_per_second": a_second(talked, "acknowledged"),
        "deliveries_per_second": a_second(talked, "delivered"),
    }
    if talked.ack:
        figures |= {"ack_p50": talked.ack.p50, "ack_p99": talked.ack.p99}
    if talked.seen:
        figures |= {"seen_p50": talked.seen.p50, "seen_p99": talked.seen.p99}
    return figures | ({"late_p99": talked.late.p99} if talked.late else {})


def a_second(phase: PhaseResult, count: str) -> float:
    """How often something happened in a second of the phase, on the average."""
    return phase.counts[count] / max(phase.seconds, 1e-3)


def rate_of(options: Options) -> float:
    """Posts a second of all people: as chosen, or as so many people would."""
    return options.rate or options.connections * POSTS_A_SECOND
