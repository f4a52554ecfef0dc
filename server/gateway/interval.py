"""How long a peer may be silent before it is asked whether it is there: longer where there are many. Pure.

A ping and its pong cost the same for everybody, so an interval that is good for a thousand peers would take all of a
processor from a million. The interval grows with their number, so that pings take a small part of what this process may
use, and never more. Who is gone without a word is found all the same, by the kernel (`keepalive.py`).

It goes by steps, each half or a third as long again as the one before: a change has to be told to everybody, and a
number that grows and shrinks a little with each who comes would be told all the time. It becomes longer as soon as it
has to, and shorter only where the shorter one would do with something to spare.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import count, takewhile
from typing import Final

PING_SECONDS: Final = 41e-6
"""Of a processor, for a ping and its pong, of both ends on one machine, as a prototype took it with a million
connections in many processes. In one process that does nothing else it is 28 us, 20 of them at the server's end
(docs/figures.md)."""

SHARE: Final = 0.02
"""Of the processor, for pings."""

TO_SPARE: Final = 1.25
"""As many connections as there are, times this, have to be served by a shorter interval before it is chosen."""


def steps(shortest: float, longest: float) -> tuple[float, ...]:
    """The intervals that there are, in seconds: 30, 45, 60, 90, 120, 180 …

    Parameters
    ----------
    shortest
        Seconds; the first of them.
    longest
        Seconds; the last of them, where it is longer than the first.
    """
    growing = (shortest * factor * 2**doublings for doublings in count() for factor in (1.0, 1.5))
    return (*takewhile(lambda step: step < longest, growing), max(shortest, longest))


def needed(connections: int, processors: float) -> float:
    """The interval in seconds at which pings take their share and no more.

    Parameters
    ----------
    connections
        Peers that may be silent.
    processors
        What this process can count on: 1 has one for itself; 0.04 shares 2 with 49 others. More than 1 it cannot use.
    """
    return connections * PING_SECONDS / (SHARE * min(processors, 1.0))


def lengthened(steps: Sequence[float], interval: float, connections: int, processors: float) -> float:
    """The interval for as many connections as there are now: the present one, or a longer one."""
    wanted = needed(connections, processors)
    return next((step for step in steps if step >= max(wanted, interval)), steps[-1])


def shortened(steps: Sequence[float], interval: float, connections: int, processors: float) -> float:
    """The interval for the most connections that there were for a while: the present one, or a shorter one."""
    wanted = needed(connections, processors) * TO_SPARE
    return min(interval, next((step for step in steps if step >= wanted), interval))
