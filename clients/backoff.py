"""How long to wait before trying again.

Full jitter: a random time between nothing and an exponentially growing bound, so that a crowd that was cut off
together does not come back together. (Marc Brooker, "Exponential Backoff And Jitter", AWS Architecture Blog,
2015, where it needs the fewest calls of the variants compared.) Pure: the caller brings the chance.
"""

from __future__ import annotations

from typing import Final

FIRST: Final = 0.5  # seconds
LONGEST: Final = 30.0  # seconds


def full_jitter(attempt: int, chance: float, first: float = FIRST, longest: float = LONGEST) -> float:
    """Seconds to wait before a try.

    Parameters
    ----------
    attempt
        How many tries in a row have failed, beginning with 0.
    chance
        A random number in [0, 1).
    first, longest
        The bound of the first wait and the bound of all of them, seconds.
    """
    return chance * bound(attempt, first, longest)


def bound(attempt: int, first: float = FIRST, longest: float = LONGEST) -> float:
    """The most seconds to wait before a try: doubles with each failed one."""
    doublings = min(attempt, 63)  # a larger power is no float, and far beyond any `longest`
    return min(longest, first * float(2**doublings))


def moment_to_leave(after: int, window: int, chance: float) -> float:
    """Seconds until a client does what `reconnect` asks of it, so that a crowd that was asked together is spread.

    Parameters
    ----------
    after, window
        As the server gave them, milliseconds.
    chance
        A random number in [0, 1).
    """
    return (after + chance * window) / 1000
