"""What a room does about a command: pure.

`decide` changes the state and returns what follows, or raises a `Refusal`; then nothing has changed. Rights come
first (see `rights.py`), shapes second, the state of the room last. Commands are idempotent: who asks for what is so
already gets `ok`, and nothing is logged.
"""

from __future__ import annotations

from server.protocol.attention_commands import Attend, Focus, MarkUnread, Read, Received, Typing
from server.protocol.commands import is_answered
from server.protocol.errors import unavailable
from server.protocol.events import TypingEvent
from server.protocol.governing_commands import Audit, DeleteRoom, EndRoom, Mute, Rename, SetRights
from server.protocol.invite_commands import CreateInvite, Invites, JoinRequests, RevokeInvite
from server.protocol.message_commands import Delete, Edit, Expire, Pin, Post, React
from server.protocol.objects import Role
from server.protocol.page_commands import History, Log, Pins, Search, Threads
from server.protocol.replies import Ok
from server.protocol.room_commands import Join, Leave, Members
from server.protocol.rules import check_nonce, check_text
from server.rooms.auditing import audit
from server.rooms.changing import change
from server.rooms.deleting import delete_room, end_room
from server.rooms.effects import Consult, Effect
from server.rooms.expiring import expire
from server.rooms.granting import set_rights
from server.rooms.in_flight import THE_ROOM
from server.rooms.inviting import about_invites, is_to_ask
from server.rooms.listing import members_wanted
from server.rooms.marking import mark
from server.rooms.mentioning import mentioned_by
from server.rooms.messages import Request
from server.rooms.people import look_up, mute_room
from server.rooms.pinning import list_pins, pin
from server.rooms.questions import PageWanted
from server.rooms.renaming import rename
from server.rooms.rights import (
    SPEAKING,
    check_has_room,
    check_invited,
    check_joinable,
    check_may_speak,
    check_owner_stays,
    check_page,
    check_reply_to,
    check_right,
)
from server.rooms.room_rights import check_kept_for
from server.rooms.searching import search_here
from server.rooms.slow_mode import take_turn
from server.rooms.state import RoomState, answered, answered_in_turn, welcomed
from server.rooms.threads import check_thread, list_threads, read_in_thread
from server.store.history_messages import ReadHistory, ReadLog
from server.store.invite_changes import JoinAsked
from server.store.invite_codes import invite_of
from server.store.log_messages import MemberGone, NewMember, NewMessage
from server.store.room_changes import LevelSet
from server.store.room_messages import MemberRecord

Effects = list[Effect]


def decide(state: RoomState, request: Request, now: float) -> Effects:
    """Carry out a command, or send it on its way.

    Raises
    ------
    Refusal
        The command is against the rules, or not possible now.
    """
    user, command = request.user.user, request.command
    match command:
        case Expire():
            return expire(state, request, command, now)
        case EndRoom():
            return end_room(state, request, command, now)
    if state.in_flight.waits_for_change(user, request):
        return []
    member = state.members.get(user)
    if isinstance(command, Join):
        return _join(state, request, command, member, now)
    if member is None:
        if isinstance(command, Leave):
            return _leave_again(state, request)
        raise state.stranger(user)
    check_right(command, member.role, state.record.kind)
    if command.__class__ in SPEAKING:
        if state.in_flight.waits_for_change(THE_ROOM, request):
            return []
        if (particulars := state.record.particulars) is not None:
            check_may_speak(particulars, user, member.role, now)
            check_kept_for(command, member.role, particulars.rights, state.record.kind)
    match command:
        case Post() as post:
            return _post(state, request, post, member.role, now)
        case Leave():
            return _leave(state, request, member, now)
        case Edit() | Delete() | React() as wanted:
            return change(state, request, wanted, member, now)
        case History() | Log() | Members() as command:
            return _read_page(state, request, command, now)
        case Search() as search:
            return search_here(state, request, search, now)
        case Pin() as wanted:
            return pin(state, request, wanted, member.role, now)
        case Pins() as wanted:
            return list_pins(state, request, wanted, now)
        case Threads() as wanted:
            return list_threads(state, request, wanted, now)
        case Read(thread=int(thread)) as said:
            return read_in_thread(state, request, said, thread, now)
        case Received() | Read() | MarkUnread() as said:
            return mark(state, request, said)
        case Typing():
            return _typing(state, request, now)
        case Focus():
            return [answered(request, Ok(id=request.command.id, room=state.room))]
        case Attend(level=level):
            return [state.append(LevelSet(user, level), request.user, request, now)]
        case Rename() as wanted:
            return rename(state, request, wanted, now)
        case CreateInvite() | Invites() | RevokeInvite() | JoinRequests() as wanted:
            return about_invites(state, request, wanted, now)
        case Audit() as wanted:
            return audit(state, request, wanted, now)
        case DeleteRoom() as wanted:
            return delete_room(state, request, wanted, now)
        case SetRights() as wanted:
            return set_rights(state, request, wanted, now)
        case Mute(user=None) as mute:
            return mute_room(state, request, mute, now)
        case _:
            return look_up(state, request, command, now)


def _post(state: RoomState, request: Request, post: Post, role: Role, now: float) -> Effects:
    check_nonce(post.nonce)
    check_text(post.text)
    check_reply_to(post.reply_to, state.last_seq)
    check_thread(post.thread, state.last_seq)
    if not state.admits(request, now):
        raise unavailable()
    particulars = state.record.particulars
    mentioned = mentioned_by(state, post.text, role) if "@" in post.text else None
    ttl = None if particulars is None or particulars.rights is None else particulars.rights.ttl
    draft = NewMessage(request.user.user, post.nonce, post.text, post.reply_to, mentioned, post.thread, ttl)
    if state.in_flight.joins_first(draft, request):
        return []
    if particulars is not None:
        take_turn(particulars, request.user.user, role, post.nonce, now)
    return [state.append(draft, request.user, request, now)]


def _join(state: RoomState, request: Request, join: Join, member: MemberRecord | None, now: float) -> Effects:
    if member is not None:
        return welcomed(state, request, Ok(id=join.id, room=state.room))
    user, invite = request.user.user, None
    if join.invite is None:
        check_joinable(state.record.kind, is_banned=state.is_banned(user))
    else:
        check_invited(is_banned=state.is_banned(user))
        invite = invite_of(join.invite)
        if state.in_flight.waits_for_change(THE_ROOM, request):
            return []
        if is_to_ask(state):
            return [state.append(JoinAsked(user, invite), request.user, request, now)]
    check_has_room(is_full=state.is_full)
    role: Role = "owner" if state.is_deserted else "member"
    if role == "owner" and state.in_flight.waits_for_change(THE_ROOM, request):
        return []
    draft = NewMember(user, role, logged=state.logs_membership, invite=invite)
    return [state.append(draft, request.user, request, now)]


def _leave_again(state: RoomState, request: Request) -> Effects:
    """Of a channel everybody may know, but who is banned."""
    user = request.user.user
    if state.record.kind != "channel" or state.is_banned(user):
        raise state.stranger(user)
    return [answered_in_turn(state, request, Ok(id=request.command.id, room=state.room))]


def _leave(state: RoomState, request: Request, member: MemberRecord, now: float) -> Effects:
    if member.role == "owner" and len(state.members) + state.in_flight.arriving > 1:
        check_owner_stays(others=state.owners_beside(request.user.user))
    draft = MemberGone(request.user.user, logged=state.logs_membership)
    return [state.append(draft, request.user, request, now)]


def _read_page(state: RoomState, request: Request, command: History | Log | Members, now: float) -> Effects:
    check_page(command)
    ref, room, itself = state.next_ref(), state.room, state.itself
    state.questions.asked(ref, PageWanted(request), now)
    match command:
        case History(before=before, after=after, limit=limit, thread=thread):
            return [
                Consult(
                    ReadHistory(
                        reply_to=itself, ref=ref, room=room, reader=request.user.user, upto=state.last_seq,
                        limit=limit, before=before, after=after, thread=thread,
                    )
                )
            ]  # fmt: skip
        case Log(after=after, limit=limit):
            return [
                Consult(ReadLog(reply_to=itself, ref=ref, room=room, after=after, upto=state.last_seq, limit=limit))
            ]
        case Members() as members:
            return [Consult(members_wanted(state, members, ref))]


def _typing(state: RoomState, request: Request, now: float) -> Effects:
    user = request.user.user
    effects: Effects = []
    if is_answered(request.command):
        effects.append(answered(request, Ok(id=request.command.id)))
    if state.typists.passes(user, now, large=state.large):
        effects += state.pass_on([TypingEvent(room=state.room, user=user)], but=user)
    return effects
