"""People leave and come again all the time, while the others go on talking.

The figures are how long a return takes, and what it costs those who stay. Everybody who comes again resumes: what they
missed is part of what is checked.
"""

from __future__ import annotations

from loadtest.people import People
from loadtest.scenarios.figures import told
from loadtest.scenarios.messages import Churn, Options
from loadtest.scenarios.play import (
    Play,
    Summary,
    a_second,
    arrival,
    calm_before,
    figures_of_arrival,
    figures_of_talk,
    lasting,
    rate_of,
)


def churn(options: Options, people: People) -> Play:
    came = yield arrival(options)
    figures = figures_of_arrival(came)
    if not came.in_time:
        return Summary(figures)
    rate = rate_of(options)
    figures |= yield from calm_before(options, rate)
    doing = Churn(options.churn, options.away, options.seconds)
    went = yield lasting("churn", doing, options.seconds, rate)
    figures |= figures_of_talk(went)
    figures |= {"returns_per_second": a_second(went, "connects")}
    figures |= {"recovery_p99": went.connect.p99} if went.connect else {}
    return Summary(figures, _words(figures))


def _words(figures: dict[str, float]) -> list[str]:
    if "recovery_p99" not in figures:
        return ["nobody came again while it was measured"]
    words = f"{told('returns_per_second', figures['returns_per_second'])} people came again, 99 of 100 of them within "
    return [words + told("recovery_p99", figures["recovery_p99"])]
