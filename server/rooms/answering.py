"""What a room does with the answers to what it has asked the store on somebody's behalf, or without them: pure."""

from __future__ import annotations

from server.protocol.errors import Refusal
from server.protocol.objects import User
from server.rooms.coalescing import receipts_told
from server.rooms.effects import Effect
from server.rooms.pages import page_reply
from server.rooms.people import person_found
from server.rooms.questions import AuthorsWanted, PageWanted, PersonWanted, Purpose
from server.rooms.state import RoomState, answered
from server.store.history_messages import Authors

Effects = list[Effect]


def answer_found(state: RoomState, purpose: Purpose, value: object, now: float) -> Effects:
    """The store has answered. Who has left meanwhile is shown nothing."""
    match purpose, value:
        case PageWanted(request=request), _ if request.user.user not in state.members:
            return [state.refuse(request, state.stranger(request.user.user), now)]
        case PageWanted(request=request), page:
            return [answered(request, page_reply(request, page, state.shown))]
        case AuthorsWanted(covered=covered), Authors(authors=authors):
            state.receipts.told(covered.receipt.user)
            return receipts_told(state, [(covered.receipt, authors)])
        case PersonWanted(request=request), User() | None as person:
            try:
                return person_found(state, request, person, now)
            except Refusal as refusal:
                return [state.refuse(request, refusal, now)]
        case _:
            raise TypeError(f"{type(value).__name__} is no answer to {type(purpose).__name__}")


def given_up(state: RoomState, purpose: Purpose, refusal: Refusal, now: float) -> Effects:
    """The store cannot be asked, or has not answered in time."""
    match purpose:
        case PageWanted(request=request) | PersonWanted(request=request):
            return [state.refuse(request, refusal, now)]
        case AuthorsWanted(covered=covered):
            state.receipts.tell_again(covered, state.members)
            return []
