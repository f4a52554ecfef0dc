"""A room that is handed over to another node: pure.

It takes nothing new, and ends when what is on its way has landed, or was waited for long enough.
"""

from __future__ import annotations

from typing import Final

from server.rooms.effects import Effect, Rest, Write
from server.rooms.messages import Request
from server.rooms.state import RoomState
from server.store.log_messages import Release

HAND_OVER_SECONDS: Final = 1.0  # looked at once a second: what has not landed within two is left behind

Effects = list[Effect]


def leave_behind(state: RoomState, request: Request, now: float) -> Effects:
    """It is not answered, so it is sent again; but a post behind a refused one must not be taken for new then."""
    return [] if state.admits(request, now) else [state.unavailable(request, now)]


def end_when_landed(state: RoomState, waited: float) -> Effects:
    """The end, after `waited` seconds; nothing: it is to wait on.

    Nothing that was refused, and may come again, is left without those behind it: `MOVED` refuses them all.
    """
    has_landed = not (state.is_busy and state.in_flight)
    if not has_landed and waited < HAND_OVER_SECONDS:
        return []
    effects: Effects = [Write(Release(state.room, state.lineage))] if has_landed else []
    return [*effects, Rest(clean=has_landed and not state.holds.waits)]
