"""What a conversation of two makes of a block: nobody says anything there, and neither sees the other; pure.

What was said stays readable, and either may delete their own. A room is told of a change again and again, also of one
that it has read when it opened: so what is told is how it is, and not what has changed.
"""

from __future__ import annotations

from msgspec import structs

from server.rooms.state import RoomState
from server.store.account_messages import BlockChange
from server.store.room_changes import Particulars


def blocked(state: RoomState, change: BlockChange) -> None:
    """One of the two has blocked the other, or does so no more."""
    particulars = state.record.particulars or Particulars()
    others = particulars.blocked_by - {change.by}
    particulars.blocked_by = others | {change.by} if change.on else others
    state.record = structs.replace(state.record, particulars=particulars or None)
