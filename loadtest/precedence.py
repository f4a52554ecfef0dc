"""Who conducts or watches a load test goes before those who make the load, where the system lets them.

A hundred busy processes on two cores get a fiftieth of a core each. Whoever hears fifty of them needs more than that
for a moment, and falls behind without end; it needs little on the whole. Only root may go before others
(setpriority(2)); for anybody else nothing changes.
"""

from __future__ import annotations

import os
from contextlib import suppress
from math import ceil, log
from typing import Final

from loadtest.crowd.shifts import Shifts

_CROWDED: Final = 3  # processes for each processor; as the server counts its workers (`server/parent/processes.py`)
_AT_A_TIME: Final = 2  # for each processor, while people come
_SHIFT_SECONDS: Final = 1.0  # several hundred people of each
_NICEST: Final = 19
_STEP: Final = 1.25  # by so much less weighs who is nicer by one (sched(7))
_NICENESS: Final = -10  # nine times the share of an ordinary process, when all want more than there is


def take_precedence() -> None:
    """For this process, and those it starts from now on."""
    with suppress(PermissionError):
        os.setpriority(os.PRIO_PROCESS, 0, _NICENESS)


def shifts_of(player: int, players: int) -> Shifts | None:
    """When process `player` (from 0) lets its people come: of many, a few do at a time."""
    if not _is_crowded(players):
        return None
    shifts = -(-players // (_AT_A_TIME * _cores()))
    return Shifts(player % shifts, shifts, _SHIFT_SECONDS)


def let_others_finish(processes: int) -> None:
    """For one of so many that make the load: where they are many, it takes the processor from nobody when it wakes.

    Fifty that come to life for a connection or two each would have the server fill its caches anew every time
    (SCHED_BATCH, sched(7); it needs no privilege). And who owns the rooms goes before it, as before the server's other
    workers, which are as nice (`server/parent/processes.py`).
    """
    if _is_crowded(processes):
        os.nice(min(ceil(log(processes / _cores(), _STEP)), _NICEST))  # all of them weigh as much as one that is not
        with suppress(OSError):
            os.sched_setscheduler(0, os.SCHED_BATCH, os.sched_param(0))


def _is_crowded(processes: int) -> bool:
    return processes >= _CROWDED * _cores()


def _cores() -> int:
    return len(os.sched_getaffinity(0))
