"""How often one may try to log in: a pure rule with passed-in time.

Tries are counted per name and address *together*: who guesses from one address cannot lock the owner of the
name out at another. The rule is the generic cell rate algorithm (ITU-T I.371), one number a key: the time at
which the allowance is whole again. A try that turned out to be good, or that was not looked at, is given back.

Memory is bounded: at `most` keys the one whose allowance is whole soonest is forgotten. That frees nobody who is
worth holding back as long as `most` is above what the hashing thread can check in a minute (about 2,000).
"""

from __future__ import annotations

from typing import Final

WINDOW: Final = 60.0  # seconds in which `attempts` are allowed

Key = tuple[str, str]


class LoginThrottle:
    """Which (name, address) may try now.

    Parameters
    ----------
    attempts
        Tries that are allowed at once, and in every 60 s.
    most
        Keys to remember.
    """

    __slots__ = ("_attempts", "_interval", "_most", "_whole_at")

    def __init__(self, attempts: int, most: int = 10_000) -> None:
        self._attempts = attempts
        self._interval = WINDOW / attempts
        self._most = most
        self._whole_at: dict[Key, float] = {}

    def __len__(self) -> int:
        return len(self._whole_at)

    def attempt(self, name: str, address: str, now: float) -> float | None:
        """Take one try. None: go ahead; otherwise the seconds until the next one is allowed (none was taken).

        `now` is in seconds of any clock that never steps back.
        """
        key = (name, address)
        whole_at = max(self._whole_at.get(key, now), now)
        wait = whole_at - now - self._interval * (self._attempts - 1)
        if wait > 1e-9:
            return wait
        self._remember(key, whole_at + self._interval, now)
        return None

    def give_back(self, name: str, address: str) -> None:
        """The try was a good one, or could not be looked at."""
        key = (name, address)
        if key in self._whole_at:
            self._whole_at[key] -= self._interval

    def _remember(self, key: Key, whole_at: float, now: float) -> None:
        if key not in self._whole_at and len(self._whole_at) >= self._most:
            self._forget(now)
        self._whole_at[key] = whole_at

    def _forget(self, now: float) -> None:
        """Everybody whose allowance is whole; if nobody's is, the one nearest to it."""
        self._whole_at = {key: at for key, at in self._whole_at.items() if at > now}
        if len(self._whole_at) >= self._most:
            del self._whole_at[min(self._whole_at, key=self._whole_at.__getitem__)]
