"""Commands that concern another person: whom they may concern, and what follows; pure.

The person is looked up first, by name or id, and meanwhile everything may have changed. So the rights are looked at
twice: before the question, which nobody may put who may not give the command, and with the answer. Whoever asks, and
whoever is concerned, has no change on its way then: what they may do is not judged by a state that is about to end.
"""

from __future__ import annotations

from server.protocol import limits
from server.protocol.commands import PersonCommand
from server.protocol.errors import ErrorCode, Refusal
from server.protocol.governing_commands import Ban, Kick, Mute, SetRole, Unban
from server.protocol.invite_commands import Approve, Invite, Refuse
from server.protocol.objects import User
from server.protocol.replies import Ok
from server.protocol.rules import check_reason
from server.rooms.effects import Consult, Effect
from server.rooms.in_flight import THE_ROOM
from server.rooms.messages import Request
from server.rooms.particulars import end_of, is_the_same, muted_until
from server.rooms.questions import PersonWanted
from server.rooms.rights import (
    check_below,
    check_has_room,
    check_not_banned,
    check_not_oneself,
    check_owner_stays,
    check_right,
)
from server.rooms.room_rights import check_kept_for
from server.rooms.state import RoomState, answered
from server.store.invite_changes import JoinRefused
from server.store.log_messages import MemberGone, NewMember
from server.store.room_changes import BanLifted, Muted, RoleGiven
from server.store.room_messages import MemberRecord
from server.store.user_messages import FindUser

Effects = list[Effect]


def look_up(state: RoomState, request: Request, command: PersonCommand, now: float) -> Effects:
    """Ask whom the command concerns."""
    who = command.user
    assert who is not None, "to mute the room nobody is looked up"
    check_kept_for(command, state.members[request.user.user].role, state.rights, state.record.kind)
    _check_shape(command)
    ref = state.next_ref()
    state.questions.asked(ref, PersonWanted(request), now)
    invited_by = request.user.user if isinstance(command, Invite) else None
    return [Consult(FindUser(reply_to=state.itself, ref=ref, who=who, invited_by=invited_by))]


def person_found(state: RoomState, request: Request, person: User | None, now: float) -> Effects:
    """It is known whom the command concerns.

    Raises
    ------
    Refusal
        As `decide`.
    """
    command, asker = request.command, request.user.user
    if state.in_flight.waits_for_change(asker, request):
        return []
    member = state.members.get(asker)
    if member is None:
        raise state.stranger(asker)
    assert isinstance(command, PersonCommand)
    check_right(command, member.role, state.record.kind)
    if person is None or (person.deleted and person.user not in state.members):
        raise Refusal(ErrorCode.NO_SUCH_USER, "no such user")
    if state.in_flight.waits_for_change(person.user, request):
        return []
    if isinstance(command, Invite | Approve) and state.in_flight.waits_for_change(THE_ROOM, request):
        return []
    check_kept_for(command, member.role, state.rights, state.record.kind)
    concerned = state.members.get(person.user)
    match command:
        case Invite():
            return _invite(state, request, person, concerned, now)
        case Approve():
            return _invite(state, request, person, concerned, now, asked=True)
        case Refuse():
            return [state.append(JoinRefused(person.user, asker), person, request, now)]
        case Kick(reason=reason):
            return _remove(state, request, person, (member, concerned), reason, now)
        case Ban(reason=reason):
            return _ban(state, request, person, (member, concerned), reason, now)
        case Unban():
            return _unban(state, request, person, now)
        case SetRole():
            return _set_role(state, request, command, person, (member, concerned), now)
        case Mute():
            return _mute(state, request, command, person, (member, concerned), now)


def mute_room(state: RoomState, request: Request, mute: Mute, now: float) -> Effects:
    """For everybody but moderators and owners; nobody has to be looked up."""
    _check_shape(mute)
    return _muted(state, request, mute, None, now)


Both = tuple[MemberRecord, MemberRecord | None]
"""Who asks, and who is concerned, if that is a member."""


def _check_shape(command: PersonCommand) -> None:
    match command:
        case Kick(reason=str(reason)) | Ban(reason=str(reason)):
            check_reason(reason)
        case Mute(seconds=int(seconds)) if seconds > limits.MUTE_SECONDS:
            raise Refusal(ErrorCode.BAD_REQUEST, f"`seconds` is {limits.MUTE_SECONDS} at the most; without it, no end")


def _invite(
    state: RoomState, request: Request, person: User, concerned: MemberRecord | None, now: float, *, asked: bool = False
) -> Effects:
    if concerned is not None:
        return _is_so(request)
    check_not_banned(is_banned=state.is_banned(person.user))
    check_has_room(is_full=state.is_full)
    draft = NewMember(person.user, "member", by=request.user.user, logged=state.logs_membership, asked=asked)
    return [state.append(draft, person, request, now)]


def _remove(
    state: RoomState,
    request: Request,
    person: User,
    both: Both,
    reason: str | None,
    now: float,
    *,
    banned: bool = False,
) -> Effects:
    """Always logged where a membership ends, also in large channels: whoever reads the log later must hear of it."""
    member, concerned = both
    check_not_oneself(request.user.user, person.user)
    if concerned is None and not banned:
        return _is_so(request)
    if concerned is not None:
        check_below(member.role, concerned.role)
    draft = MemberGone(person.user, request.user.user, reason, logged=concerned is not None, banned=banned)
    return [state.append(draft, person, request, now)]


def _ban(state: RoomState, request: Request, person: User, both: Both, reason: str | None, now: float) -> Effects:
    particulars = state.record.particulars
    if particulars is not None and person.user in particulars.banned:
        return _is_so(request)
    if particulars is not None and len(particulars.banned) >= limits.BANS:
        raise Refusal(ErrorCode.LIMIT_REACHED, "as many people are banned here as may be")
    return _remove(state, request, person, both, reason, now, banned=True)


def _unban(state: RoomState, request: Request, person: User, now: float) -> Effects:
    if not state.is_banned(person.user):
        return _is_so(request)
    return [state.append(BanLifted(person.user, request.user.user), person, request, now)]


def _set_role(state: RoomState, request: Request, command: SetRole, person: User, both: Both, now: float) -> Effects:
    member, concerned = both
    if concerned is None:
        raise Refusal(ErrorCode.NO_SUCH_USER, "no such member")
    if state.in_flight.waits_for_change(THE_ROOM, request):
        return []
    if concerned.role == command.role:
        return _is_so(request)
    if concerned is not member:
        check_below(member.role, concerned.role)
    if concerned.role == "owner":
        check_owner_stays(others=state.owners_beside(person.user))
    draft = RoleGiven(request.user.user, state.room_info, person.user, command.role)
    return [state.append(draft, person, request, now)]


def _mute(state: RoomState, request: Request, mute: Mute, person: User, both: Both, now: float) -> Effects:
    member, concerned = both
    check_not_oneself(request.user.user, person.user)
    if concerned is not None:
        check_below(member.role, concerned.role)
    elif mute.seconds != 0:
        raise Refusal(ErrorCode.NO_SUCH_USER, "no such member")
    return _muted(state, request, mute, person, now)


def _muted(state: RoomState, request: Request, mute: Mute, person: User | None, now: float) -> Effects:
    if state.in_flight.waits_for_change(THE_ROOM, request):
        return []
    user = None if person is None else person.user
    if is_the_same(muted_until(state.record.particulars, user), end_of(mute.seconds, now), now):
        return _is_so(request)
    draft = Muted(request.user.user, state.room_info, user, mute.seconds)
    return [state.append(draft, person or request.user, request, now)]


def _is_so(request: Request) -> Effects:
    return [answered(request, Ok(id=request.command.id))]
