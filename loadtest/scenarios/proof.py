"""What `hubbub prove` plays: everything that is claimed of so many connections, one after the other, on one crowd.

All come; all are held, and only heartbeats go on; posts are made in small rooms spread over all people; one person
speaks to everybody; a share is cut off at once and comes again while others talk. It takes people who are all in one
room and each in a small one: `all,each:10`.
"""

from __future__ import annotations

from typing import Final

from loadtest.people import People
from loadtest.scenarios import broadcast, storm
from loadtest.scenarios.figures import told
from loadtest.scenarios.messages import Hold, Options, Spread
from loadtest.scenarios.play import (
    Phase,
    Play,
    Summary,
    arrival,
    figures_of_arrival,
    figures_of_talk,
    lasting,
)

SPREAD_RATE: Final = 100.0  # posts a second in small rooms: what is measured is latency, not what a server can bear
STORM_TALK: Final = 50.0  # posts a second while people come back


def proof(options: Options, people: People) -> Play:
    came = yield arrival(options)
    figures = figures_of_arrival(came)
    if not came.in_time:
        return Summary(figures)
    yield lasting("hold", Hold(options.seconds), options.seconds)
    seconds = options.posts / (options.rate or SPREAD_RATE)
    expects = "every post in a small room is answered and seen"
    spread = yield Phase("small rooms", Spread(options.posts, seconds), seconds + options.settle_within, expects)
    figures |= figures_of_talk(spread)
    figures |= yield from broadcast.broadcasts(options, people)
    storm_figures = yield from storm.cut_off(options, options.rate or STORM_TALK)
    figures |= {name: value for name, value in storm_figures.items() if name not in figures}
    return Summary(figures, [*_words(options, figures), *broadcast.words_of(figures), *storm.words_of(figures)])


def _words(options: Options, figures: dict[str, float]) -> list[str]:
    words = [f"{options.connections:,} people were connected in {told('connect_seconds', figures['connect_seconds'])}"]
    if "seen_p99" in figures:
        words.append(f"in small rooms 99 of 100 posts were seen within {told('seen_p99', figures['seen_p99'])}")
    return words
