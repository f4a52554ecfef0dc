"""The end of a room: pure. Its log goes with it, and nobody hears of it again.

Everybody who is in it hears `left`, with who did it and why; that is in no log, because there is none any more.
Whatever was on its way behind it is answered as to strangers of a room that never was, and so is all that is said of it
later, also by who deleted it.
"""

from __future__ import annotations

from server.protocol.errors import no_such_room
from server.protocol.governing_commands import DeleteRoom, EndRoom
from server.protocol.rules import check_reason
from server.rooms.effects import Effect, Rest, Write
from server.rooms.in_flight import THE_ROOM
from server.rooms.messages import Request
from server.rooms.state import RoomState, refused
from server.store.log_messages import Release
from server.store.room_changes import RoomDeleted


def delete_room(state: RoomState, request: Request, wanted: DeleteRoom, now: float) -> list[Effect]:
    """What is said of the room waits until that is decided, but for who comes and goes: they meet the end."""
    if wanted.reason is not None:
        check_reason(wanted.reason)
    if state.in_flight.waits_for_change(THE_ROOM, request):
        return []
    draft = RoomDeleted(request.user.user, wanted.reason)
    return [state.append(draft, request.user, request, now)]


def end_room(state: RoomState, request: Request, wanted: EndRoom, now: float) -> list[Effect]:
    """The same, for an operator, who is nobody's member."""
    if state.in_flight.waits_for_change(THE_ROOM, request):
        return []
    return [state.append(RoomDeleted(None, wanted.reason), request.user, request, now)]


def bury(state: RoomState, deferred: list[Request]) -> list[Effect]:
    """It is gone from the store: nothing that waits will be done. `deferred`: what waited for that."""
    pending, waiting = state.in_flight.abandon()
    left_over = [*deferred, *(request for one in pending for request in one.requests), *waiting]
    return [
        *(refused(request, no_such_room()) for request in left_over),
        Write(Release(state.room, state.lineage)),
        Rest(),
    ]
