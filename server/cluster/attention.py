"""How long somebody was silent while this process listened: pure, with the time passed in.

Who was stopped, or starved by a busy machine, would otherwise find upon waking that everybody else had been silent for
too long. So whatever is to be held against others, a peer's beat or the engine's answer, is measured in time in which
this process could have heard them, and of that only in time of which it has heard everything that was said:

- a wake-up that comes later than it was asked for counts as if it had come in time, or nearly (`AttentiveClock`);
- what has come and lies unread is no silence (`CaughtUp`).

Both are needed. A process that gets little of a processor is hardly ever much too late for one thing: each round of its
event loop takes half a second, and it takes it five of them to ask a question and to hear the answer.
"""

from __future__ import annotations

from typing import Final

LITTLE_SECONDS: Final = 0.1
"""So much may a wake-up be late and count in full, or four of them, each a millisecond late, would not make four
seconds."""

MUCH_BYTES: Final = 64 * 1024
"""In a socket unread. Of whom so much is kept waiting, the other side may have more that the kernel does not take: half
of the least that it takes by default."""


class AttentiveClock:
    """Seconds of attention."""

    __slots__ = ("_last", "_now")

    def __init__(self) -> None:
        self._last: float | None = None
        self._now = 0.0

    @property
    def now(self) -> float:
        """Rises only by `ticked`."""
        return self._now

    def ticked(self, time: float, due: float) -> float:
        """It is `time` now, and `due` is when this process had asked to be woken. Returns `now`.

        Parameters
        ----------
        time, due
            Seconds of a clock that goes on while nobody looks.
        """
        if self._last is not None:
            self._now += max(0.0, min(time, due + LITTLE_SECONDS) - self._last)
        self._last = time
        return self._now


class CaughtUp:
    """Until when everything that had come by a connection has been read: what had not come by then, had not been said.

    Whoever looks at an arbitrary moment nearly always finds something in the socket of a busy connection. So what lies
    there at one look is waited for, and when it was taken out, the time of that look is what is known.
    """

    __slots__ = ("_aim", "_aimed_at", "_until")

    def __init__(self) -> None:
        self._until = 0.0
        self._aimed_at: float | None = None
        self._aim = 0

    def looked(self, now: float, unread: int, read: int) -> float:
        """`unread` bytes lie in the socket, and `read` were ever taken out of it. Returns until when, at most `now`."""
        if self._aimed_at is not None and read >= self._aim:
            self._until, self._aimed_at = self._aimed_at, None
        if not unread:
            self._until, self._aimed_at = now, None
        elif self._aimed_at is None and unread < MUCH_BYTES:
            self._aimed_at, self._aim = now, read + unread
        return self._until
