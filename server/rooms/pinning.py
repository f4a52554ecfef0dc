"""What a room does about pins: pure. Whether something is pinned already, and how much is, the writer finds."""

from __future__ import annotations

from server.protocol.bases import CommandId
from server.protocol.message_commands import Pin
from server.protocol.objects import Role
from server.protocol.page_commands import Pins
from server.protocol.replies import Ok
from server.rooms.effects import Consult, Effect
from server.rooms.entries import length_of
from server.rooms.fitting import fitting
from server.rooms.in_flight import THE_ROOM
from server.rooms.messages import Request
from server.rooms.questions import PageWanted
from server.rooms.rights import check_target
from server.rooms.room_rights import check_kept_for
from server.rooms.state import RoomState
from server.store.changes import Pinning
from server.store.pin_messages import PinsPage, ReadPins


def pin(state: RoomState, request: Request, command: Pin, role: Role, now: float) -> list[Effect]:
    """It waits while the room is about to say otherwise who pins. Raises a `Refusal` where the room keeps that for
    others, or the message is not in its log."""
    if state.in_flight.waits_for_change(THE_ROOM, request):
        return []
    particulars = state.record.particulars
    check_kept_for(command, role, None if particulars is None else particulars.rights, state.record.kind)
    check_target(command.target, state.last_seq)
    draft = Pinning(request.user.user, command.target, command.on)
    return [state.append(draft, request.user, request, now)]


def list_pins(state: RoomState, request: Request, command: Pins, now: float) -> list[Effect]:
    ref = state.next_ref()
    state.questions.asked(ref, PageWanted(request), now)
    question = ReadPins(
        reply_to=state.itself, ref=ref, room=state.room, reader=request.user.user, before=command.before
    )
    return [Consult(question)]


def pins_reply(command_id: CommandId | None, page: PinsPage) -> Ok:
    kept = fitting(page.pins, lambda pin: length_of(pin.message))
    return Ok(id=command_id, pins=list(kept), more=len(kept) < len(page.pins), to=page.known)
