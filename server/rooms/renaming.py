"""Another name for a room, another topic or icon: pure. That a channel's name is free only the store can say."""

from __future__ import annotations

from msgspec import structs

from server.protocol.errors import ErrorCode, Refusal
from server.protocol.governing_commands import Rename
from server.protocol.objects import RoomKind
from server.protocol.replies import Ok
from server.protocol.rules import check_channel_name, check_display_name, check_icon, check_topic
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
    icon = info.icon if wanted.icon is None else wanted.icon or None
    changed = structs.replace(info, name=name, topic=topic, icon=icon)
    if changed == info:
        return [answered(request, Ok(id=request.command.id))]
    draft = Renamed(request.user.user, changed)
    return [state.append(draft, request.user, request, now)]


def _check(wanted: Rename, kind: RoomKind) -> None:
    if wanted.name is None and wanted.topic is None and wanted.icon is None:
        raise Refusal(ErrorCode.BAD_REQUEST, "`name`, `topic` or `icon` must be there")
    if wanted.name is not None and kind == "channel":
        check_channel_name(wanted.name)
    elif wanted.name is not None:
        check_display_name(wanted.name, "name")
    if wanted.topic is not None:
        check_topic(wanted.topic)
    if wanted.icon is not None:
        check_icon(wanted.icon)
