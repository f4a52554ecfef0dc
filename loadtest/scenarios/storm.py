"""Many people are cut off at one moment, one in two with a reset, and all of them come again at once.

Others go on talking meanwhile, so that there is something to be missed. Who comes again says how far they had come in
each room, and is there again when the server has given them the rest, or has told them that it will not.
"""

from __future__ import annotations

from collections.abc import Generator

from loadtest.people import People
from loadtest.scenarios.figures import told
from loadtest.scenarios.messages import Cut, Options, PhaseResult
from loadtest.scenarios.play import (
    Phase,
    Play,
    Summary,
    arrival,
    calm_before,
    figures_of_arrival,
    rate_of,
)

RECOVERY = "recovery"
"""Of a phase's figures: seconds from the cut until the last one of a process had everything."""


def storm(options: Options, people: People) -> Play:
    came = yield arrival(options)
    figures = figures_of_arrival(came)
    if not came.in_time:
        return Summary(figures)
    rate = rate_of(options)
    figures |= yield from calm_before(options, rate)
    figures |= yield from cut_off(options, rate)
    return Summary(figures, words_of(figures))


def cut_off(options: Options, talk: float) -> Generator[Phase, PhaseResult, dict[str, float]]:
    """The storm itself."""
    expects = "who was cut off is there again, with everything"
    count = min(options.storm or round(options.share * options.connections), options.connections)
    went = yield Phase("storm", Cut(count), options.come_within, expects, talk)
    if not went.in_time:
        return {}
    figures = {
        "cut_off": count,
        "recovery_seconds": went.figures[RECOVERY],
        "posted_meanwhile": went.counts["acknowledged"],
    }
    figures |= {"recovery_p99": went.connect.p99} if went.connect else {}
    figures |= {"meanwhile_ack_p99": went.ack.p99} if went.ack else {}
    return figures | ({"seen_p99": went.seen.p99} if went.seen else {})


def words_of(figures: dict[str, float]) -> list[str]:
    if "recovery_seconds" not in figures:
        return []
    return [
        f"{figures['cut_off']:,.0f} people were cut off at once, and all were back with everything they had missed "
        f"after {told('recovery_seconds', figures['recovery_seconds'])}; {figures['posted_meanwhile']:,.0f} posts were "
        "acknowledged meanwhile"
    ]
