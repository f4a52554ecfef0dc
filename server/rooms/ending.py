"""Who deletes rooms for operators: a task that finds what they wished (`hubbub admin rooms delete`), and has the rooms
do it.

Only its owner may end a room, so that everybody in it hears of that behind what was said before. A wish stands in the
database until its room is gone: what is refused for now, what nobody answered, and what a process that died had begun,
is found by the next look, of this process or of another one.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import structlog

from actors import Inbox, TaskContext
from server.accounts.asking import answer_to
from server.protocol.errors import Refusal
from server.protocol.governing_commands import EndRoom
from server.protocol.objects import User
from server.rhythm import sleep_to_next
from server.rooms.calling import told_by_room
from server.rooms.finding import Rooms
from server.store.endings import Ending, ReadEndings

log: Final = structlog.get_logger(__name__)

EVERY: Final = 2.0  # seconds
AT_ONCE: Final = 20
PATIENCE_SECONDS: Final = 10.0
OPERATOR: Final = User(user="operator", name=None)
"""In whose name it is done: nobody's that could be found."""


async def run_ending(
    context: TaskContext, reader: Inbox, rooms: Rooms, is_mine: Callable[[str], bool], every: float = EVERY
) -> None:
    """Look for rooms that are to be deleted, now and every `every` seconds, until cancelled.

    Parameters
    ----------
    is_mine
        Whether a room is this process's to look after.
    """
    context.started()
    while True:
        after: str | None = ""
        while after is not None:
            wished = await _wished(reader, after)
            for ending in wished:
                if is_mine(ending.room):
                    await _end(rooms, ending)
            after = wished[-1].room if len(wished) == AT_ONCE else None
        await sleep_to_next(every)


async def _wished(reader: Inbox, after: str) -> tuple[Ending, ...]:
    """None at all, where the store does not answer: then it is asked again with the next look."""

    try:
        return await answer_to(
            reader, lambda to: ReadEndings(reply_to=to, limit=AT_ONCE, after=after), tuple, PATIENCE_SECONDS
        )
    except Refusal:
        return ()


async def _end(rooms: Rooms, ending: Ending) -> None:
    try:
        await told_by_room(rooms, OPERATOR, EndRoom(room=ending.room, reason=ending.reason), PATIENCE_SECONDS)
    except Refusal as refusal:
        log.warning("a room is not deleted yet", room=ending.room, trouble=refusal.message)
    else:
        log.info("a room was deleted, as an operator wished", room=ending.room, reason=ending.reason)
