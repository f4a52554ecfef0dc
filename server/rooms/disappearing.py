"""Who looks after messages that disappear: a task that finds those whose time is up, and has their rooms delete them.

The rules:
- A room deletes them as it does everything else: by an entry of its log, which whoever is there hears, and whoever was
  away reads later. So text, index and reactions go in the transaction that says so, and everybody ends with the same.
- What is to be done stands in the database, and leaves it in that transaction. A crash loses nothing, and what is done
  twice changes nothing the second time.
- Nothing disappears early because a clock was set: time is the earlier of two, the wall clock and one that only goes on
  (`Clock`). A wall clock that was set forth or back makes some disappear later, until this process ends or it has
  caught up.
- A few at a time, so that posts come in between; those of a busy minute take a few seconds more.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from time import monotonic
from typing import Final

import trio

from actors import Inbox, TaskContext
from server.accounts.asking import answer_to
from server.protocol.errors import Refusal
from server.protocol.message_commands import Expire
from server.protocol.objects import User
from server.rhythm import sleep_to_next
from server.rooms.calling import told_by_room
from server.rooms.finding import Rooms
from server.store.due import Due, From, ReadDue

EVERY: Final = 2.0
AT_ONCE: Final = 50
"""Each takes the index half a millisecond."""

PATIENCE_SECONDS: Final = 10.0
_BEGINNING: Final[From] = (0, "", 0)


class Clock:
    """A time that is never ahead of the wall clock, nor of what has passed since this was made.

    Parameters
    ----------
    wall
        Milliseconds since the epoch; may be set.
    steady
        Seconds; goes on.
    """

    __slots__ = ("_begun", "_steady", "_wall")

    def __init__(self, wall: Callable[[], int], steady: Callable[[], float] = monotonic) -> None:
        self._wall = wall
        self._steady = steady
        self._begun = wall() - round(steady() * 1000)

    def now(self) -> int:
        return min(self._wall(), self._begun + round(self._steady() * 1000))


async def run_disappearing(
    context: TaskContext,
    reader: Inbox,
    rooms: Rooms,
    is_mine: Callable[[str], bool],
    clock: Clock,
    every: float = EVERY,
) -> None:
    """Look for messages whose time is up every `every` seconds, until cancelled.

    Parameters
    ----------
    is_mine
        Whether a room is this process's to look after.
    """
    context.started()
    while True:
        await sleep_to_next(every)
        after: From | None = _BEGINNING
        while after is not None:
            due = await _due(reader, clock.now(), after)
            async with trio.open_nursery() as nursery:
                for one in due:
                    if is_mine(one.room):
                        nursery.start_soon(_expire, rooms, one)
            after = (due[-1].at, due[-1].room, due[-1].seq) if len(due) == AT_ONCE else None


async def _due(reader: Inbox, now: int, after: From) -> tuple[Due, ...]:
    """None at all, where the store does not answer: then it is asked again with the next look."""

    try:
        return await answer_to(
            reader, lambda to: ReadDue(reply_to=to, now=now, limit=AT_ONCE, after=after), tuple, PATIENCE_SECONDS
        )
    except Refusal:
        return ()


async def _expire(rooms: Rooms, due: Due) -> None:
    """What a room cannot do now comes again with the next look, and of a room that is deleted nothing does."""
    author = User(user=due.author, name=None, deleted=True)
    with suppress(Refusal):
        await told_by_room(rooms, author, Expire(room=due.room, target=due.seq), PATIENCE_SECONDS)
