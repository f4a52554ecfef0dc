"""Other rights in a room: pure. What may be said of them, and what is usual, is in `room_rights.py`."""

from __future__ import annotations

from msgspec import structs

from server.protocol.governing_commands import SetRights
from server.protocol.replies import Ok
from server.rooms.effects import Effect
from server.rooms.in_flight import THE_ROOM
from server.rooms.messages import Request
from server.rooms.room_rights import changed, check_wanted
from server.rooms.state import RoomState, answered
from server.store.room_changes import RightsSet


def set_rights(state: RoomState, request: Request, wanted: SetRights, now: float) -> list[Effect]:
    """What is not named stays."""
    check_wanted(wanted, state.record.kind)
    if state.in_flight.waits_for_change(THE_ROOM, request):
        return []
    info = state.room_info
    rights = changed(info.rights, wanted, info.kind)
    if rights == info.rights:
        return [answered(request, Ok(id=request.command.id))]
    draft = RightsSet(request.user.user, structs.replace(info, rights=rights))
    return [state.append(draft, request.user, request, now)]
