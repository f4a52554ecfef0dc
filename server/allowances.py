"""How much of something one may do, and how soon again: a pure rule with passed-in time, and a table of it.

The rule is the generic cell rate algorithm (ITU-T I.371). All that is known of somebody is one number, the time at
which their allowance is whole again; what they do moves it on by the seconds that it costs, and it may lie `window`
seconds ahead at the most. So as much as `window` seconds bring may be used at once, and in the long run no more than
comes back.

Of somebody whose allowance is whole nothing needs to be known: `sweep` forgets them.
"""

from __future__ import annotations

from collections.abc import Hashable
from typing import Final, Generic, TypeVar

Key = TypeVar("Key", bound=Hashable)

_ROUNDING: Final = 1e-9  # seconds: a sum of intervals is not exact


class Allowance:
    """One allowance.

    Parameters
    ----------
    window
        Seconds' worth that may be used at once.
    """

    __slots__ = ("_whole_at", "_window")

    def __init__(self, window: float) -> None:
        self._window = window
        self._whole_at = 0.0

    def take(self, seconds: float, now: float) -> float:
        """As `Allowances.take`."""
        whole_at = max(self._whole_at, now) + seconds
        wait = whole_at - now - self._window
        if wait > _ROUNDING:
            return wait
        self._whole_at = whole_at
        return 0.0


class Allowances(Generic[Key]):
    """The allowances of many.

    Parameters
    ----------
    window
        Seconds' worth that each may use at once.
    most
        Keys to remember; beyond that whoever is nearest to being whole is forgotten first. None: as many as come,
        where somebody sweeps.
    """

    __slots__ = ("_most", "_whole_at", "_window")

    def __init__(self, window: float, most: int | None = None) -> None:
        self._window = window
        self._most = most
        self._whole_at: dict[Key, float] = {}

    def __len__(self) -> int:
        return len(self._whole_at)

    def take(self, key: Key, seconds: float, now: float) -> float:
        """Take `seconds` of an allowance, if so much is left.

        Parameters
        ----------
        seconds
            In which this comes back.
        now
            In seconds of any clock that never steps back.

        Returns
        -------
        float
            0.0: taken. Otherwise the seconds until it can be; nothing was taken.
        """
        whole_at = self._whole_at.get(key, now)
        if whole_at < now:  # not by `max`: this stands in the way of every command
            whole_at = now
        whole_at += seconds
        wait = whole_at - now - self._window
        if wait > _ROUNDING:
            return wait
        if self._most is not None:
            self._make_room_for(key, now)
        self._whole_at[key] = whole_at
        return 0.0

    def used(self, key: Key, now: float) -> float:
        """How many seconds of the allowance are not back yet."""
        return max(self._whole_at.get(key, now) - now, 0.0)

    def give_back(self, key: Key, seconds: float) -> None:
        """They were not used after all."""
        if key in self._whole_at:
            self._whole_at[key] -= seconds

    def sweep(self, now: float) -> None:
        """Forget everybody whose allowance is whole."""
        if self._whole_at:
            self._whole_at = {key: at for key, at in self._whole_at.items() if at > now}

    def _make_room_for(self, key: Key, now: float) -> None:
        if key in self._whole_at or len(self._whole_at) < (self._most or 0):
            return
        self.sweep(now)
        if len(self._whole_at) >= (self._most or 0):
            del self._whole_at[min(self._whole_at, key=self._whole_at.__getitem__)]
