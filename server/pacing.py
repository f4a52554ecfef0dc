"""How fast commands may come, from one connection and from one user: pure, with the time passed in.

A command takes part of an allowance (`server/allowances.py`): the time that its share of `commands` a second takes, or
that its bytes take at `size` a second, whichever is longer. So neither rate is exceeded in the long run, and one number
says how far somebody is. Whoever has used up the allowance of `burst` seconds is told to wait. What is refused takes
part of a second allowance, as large as the first, and the wait is long enough for all that was: who pipelines, waits as
long as it was told, and sends all of it again, is served then. Who has used up the second one too goes on and on
although it was told, and is flooding.

Nothing is kept of those who said nothing lately: an idle connection costs nothing here.
"""

from __future__ import annotations

from collections.abc import Hashable
from math import inf
from typing import Final, Generic, TypeVar

import trio

from actors import TaskContext
from server.allowances import Allowances
from server.protocol.errors import ErrorCode, Refusal
from server.rhythm import sleep_to_next

Who = TypeVar("Who", bound=Hashable)

FLOODING: Final = inf  # seconds
"""No waiting helps: the answer to who went on after being told to wait."""

FLOODING_SECONDS: Final = 60.0
"""After which whoever was flooding may come back (docs/protocol.md, Close codes)."""

SWEEP_SECONDS: Final = 1.0
IDLE_SECONDS: Final = 6.0
"""Between two sweeps while there is nobody to forget."""


class Pace(Generic[Who]):
    """The pace of many connections, or of many users.

    Parameters
    ----------
    commands, size
        Commands and bytes a second.
    burst
        Seconds' worth of them that may come at once.
    """

    __slots__ = ("_done", "_per_byte", "_per_command", "_refused")

    def __init__(self, *, commands: float, size: float, burst: float) -> None:
        self._per_command = 1.0 / commands
        self._per_byte = 1.0 / size
        self._done: Allowances[Who] = Allowances(burst)
        self._refused: Allowances[Who] = Allowances(burst)

    def __len__(self) -> int:
        return len(self._done)

    def charge(self, who: Who, size: int, now: float) -> float:
        """Count a command of `size` bytes. 0.0: it may be done; otherwise the seconds to wait, or `FLOODING`.

        `now` is in seconds of a clock that never steps back.
        """
        seconds = size * self._per_byte
        if seconds < self._per_command:
            seconds = self._per_command
        wait = self._done.take(who, seconds, now)
        if not wait:
            return 0.0
        before = self._refused.used(who, now)
        return FLOODING if self._refused.take(who, seconds, now) else wait + before

    def sweep(self, now: float) -> None:
        """Forget whoever has been slow for long enough."""
        self._done.sweep(now)
        self._refused.sweep(now)


def without_limit() -> Pace[Who]:
    """For who is not to be slowed down: a benchmark, a test of something else."""
    return Pace(commands=inf, size=inf, burst=1.0)


def rate_limited(wait: float) -> Refusal:
    """What to answer to a command that has to wait for so many seconds."""
    milliseconds = round(min(wait, FLOODING_SECONDS) * 1000) + 1
    return Refusal(ErrorCode.RATE_LIMITED, "too much at once, please wait", milliseconds)


async def run_sweep(context: TaskContext, *paces: Pace[Hashable] | Pace[str]) -> None:
    """Sweep once a second while there is anything to sweep, until cancelled."""
    context.started()
    while True:
        await sleep_to_next(SWEEP_SECONDS if any(map(len, paces)) else IDLE_SECONDS)
        for pace in paces:
            pace.sweep(trio.current_time())
