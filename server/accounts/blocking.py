"""People whom others have blocked: open conversations hear of it, wherever that was done.

Whoever blocks somebody in this process tells their conversation at once, if it is open here. The sweep below finds what
other nodes did, or what this one could not tell any more (`looks.py`). Some are told twice, which changes nothing. A
room that opens reads for itself how it stands.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from actors import Address, Inbox, TaskContext
from server.accounts.looks import EVERY, Looks
from server.store.account_messages import BlockChange, BlockChanges, ReadBlocks


class OpenRooms(Protocol):
    """Where a room is found while it is open here."""

    def find(self, key: str, /) -> Address | None: ...

    def __len__(self) -> int: ...


def tell_blocked(rooms: OpenRooms, change: BlockChange) -> None:
    """If the two have a conversation, and it is open here."""
    room = None if change.room is None else rooms.find(change.room)
    if room is not None:
        room.tell(change)


async def run_blocks_sweep(
    context: TaskContext, reader: Inbox, rooms: OpenRooms, now: Callable[[], int], every: float = EVERY
) -> None:
    """Look for changes every `every` seconds until cancelled.

    Parameters
    ----------
    now
        Milliseconds since the epoch.
    """
    context.started()
    looks = Looks(reader, rooms, lambda to, spans: ReadBlocks(reply_to=to, spans=spans), BlockChanges, now, every)
    while True:
        found = await looks.next()
        for change in () if found is None else found.changes:
            tell_blocked(rooms, change)
