"""What `hubbub prove` plays: everything that is claimed of so many connections, one after the other, on one crowd.

All come; all are held, and only heartbeats go on; posts are made in small rooms spread over all people; one person
speaks to everybody; many are cut off at once and come again while others talk; and a process of the server is killed,
where one is named. It takes people who are all in one room and each in a small one: `all,each:10`.

With `growth` they come in parts, when every process has had time to settle: at so many people, at ten times as many and
so on nobody comes for some seconds, in which memory and processor can be looked at from outside, and one broadcast is
made. So one run tells how costs grow.
"""

from __future__ import annotations

import random
from collections.abc import Generator, Iterator
from typing import Final

from loadtest.people import People
from loadtest.scenarios import broadcast, storm
from loadtest.scenarios.figures import told
from loadtest.scenarios.messages import Broadcast, Come, Hold, Kill, Options, PhaseResult, Spread
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
REST_SECONDS: Final = 15.0  # of those who pause
ASSEMBLY: Final = "assemble"
ASSEMBLY_SECONDS: Final = 10.0  # in which each process takes the memory that it takes without anybody
HOLD: Final = "hold"
REST: Final = "rest at "
"""What the name of such a phase begins with; then follows the number of people, with commas."""

_QUIET_SECONDS: Final = 5.0  # after which nobody loses a connection to a process that was killed; and for each
_QUIET_SECONDS_EACH: Final = 1e-5  # connection, because what many processes do at once takes that long


def proof(options: Options, people: People) -> Play:
    parts: list[PhaseResult] = []
    if options.growth:
        yield lasting(ASSEMBLY, Hold(ASSEMBLY_SECONDS), ASSEMBLY_SECONDS)
    for count in pauses(options):
        came = yield from _pause(options, people, count)
        if not came.in_time:
            return Summary(figures_of_arrival(came, *parts))
        parts.append(came)
    came = yield arrival(options)
    figures = figures_of_arrival(came, *parts)
    if not came.in_time:
        return Summary(figures)
    yield lasting(HOLD, Hold(options.seconds), options.seconds)
    seconds = options.posts / (options.rate or SPREAD_RATE)
    expects = "every post in a small room is answered and seen"
    spread = yield Phase("small rooms", Spread(options.posts, seconds), seconds + options.settle_within, expects)
    figures |= figures_of_talk(spread)
    figures |= yield from broadcast.broadcasts(options, people)
    storm_figures = yield from storm.cut_off(options, options.rate or STORM_TALK)
    figures |= {name: value for name, value in storm_figures.items() if name not in figures}
    if options.kill:
        figures |= yield from _kill(options)
    return Summary(figures, [*_words(options, figures), *broadcast.words_of(figures), *storm.words_of(figures)])


def pauses(options: Options) -> Iterator[int]:
    """The numbers of people at which they pause."""
    count = options.growth
    while 0 < count < options.connections:
        yield count
        count *= 10


def _pause(options: Options, people: People, count: int) -> Generator[Phase, PhaseResult, PhaseResult]:
    """The first `count` come, rest, and hear a broadcast: what came of their coming."""
    come = Come(options.connects, options.at_once, count)
    came = yield Phase(f"come to {count:,}", come, options.come_within, f"{count:,} people are welcome")
    if came.in_time:
        yield lasting(f"{REST}{count:,}", Hold(REST_SECONDS), REST_SECONDS)
        chance = random.Random(f"{options.seed} {count}")  # noqa: S311 - nothing is kept secret
        doing = Broadcast(chance.randrange(count), people.rooms_of(0)[0], count)
        yield Phase(f"broadcast at {count:,}", doing, options.settle_within, broadcast.EXPECTS)
    return came


def _kill(options: Options) -> Generator[Phase, PhaseResult, dict[str, float]]:
    """One process of the server ends without a word, while others talk: where it owned the rooms, how long posts took
    says when another one does."""
    quiet = _QUIET_SECONDS + options.connections * _QUIET_SECONDS_EACH
    expects = "who was connected to the process that was killed is there again, with everything"
    talk = options.rate or STORM_TALK
    died = yield Phase("kill", Kill(options.kill, quiet), options.come_within, expects, talk)
    if not died.in_time:
        return {}
    figures = {"lost_by_kill": died.counts["connects"], "kill_recovery_seconds": died.figures[storm.RECOVERY]}
    return figures | ({"kill_ack_p99": died.ack.p99} if died.ack else {})


def _words(options: Options, figures: dict[str, float]) -> list[str]:
    words = [f"{options.connections:,} people were connected in {told('connect_seconds', figures['connect_seconds'])}"]
    if "seen_p99" in figures:
        words.append(f"in small rooms 99 of 100 posts were seen within {told('seen_p99', figures['seen_p99'])}")
    if "lost_by_kill" in figures:
        recovery = told("kill_recovery_seconds", figures["kill_recovery_seconds"])
        words.append(
            f"a process of the server was killed with {figures['lost_by_kill']:,.0f} connections, and all these people "
            f"were back with everything they had missed after {recovery}"
        )
    return words
