"""One room with everybody in it: somebody says one thing, and it is measured when the last one has it.

Nothing else goes on, so this is the time of one fan-out, from the moment before the post is sent to the last receipt by
any process. On one machine both are read from the same clock.
"""

from __future__ import annotations

import random
from collections.abc import Generator
from statistics import median

from loadtest.people import People
from loadtest.scenarios.figures import told
from loadtest.scenarios.messages import Broadcast, Options, PhaseResult
from loadtest.scenarios.play import Phase, Play, Summary, arrival, figures_of_arrival
from loadtest.scenarios.talking import before

EXPECTS = "everybody in the room has seen it"
LAST = "last_receipt"
"""Of a phase's figures: seconds from the post to the last one of a process who saw it."""


def broadcast(options: Options, people: People) -> Play:
    came = yield arrival(options)
    figures = figures_of_arrival(came)
    if not came.in_time:
        return Summary(figures)
    figures |= yield from broadcasts(options, people)
    return Summary(figures, words_of(figures))


def broadcasts(options: Options, people: People) -> Generator[Phase, PhaseResult, dict[str, float]]:
    """As many as were asked for, each by somebody else, into the largest room there is."""
    room = people.rooms_of(0)[0]
    members = before(people.members_of(room), options.connections)
    chance = random.Random(f"{options.seed} broadcast")  # noqa: S311 - nothing is kept secret
    lasts: list[float] = []
    for nth in range(1, options.repeats + 1):
        doing = Broadcast(chance.choice(members), room)
        sent = yield Phase(f"broadcast {nth}", doing, options.settle_within, EXPECTS)
        if not sent.in_time:
            break
        lasts.append(sent.figures[LAST])
    if not lasts:
        return {}
    return {"broadcast_to": len(members), "broadcast_median": median(lasts), "broadcast_worst": max(lasts)}


def words_of(figures: dict[str, float]) -> list[str]:
    if "broadcast_median" not in figures:
        return []
    middle, worst = (told(name, figures[name]) for name in ("broadcast_median", "broadcast_worst"))
    return [
        f"one message to {figures['broadcast_to']:,.0f} people reached the last of them after {middle} (median; the "
        f"worst: {worst})"
    ]
