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
        Keys that `take` remembers; beyond that whoever is nearest to being whole is forgotten first. None: as many as
        come, where somebody sweeps.
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
        whole_at = max(self._whole_at.get(key, now), now) + seconds
        wait = whole_at - now - self._window
        if wait > _ROUNDING:
            return wait
        self._remember(key, whole_at, now)
        return 0.0

    def charge(self, key: Key, seconds: float, now: float) -> float:
        """Take `seconds` whether or not they are left: by how many the allowance is exceeded now, 0.0 if it is not.

        Bounded by `sweep` alone: this stands in the way of every command.
        """
        whole_at = self._whole_at.get(key, now)
        if whole_at < now:
            whole_at = now
        whole_at += seconds
        self._whole_at[key] = whole_at
        excess = whole_at - now - self._window
        return excess if excess > _ROUNDING else 0.0

    def give_back(self, key: Key, seconds: float) -> None:
        """They were not used after all."""
        if key in self._whole_at:
            self._whole_at[key] -= seconds

    def sweep(self, now: float) -> None:
        """Forget everybody whose allowance is whole."""
        if self._whole_at:
            self._whole_at = {key: at for key, at in self._whole_at.items() if at > now}

    def _remember(self, key: Key, whole_at: float, now: float) -> None:
        if self._most is not None and key not in self._whole_at and len(self._whole_at) >= self._most:
            self._make_room(now)
        self._whole_at[key] = whole_at

    def _make_room(self, now: float) -> None:
        self.sweep(now)
        if len(self._whole_at) >= (self._most or 0):
            del self._whole_at[min(self._whole_at, key=self._whole_at.__getitem__)]
