"""What a room does about its invites, which let in whoever has the code of one, or let them ask: pure.

Whether an invite is still good only the transaction can say in which somebody comes by it; that its code was made by a
server, and not guessed, has been looked at by whoever found the room by it.
"""

from __future__ import annotations

from server.protocol import limits
from server.protocol.bases import Command
from server.protocol.commands import InviteCommand
from server.protocol.errors import ErrorCode, Refusal
from server.protocol.events import AskedToJoin
from server.protocol.invite_commands import CreateInvite, Invites, JoinRequests, RevokeInvite
from server.protocol.replies import Ok
from server.protocol.rules import check_nonce
from server.rooms.effects import Consult, Effect
from server.rooms.in_flight import THE_ROOM
from server.rooms.messages import Request
from server.rooms.questions import PageWanted
from server.rooms.rights import may_let_in
from server.rooms.room_rights import check_kept_for, may
from server.rooms.state import RoomState
from server.store.finding_messages import InvitesPage, JoinRequestsPage, ReadInvites, ReadJoinRequests
from server.store.invite_changes import InviteMade, InviteRevoked
from server.store.invite_codes import invite_id, invite_of


def about_invites(state: RoomState, request: Request, command: InviteCommand, now: float) -> list[Effect]:
    """Carry out a command about them, or send it on its way.

    Raises
    ------
    Refusal
        The command is against the rules.
    """
    match command:
        case CreateInvite():
            if state.in_flight.waits_for_change(THE_ROOM, request):
                return []
            check_kept_for(command, state.members[request.user.user].role, state.rights, state.record.kind)
            return [state.append(_made(state, request, command), request.user, request, now)]
        case RevokeInvite(invite=code):
            return [state.append(InviteRevoked(invite_of(code), request.user.user), request.user, request, now)]
        case Invites():
            return [look_up_invites(state, request, None, now)]
        case JoinRequests():
            ref = state.next_ref()
            state.questions.asked(ref, PageWanted(request), now)
            return [Consult(ReadJoinRequests(reply_to=state.itself, ref=ref, room=state.room))]


def is_to_ask(state: RoomState) -> bool:
    """Whether who comes by an invite has to be let in; where nobody is there to do it, nobody has to."""
    rights = state.rights
    return rights is not None and rights.approval and not state.is_deserted


def tell_asked(state: RoomState) -> list[Effect]:
    """That somebody asks to come in, to those who may let them in."""
    if not state.has_been_asked:
        return []
    state.ongoing.asked = False
    rights, kind = state.rights, state.record.kind
    may_approve = [
        user
        for user, member in state.members.items()
        if may_let_in(member.role) and may("invite", member.role, rights, kind)
    ]
    return state.pass_on_to(may_approve, [AskedToJoin(room=state.room)])


def look_up_invites(state: RoomState, request: Request, invite: str | None, now: float) -> Effect:
    """Those that are good, or the one that was made: its code only the store can say."""
    ref = state.next_ref()
    state.questions.asked(ref, PageWanted(request), now)
    return Consult(ReadInvites(reply_to=state.itself, ref=ref, room=state.room, invite=invite))


def invites_reply(command: Command, page: InvitesPage | JoinRequestsPage) -> Ok:
    if isinstance(page, JoinRequestsPage):
        return Ok(id=command.id, requests=list(page.requests))
    if isinstance(command, CreateInvite):
        return Ok(id=command.id, invite=page.invites[0].invite)
    return Ok(id=command.id, invites=list(page.invites))


def _made(state: RoomState, request: Request, command: CreateInvite) -> InviteMade:
    check_nonce(command.nonce)
    for name, value, most in (
        ("uses", command.uses, limits.INVITE_USES), ("seconds", command.seconds, limits.INVITE_SECONDS),
    ):  # fmt: skip
        if value is not None and value > most:
            raise Refusal(ErrorCode.BAD_REQUEST, f"`{name}` is {most} at the most; without it, no limit")
    by = request.user.user
    invite = invite_id(state.room, by, command.nonce, command.uses, command.seconds)
    return InviteMade(invite, by, command.uses, command.seconds)
