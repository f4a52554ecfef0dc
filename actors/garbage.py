"""Garbage: when the collector looks, and at what.

A running system makes no reference cycles in steady state, but the collector does not know: a full collection
walks every actor (50 ms or more for 100,000), for nothing. So what has lived through the start, or through
the birth of another 10,000 actors (2.6 ms to walk), is frozen: taken out of the collector's sight. And so is what
has grown old in another way, once it is much: a system may have all its actors and go on to learn of a million
others. Frozen objects are still freed at once when nobody refers to them; only a cycle among them would stay for
ever, which is what "no cycles" is for.

The rules:
- What is young is collected first, so that no garbage is frozen. The collector does that by itself all the time; the
  freezer waits for it to be done, whoever made it look: a task that starts actors by the hundred thousand while the
  scheduler sleeps needs it most.
- Without births, what is old is counted only now and then, and only what is much is frozen: in a system that does not
  grow the collector goes on to look for old cycles.
"""

from __future__ import annotations

import gc
from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class FreezePolicy:
    """When to freeze.

    Args:
        every: new actors between two freezes.
        old: objects that have outlived two collections, without which nothing is frozen between births. 100,000 take
            the collector 10 ms.
    """

    every: int = 10_000
    old: int = 100_000


_LOOKS_AFTER = 8
"""Collections of what is young until what is old is counted: the collector itself waits for eleven."""


class Freezer:
    """Carries out a policy, from the start of a system to its end.

    Args:
        policy: when.
        births: how many actors were started so far.

    Attributes:
        freezes: how often it froze.
    """

    __slots__ = ("_births", "_next", "_policy", "freezes")

    def __init__(self, policy: FreezePolicy, births: Callable[[], int]) -> None:
        self._policy = policy
        self._births = births
        self._next = 0
        self.freezes = 0

    def start(self) -> None:
        """Freeze what there is, and from now on what grows."""
        gc.callbacks.append(self._collected)
        gc.collect(1)

    def stop(self) -> None:
        """Give everything back to the collector; harmless if it was not started."""
        if self._collected in gc.callbacks:
            gc.callbacks.remove(self._collected)
            gc.unfreeze()

    def _collected(self, phase: str, info: dict[str, int]) -> None:
        """The collector tells: with generation 1 or 2, all that was young is either gone or old."""
        if phase == "stop" and info["generation"]:
            births = self._births()
            if births >= self._next or self._much_is_old():
                self._next = births + self._policy.every
                self.freezes += 1
                gc.freeze()

    def _much_is_old(self) -> bool:
        _, _, collections = gc.get_count()
        return collections % _LOOKS_AFTER == 0 and len(gc.get_objects(generation=2)) >= self._policy.old
