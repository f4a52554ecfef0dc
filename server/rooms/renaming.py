"""Another name for a room, or another topic: pure. That a channel's name is free only the store can say."""

from __future__ import annotations

from msgspec import structs

from server.protocol.commands import Rename
from server.protocol.errors import ErrorCode, Refusal
from server.protocol.events import Ok
from server.protocol.objects import RoomKind
from server.protocol.rules import check_channel_name, check_display_name, check_topic
from server.rooms.effects import Effect
from server.rooms.in_flight import THE_ROOM
from server.rooms.messages import Request
from server.rooms.state import RoomState, answered
from server.store.room_changes import Renamed


def rename(state: RoomState, request: Request, wanted: Rename, now: float) -> list[Effect]:
    """What is not named stays."""
    _check(wanted, state.record.kind)
    if state.in_flight.waits_for_change(THE_ROOM, request):
        return []
    info = state.room_info
    name = info.name if wanted.name is None else wanted.name
    topic = info.topic if wanted.topic is None else wanted.topic or None
    if (name, topic) == (info.name, info.topic):
        return [answered(request, Ok(id=request.command.id))]
    draft = Renamed(request.user.user, structs.replace(info, name=name, topic=topic))
    return [state.append(draft, request.user, request, now)]


def _check(wanted: Rename, kind: RoomKind) -> None:
    if wanted.name is None and wanted.topic is None:
        raise Refusal(ErrorCode.BAD_REQUEST, "`name` or `topic` must be there")
    if wanted.name is not None and kind == "channel":
        check_channel_name(wanted.name)
    elif wanted.name is not None:
        check_display_name(wanted.name, "name")
    if wanted.topic is not None:
        check_topic(wanted.topic)
