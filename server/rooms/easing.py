"""How fast many may be told the same thing: as fast as they read, as far as the kernel's memory tells. Pure.

A socket whose peer has not read yet holds a whole page of the kernel's memory for TCP, however little was said. There
is a limit to that for all sockets of the machine together, and from there on everybody is slow (decision 21).

The rules:
- Before each portion of a large fan-out it is looked how much of that memory is in use. Above the limit the fan-out
  waits, and looks again. All processes of the machine see the same figure, so they slow down together.
- Nobody waits for ever: what holds the memory may be no business of ours, or never be read. After `MOST_SECONDS` a
  portion goes out all the same. What has no room then waits in the kernel's and our queues as ever; nothing is lost.
- Where the figure cannot be seen, so many are told in a second as would fill the limit if nobody read within it.
- One object holds for all rooms of a process, so that several at once are no faster than one.
"""

from __future__ import annotations

from collections.abc import Callable
from math import inf
from typing import Final

PORTION: Final = 256
"""Receivers between two looks: a look takes 5 us, to tell so many 2 ms. It is also what each of many processes can go
beyond the limit by."""

PAUSE_SECONDS: Final = 0.01
"""Until the next look: a reader is through with a few hundred sockets in that time."""

MOST_SECONDS: Final = 0.25
"""So 1,000 a second are told by each process at the least: 18,000 in 18 s, where nothing helps."""

COUNTED_SECONDS: Final = 1.0

UNHURRIED: Final = 2_000
"""People whom a process that has a processor for itself tells in a second what nobody waits for: some percent of it."""


def _nothing() -> int:
    return 0


class Easing:
    """When those may go on who tell many.

    Parameters
    ----------
    used
        Looks how much memory is in use, in pages; None: it cannot be seen.
    limit
        Above so many pages nobody goes on. Without both parameters there is never a pause.
    share
        Receivers that this process may tell in a second where nothing can be seen.
    unhurried
        The same, of what nobody waits for (`unhurried.py`).
    """

    __slots__ = ("_held_since", "_left", "_limit", "_second", "_share", "_told", "_used", "unhurried")

    def __init__(
        self,
        used: Callable[[], int | None] = _nothing,
        limit: int = 0,
        share: int = PORTION,
        unhurried: float = UNHURRIED,
    ) -> None:
        self._used = used
        self._limit = limit
        self._share = share
        self.unhurried = unhurried
        self._left = 0  # receivers that may be told before the next look
        self._held_since: float | None = None
        self._second = -inf  # when the second began in which `_told` were told
        self._told = 0

    def wait(self, receivers: int, now: float) -> float:
        """Before telling so many: 0.0: now; otherwise ask again in so many seconds.

        `now` is in seconds of a clock that never steps back.
        """
        if self._left <= 0:
            used = self._used()
            seconds = self._by_count(now) if used is None else self._by_memory(used, now)
            if seconds:
                return seconds
            self._left = PORTION
        self._left -= receivers
        return 0.0

    def _by_memory(self, used: int, now: float) -> float:
        if used <= self._limit:
            self._held_since = None
            return 0.0
        if self._held_since is None:
            self._held_since = now
        if now - self._held_since < MOST_SECONDS:
            return PAUSE_SECONDS
        self._held_since = now
        return 0.0

    def _by_count(self, now: float) -> float:
        if now - self._second >= COUNTED_SECONDS:
            self._second, self._told = now, 0
        if self._told >= self._share:
            return self._second + COUNTED_SECONDS - now
        self._told += PORTION
        return 0.0
