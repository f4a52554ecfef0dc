"""When whom to ask to leave, and when to wait no more: the times of an orderly stop. Pure.

Everybody who leaves comes to the next server, which has to look up a token and to catch somebody up for each. So they
are asked a wave at a time, and the members of a wave spread themselves over the window that they are given. Clients
that do not care for windows, and leave as soon as they are asked, are still spread by the waves.

Few connections are asked at once and are gone in a moment: a stop takes no longer than the crowd needs.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil
from typing import Final

LEAVING_PER_SECOND: Final = 1_000
"""Connections that are asked in a second, if there is time enough: a quarter of what a server on one core takes in."""

WAVE_SECONDS: Final = 0.25
"""Between two waves: what a wave of 1,000 costs is a few milliseconds, and nobody waits for long to be asked."""

LAST_SECONDS: Final = 0.5
"""For the last ones to leave, behind the end of their window: a timer of theirs, and a round trip."""

CUT_OFF_PER_SECOND: Final = 10_000
"""Connections that end in a second, with their sessions: it takes 70 us each on a core of one's own, and a machine that
stops something is often busy.
"""


@dataclass(frozen=True, slots=True)
class Wave:
    """So many connections that are asked at the same time.

    Parameters
    ----------
    at
        Seconds after the first wave.
    count
        Connections, of those that have not been asked yet.
    window
        Milliseconds in which they are to leave. They begin at once: a wave comes at its time.
    """

    at: float
    count: int
    window: int


def waves(connections: int, seconds: float) -> list[Wave]:
    """How `connections` are asked to leave within `seconds`, which have to be more than none.

    The windows follow each other, and the last one ends `LAST_SECONDS` early, where there is so much time.
    """
    longest = max(seconds - LAST_SECONDS, seconds / 2)
    spread = min(connections / LEAVING_PER_SECOND, longest)
    number = max(1, ceil(spread / WAVE_SECONDS))
    width = spread / number
    asked = [connections * wave // number for wave in range(number + 1)]
    return [Wave(wave * width, asked[wave + 1] - asked[wave], round(width * 1000)) for wave in range(number)]


def cut_off_seconds(connections: int, seconds: float) -> float:
    """How long before its end a stop of `seconds` has to cut off those who do not close, for all of it to be over then.

    A quarter of the time at the most: the more there are, the less each of them can be waited for.
    """
    return min(connections / CUT_OFF_PER_SECOND, seconds / 4)


def last_leave(asked: list[Wave], seconds: float) -> float:
    """After how many of the `seconds` nobody who was asked is still to be expected to leave."""
    last = asked[-1]
    return min(last.at + last.window / 1000 + LAST_SECONDS, seconds)
