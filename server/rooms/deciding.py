"""What a room does about a command: pure.

`decide` changes the state and returns what follows, or raises a `Refusal`; then nothing has changed. Rights come
first (see `rights.py`), shapes second, the state of the room last. Commands are idempotent: who asks for what is so
already gets `ok`, and nothing is logged.
"""

from __future__ import annotations

from server.protocol.commands import (
    Delete,
    Edit,
    History,
    Invite,
    Join,
    Leave,
    Log,
    Members,
    Post,
    React,
    Read,
    Received,
    Typing,
    is_answered,
)
from server.protocol.errors import ErrorCode, Refusal, unavailable
from server.protocol.events import Ok, TypingEvent
from server.protocol.objects import User
from server.protocol.rules import check_nonce, check_text
from server.rooms.changing import change
from server.rooms.effects import Consult, Effect
from server.rooms.messages import Request
from server.rooms.questions import InviteeWanted, PageWanted
from server.rooms.rights import (
    check_has_room,
    check_joinable,
    check_may_invite,
    check_may_leave,
    check_page,
    check_reply_to,
    stranger,
)
from server.rooms.state import RoomState, answered, answered_in_turn, welcomed
from server.store.messages import (
    FindUser,
    MemberGone,
    MemberRecord,
    NewMember,
    NewMessage,
    ReadHistory,
    ReadLog,
    ReadMembers,
)

Effects = list[Effect]


def decide(state: RoomState, request: Request, now: float) -> Effects:
    """Carry out a command, or send it on its way.

    Raises
    ------
    Refusal
        The command is against the rules, or not possible now.
    """
    user = request.user.user
    if state.in_flight.waits_for_change(user, request):
        return []
    member = state.members.get(user)
    match request.command:
        case Join():
            return _join(state, request, member, now)
        case Leave():
            return _leave(state, request, member, now)
    if member is None:
        raise stranger(state.record.kind)
    match request.command:
        case Post() as post:
            return _post(state, request, post, now)
        case Edit() | Delete() | React() as command:
            return change(state, request, command, member, now)
        case History() | Log() | Members() as command:
            return _read_page(state, request, command, now)
        case Received(seq=seq):
            return _mark(state, request, member, seq, 0)
        case Read(seq=seq):
            return _mark(state, request, member, 0, seq)
        case Typing():
            return _typing(state, request, now)
        case Invite() as invite:
            return _invite(state, request, invite, member, now)


def _post(state: RoomState, request: Request, post: Post, now: float) -> Effects:
    check_nonce(post.nonce)
    check_text(post.text)
    check_reply_to(post.reply_to, state.last_seq)
    if not state.admits(request, now):
        raise unavailable()
    draft = NewMessage(request.user.user, post.nonce, post.text, post.reply_to)
    if state.in_flight.joins_first(draft, request):
        return []
    return [state.append(draft, request.user, request, now)]


def _join(state: RoomState, request: Request, member: MemberRecord | None, now: float) -> Effects:
    if member is not None:
        return welcomed(state, request, Ok(id=request.command.id, room=state.room))
    check_joinable(state.record.kind)
    check_has_room(is_full=state.is_full)
    draft = NewMember(request.user.user, "member", logged=state.logs_membership)
    return [state.append(draft, request.user, request, now)]


def _leave(state: RoomState, request: Request, member: MemberRecord | None, now: float) -> Effects:
    if member is None:
        if state.record.kind != "channel":
            raise stranger(state.record.kind)
        return [answered_in_turn(state, request, Ok(id=request.command.id, room=state.room))]
    check_may_leave(state.record.kind)
    draft = MemberGone(request.user.user, logged=state.logs_membership)
    return [state.append(draft, request.user, request, now)]


def _read_page(state: RoomState, request: Request, command: History | Log | Members, now: float) -> Effects:
    check_page(command)
    ref, room, itself = state.next_ref(), state.room, state.itself
    state.questions.asked(ref, PageWanted(request), now)
    match command:
        case History(before=before, after=after, limit=limit):
            return [
                Consult(
                    ReadHistory(
                        reply_to=itself, ref=ref, room=room, reader=request.user.user, upto=state.last_seq,
                        limit=limit, before=before, after=after,
                    )
                )
            ]  # fmt: skip
        case Log(after=after, limit=limit):
            return [
                Consult(ReadLog(reply_to=itself, ref=ref, room=room, after=after, upto=state.last_seq, limit=limit))
            ]
        case Members(limit=limit, next=cursor):
            return [Consult(ReadMembers(reply_to=itself, ref=ref, room=room, limit=limit, next=cursor))]


def _mark(state: RoomState, request: Request, member: MemberRecord, received: int, read: int) -> Effects:
    last_seq = state.last_seq
    state.receipts.mark(request.user.user, member, min(received, last_seq), min(read, last_seq))
    return [answered(request, Ok(id=request.command.id))]


def _typing(state: RoomState, request: Request, now: float) -> Effects:
    user = request.user.user
    effects: Effects = []
    if is_answered(request.command):
        effects.append(answered(request, Ok(id=request.command.id)))
    if state.typists.passes(user, now, large=state.large):
        effects += state.pass_on([TypingEvent(room=state.room, user=user)], but=user)
    return effects


def _invite(state: RoomState, request: Request, invite: Invite, member: MemberRecord, now: float) -> Effects:
    check_may_invite(state.record.kind, member.role)
    ref = state.next_ref()
    state.questions.asked(ref, InviteeWanted(request), now)
    return [Consult(FindUser(reply_to=state.itself, ref=ref, who=invite.user))]


def invite_found(state: RoomState, request: Request, invitee: User | None, now: float) -> Effects:
    """Who is to be invited is known now. Meanwhile everything may have changed, so the rights are looked at again.

    Raises
    ------
    Refusal
        As `decide`.
    """
    inviter = state.members.get(request.user.user)
    if inviter is None:
        raise stranger(state.record.kind)
    check_may_invite(state.record.kind, inviter.role)
    if invitee is None or invitee.deleted:
        raise Refusal(ErrorCode.NO_SUCH_USER, "no such user")
    if state.in_flight.waits_for_change(invitee.user, request):
        return []
    if invitee.user in state.members:
        return [answered(request, Ok(id=request.command.id))]
    check_has_room(is_full=state.is_full)
    draft = NewMember(invitee.user, "member", by=request.user.user, logged=state.logs_membership)
    return [state.append(draft, invitee, request, now)]
