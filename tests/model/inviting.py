"""What the model says of coming in: by name, by an invite, and by asking."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from server.protocol import commands as c
from tests.model import governing
from tests.model.room import FOREVER, Answer, Invite, Json, Room, stamp, without_nothing

if TYPE_CHECKING:
    from tests.model.chat import Chat


def join(chat: Chat, who: str, wanted: c.Join) -> Answer:
    if [wanted.room, wanted.name, wanted.invite].count(None) != 2:
        return "bad_request"
    if wanted.invite is not None:
        return _join_by(chat, who, wanted.invite)
    room = chat.channel(wanted.name) if wanted.room is None else chat.rooms.get(wanted.room)
    if room is None or who in room.banned or (room.kind != "channel" and who not in room.members):
        return "no_such_room"
    return _in(chat, room, who)


def _in(chat: Chat, room: Room, who: str) -> Answer:
    """Whoever comes where nobody is owns the room."""
    if who not in room.members:
        governing.come(chat, room, who, role="member" if room.members else "owner")
    return {"room": room.room, "info": room.seen_by(who, chat.now)}


def _join_by(chat: Chat, who: str, code: str) -> Answer:
    room = _led_to(chat, code)
    if room is None or who in room.banned:
        return "no_such_invite"
    if who in room.members:
        return _in(chat, room, who)
    has_to_ask = room.rights.get("approval") and room.members
    if has_to_ask and who in room.requests:
        return {"asked": True}
    invite = room.invites[code]
    if not invite.is_good(chat.now):
        return "no_such_invite"
    invite.used += 1
    if has_to_ask:
        room.requests[who] = chat.now
        return {"asked": True}
    return _in(chat, room, who)


def invite_info(chat: Chat, who: str, code: str) -> Answer:
    room = _led_to(chat, code)
    if room is None or who in room.banned or not room.invites[code].is_good(chat.now):
        return "no_such_invite"
    return {
        "invited": {"kind": room.kind, "members": len(room.members)} | without_nothing(name=room.name, icon=room.icon)
    }


def _led_to(chat: Chat, code: str) -> Room | None:
    return next((room for room in chat.rooms.values() if code in room.invites), None)


def _create_invite(chat: Chat, room: Room, who: str, wanted: c.CreateInvite) -> Answer:
    """The server chooses the code; the same for the same wish."""
    ends_at = FOREVER if wanted.seconds is None else chat.now + wanted.seconds * 1000
    if chat.chosen not in room.invites:
        room.invites[chat.chosen] = Invite(who, chat.now, wanted.uses, ends_at)
        governing.act(chat, room, "create_invite", who)
    return {"invite": chat.chosen}


def _invites(chat: Chat, room: Room, who: str, asked: c.Invites) -> Answer:
    return {"invites": [_shown(code, invite) for code, invite in room.invites.items() if invite.is_good(chat.now)]}


def _shown(code: str, invite: Invite) -> Json:
    ends = None if invite.ends_at == FOREVER else stamp(invite.ends_at)
    return {"invite": code, "by": invite.by, "at": stamp(invite.at), "used": invite.used} | without_nothing(
        uses=invite.uses, expires_at=ends
    )


def _revoke_invite(chat: Chat, room: Room, who: str, revoke: c.RevokeInvite) -> Answer:
    if (invite := room.invites.get(revoke.invite)) is not None and invite.is_good(chat.now):
        invite.ends_at = chat.now
        governing.act(chat, room, "revoke_invite", who)
    return {}


def _join_requests(chat: Chat, room: Room, who: str, asked: c.JoinRequests) -> Answer:
    return {"requests": [{"user": room.user(one), "at": stamp(at)} for one, at in room.requests.items()]}


def _approve(chat: Chat, room: Room, who: str, approve: c.Approve) -> Answer:
    whom = chat.person(approve.user)
    if whom is None:
        return "no_such_user"
    if whom in room.members:
        return {}
    if whom in room.banned:
        return "forbidden"
    if whom not in room.requests:
        return "no_such_user"
    governing.act(chat, room, "approve", who, user=room.user(whom))
    return governing.come(chat, room, whom, by=who)


def _refuse(chat: Chat, room: Room, who: str, refuse: c.Refuse) -> Answer:
    whom = chat.person(refuse.user)
    if whom is None:
        return "no_such_user"
    if room.requests.pop(whom, None) is not None:
        governing.act(chat, room, "refuse", who, user=room.user(whom))
    return {}


RULES: dict[type[c.Command], Callable[[Chat, Room, str, Any], Answer]] = {
    c.CreateInvite: _create_invite,
    c.Invites: _invites,
    c.RevokeInvite: _revoke_invite,
    c.JoinRequests: _join_requests,
    c.Approve: _approve,
    c.Refuse: _refuse,
}
