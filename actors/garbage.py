"""Garbage: when the collector looks, and at what.

A running system makes no reference cycles in steady state, but the collector does not know: a full collection
walks every actor (50 ms or more for 100,000), for nothing. So what has lived through the start, or through
the birth of another 10,000 actors (2.6 ms to walk), is frozen: taken out of the collector's sight. Frozen
objects are still freed at once when nobody refers to them; only a cycle among them would stay for ever, which
is what "no cycles" is for.
"""

from __future__ import annotations

import gc
from dataclasses import dataclass
from math import inf


@dataclass(frozen=True, slots=True)
class FreezePolicy:
    """When to freeze.

    Args:
        every: new actors between two freezes.
    """

    every: int = 10_000


class Freezer:
    """Carries out a policy. `look` is called by the scheduler between two slices."""

    __slots__ = ("_next", "_policy", "freezes")

    def __init__(self, policy: FreezePolicy) -> None:
        self._policy = policy
        self._next: float = inf
        self.freezes = 0

    def look(self, births: int) -> None:
        """Freeze if it is time, given how many actors were born so far."""
        if births >= self._next:
            self.freeze(births)

    def freeze(self, births: int) -> None:
        """Collect what is young, so that no garbage is frozen, and freeze the rest. The first time: at the start."""
        self._next = births + self._policy.every
        gc.collect(1)
        gc.freeze()
        self.freezes += 1

    def thaw(self) -> None:
        """Give everything back to the collector."""
        gc.unfreeze()
