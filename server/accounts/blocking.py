"""People whom others have blocked: open conversations hear of it, wherever that was done.

Whoever blocks somebody in this process tells their conversation at once, if it is open here. The sweep below finds what
other nodes did, or what this one could not tell any more: it asks the store every two seconds for changes of late, as
`revocations.py` does for tokens, and for the same reason some are told twice, which changes nothing. A room that opens
reads for itself how it stands.

Nothing is asked while no room is open here.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, Protocol

from actors import Address, Inbox, TaskContext
from server.accounts.asking import answer_to
from server.protocol.errors import Refusal
from server.rhythm import sleep_to_next
from server.store.account_messages import BlockChange, BlockChanges, ReadBlocks

EVERY: Final = 2.0  # seconds; docs/protocol.md promises "within seconds"
BEFORE_START: Final = 60_000
"""ms that the first look goes back: no room here was opened before."""


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
    since = now() - BEFORE_START
    while True:
        await sleep_to_next(every)
        if not rooms:
            since = now() - BEFORE_START
            continue
        since = await _sweep(reader, rooms, since, every)


async def _sweep(reader: Inbox, rooms: OpenRooms, since: int, seconds: float) -> int:
    """From where to look the next time: unchanged when the store did not answer."""
    try:
        found = await answer_to(reader, lambda to: ReadBlocks(reply_to=to, since=since), BlockChanges, seconds)
    except Refusal:
        return since
    for change in found.changes:
        tell_blocked(rooms, change)
    return found.at
