"""People as they are on a working day: they read, type, post, scroll back and change rooms, at the pace of people.

The figure that matters is the time from a post to each person who sees it, at a rate that the server is asked for and
does not choose: people act when they would, whether or not what they did before was answered.
"""

from __future__ import annotations

from loadtest.people import People
from loadtest.scenarios.figures import told
from loadtest.scenarios.messages import Hold, Options
from loadtest.scenarios.play import (
    Play,
    Summary,
    arrival,
    figures_of_arrival,
    figures_of_talk,
    lasting,
    rate_of,
    warming_up,
)


def steady(options: Options, people: People) -> Play:
    came = yield arrival(options)
    figures = figures_of_arrival(came)
    if not came.in_time:
        return Summary(figures)
    rate = rate_of(options)
    yield warming_up(options, rate)
    talked = yield lasting("talk", Hold(options.seconds), options.seconds, rate)
    figures |= figures_of_talk(talked)
    return Summary(figures, _words(options, figures))


def _words(options: Options, figures: dict[str, float]) -> list[str]:
    if "seen_p99" not in figures:
        return ["nobody saw a post: rooms of more than one person, and more of them connected, would show something"]
    posts, deliveries, p99 = (
        told(name, figures[name]) for name in ("posts_per_second", "deliveries_per_second", "seen_p99")
    )
    return [
        f"{options.connections:,} people made {posts} posts and got {deliveries} deliveries; 99 of 100 were seen "
        f"within {p99}"
    ]
