"""Who goes first when a crowd is let in: those who are inside, and those who are on their way to their rooms.

Whoever lets people in asks here before each pass, at the port and at the corridor from other workers alike. Both waits
are short: a server may be busy for ever, and some are let in all the same.
"""

from __future__ import annotations

from collections.abc import Sized
from typing import Final

import trio

from actors.scheduler import Scheduler

_MANY_ACTORS: Final = 512  # that wait for their turn
_SLICES_BETWEEN: Final = 16  # passes, while there are as many: 32 ms
_MANY_UNSETTLED: Final = 128
_LOOK_SECONDS: Final = 0.02
_MOST_LOOKS: Final = 25  # half a second: half of what the parent takes for a sign that nobody is let in here


async def let_actors_go_first(scheduler: Scheduler) -> None:
    for _ in range(_SLICES_BETWEEN):
        if scheduler.ready <= _MANY_ACTORS:
            return
        await trio.lowlevel.checkpoint()  # with a slice of the scheduler in it


def are_many(unsettled: Sized) -> bool:
    """Whether those who were let in still wait for so much that others should wait for them."""
    return len(unsettled) > _MANY_UNSETTLED


async def let_settle(unsettled: Sized) -> bool:
    """Whether those who were let in have got to their rooms; waits for it, but not for long."""
    for _ in range(_MOST_LOOKS):
        if not are_many(unsettled):
            return True
        await trio.sleep(_LOOK_SECONDS)
    return not are_many(unsettled)
