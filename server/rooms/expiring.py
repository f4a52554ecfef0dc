"""Messages whose time is up: what a room does about it; pure."""

from __future__ import annotations

from server.protocol.message_commands import Expire
from server.rooms.effects import Effect
from server.rooms.messages import Request
from server.rooms.state import RoomState
from server.store.changes import MessageGone


def expire(state: RoomState, request: Request, command: Expire, now: float) -> list[Effect]:
    """In the name of its author, who need not be a member any more. One that is gone already changes nothing."""
    draft = MessageGone(request.user.user, command.target, of_others=True, expired=True)
    return [state.append(draft, request.user, request, now)]
