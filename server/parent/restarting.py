"""How often a child is started again, and after what wait: the values of `actors/policy.py` for one process. Pure."""

from __future__ import annotations

from typing import Final

from actors.policy import Backoff, Intensity

PATIENCE: Final = Intensity(restarts=10, seconds=60.0)
"""Of each child by itself. A child that ends at once each time uses it up in half a minute; one that is killed now and
then, as in a test of chaos, never does."""

BACKOFF: Final = Backoff(first=0.05, factor=2.0, longest=5.0)


class Restarts:
    """What is remembered of one child's ends."""

    __slots__ = ("_window",)

    def __init__(self) -> None:
        self._window: tuple[float, ...] = ()

    def after(self, now: float) -> float | None:
        """It ended at `now`: after how many seconds it is to be started again; None if it was too often."""
        self._window = PATIENCE.window(self._window, now)
        if PATIENCE.exceeded(self._window):
            return None
        return BACKOFF.delay(len(self._window))
