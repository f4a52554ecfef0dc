"""How a room refuses what it was told while it opened, and cannot do now, or ever: pure."""

from __future__ import annotations

from server.protocol.errors import Refusal
from server.protocol.replies import error_from
from server.relays.messages import Admit, NotSubscribed
from server.rooms.effects import Effect, Reply
from server.rooms.messages import Attach, NotAttached, Request
from server.rooms.opening import Applicant, Waiting
from server.rooms.state import refused

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
