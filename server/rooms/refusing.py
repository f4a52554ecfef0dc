"""What a room refuses that cannot be done now, or ever: pure."""

from __future__ import annotations

from server.protocol.errors import Refusal
from server.protocol.events import error_from
from server.relays.messages import Admit, NotSubscribed
from server.rooms.effects import Effect, Reply
from server.rooms.messages import Attach, NotAttached, Request
from server.rooms.opening import Applicant, Waiting
from server.rooms.questions import AuthorsWanted, PageWanted, PersonWanted, Purpose
from server.rooms.state import RoomState, refused

Effects = list[Effect]


def refuse_any(what: Waiting, room: str, refusal: Refusal) -> Effects:
    match what:
        case Request():
            return [refused(what, refusal)]
        case Attach():
            return [Reply(what.session, NotAttached(what.ref, room, refusal))]
        case Applicant(subscribe=subscribe):
            return [Reply(subscribe.relay, NotSubscribed(subscribe.ref, error_from(refusal)))]
        case Admit():
            return []


def given_up(state: RoomState, purpose: Purpose, refusal: Refusal, now: float) -> Effects:
    match purpose:
        case PageWanted(request=request) | PersonWanted(request=request):
            return [state.refuse(request, refusal, now)]
        case AuthorsWanted():
            return []
