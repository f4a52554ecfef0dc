"""When to do what is done again and again: at full multiples of its period, by the event loop's clock.

So an idle process wakes up once for all of it, and not once for each: to wake up costs 250 us, mostly for what other
processes have put out of the processor's caches, whatever is done then (tests/bench/cluster/workers.py). That clock
begins at random in each process, so processes do not wake up together.

The rule: for what has no deadline. Whoever promises something within a period keeps that: the first time is sooner.
"""

from __future__ import annotations

from math import floor

import trio


def seconds_to_next(period: float) -> float:
    """From now until the next time of what is done every `period` seconds: not more than that."""
    return next_time(period, trio.current_time()) - trio.current_time()


async def sleep_to_next(period: float) -> None:
    """Until then."""
    await trio.sleep_until(next_time(period, trio.current_time()))


def next_time(period: float, now: float) -> float:
    """The first multiple of `period` after `now`. Pure."""
    return (floor(now / period) + 1) * period
