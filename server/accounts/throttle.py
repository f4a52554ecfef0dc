"""How often one may try to log in: an allowance (`server/allowances.py`) for each name and address.

Tries are counted per name and address *together*: who guesses from one address cannot lock the owner of the
name out at another. Of IPv6 a whole site counts as one address (`server/networks.py`). A try that turned out to be
good, or that was not looked at, is given back.

Memory is bounded: at `most` keys the one whose allowance is whole soonest is forgotten. That frees nobody who is
worth holding back as long as `most` is above what the hashing thread can check in a minute (about 2,000).
"""

from __future__ import annotations

from typing import Final

from server.allowances import Allowances
from server.networks import network_of

WINDOW: Final = 60.0  # seconds in which `attempts` are allowed


class LoginThrottle:
    """Which (name, address) may try now.

    Parameters
    ----------
    attempts
        Tries that are allowed at once, and in every 60 s.
    most
        Keys to remember.
    """

    __slots__ = ("_allowances", "_interval")

    def __init__(self, attempts: int, most: int = 10_000) -> None:
        self._interval = WINDOW / attempts
        self._allowances: Allowances[tuple[str, str]] = Allowances(WINDOW, most)

    def __len__(self) -> int:
        return len(self._allowances)

    def attempt(self, name: str, address: str, now: float) -> float | None:
        """Take one try. None: go ahead; otherwise the seconds until the next one is allowed (none was taken).

        `address` is numeric; `now` is in seconds of any clock that never steps back.
        """
        return self._allowances.take((name, network_of(address)), self._interval, now) or None

    def give_back(self, name: str, address: str) -> None:
        """The try was a good one, or could not be looked at."""
        self._allowances.give_back((name, network_of(address)), self._interval)
