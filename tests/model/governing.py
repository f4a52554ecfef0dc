"""What the model says of who is in a room, of who may do what there, and of what the room is called."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from server.protocol import commands as c
from tests.model.room import FOREVER, USUAL, Answer, Json, Member, Room, stamp, without_nothing

if TYPE_CHECKING:
    from tests.model.chat import Chat

SAME_MS = 10_000
"""A mute that ends so soon after the one that is there changes nothing."""


def log(chat: Chat, room: Room, entry: Json, but: str | None = None) -> Answer:
    """It is the next entry, and told to all members; `but`: to whom the answer tells it."""
    entry = entry | {"room": room.room, "seq": room.last_seq + 1, "at": stamp(chat.now)}
    room.entries.append(entry)
    for who in room.members:
        if who != but:
            chat.inbox[who].append(entry)
    return {"seq": entry["seq"]}


def act(chat: Chat, room: Room, name: str, by: str, **fields: Any) -> None:
    room.acts.append({"at": stamp(chat.now), "act": name, "by": room.user(by)} | without_nothing(**fields))


def come(chat: Chat, room: Room, who: str, by: str | None = None, role: str = "member") -> Answer:
    """Somebody comes in; `by` is None: by themselves, so that the answer tells them of it, if they get one."""
    head = room.last_seq + 1
    room.members[who] = Member(role, chat.now, head, head)
    room.requests.pop(who, None)
    entry = {"op": "joined", "user": room.user(who)} | without_nothing(by=by)
    return log(chat, room, entry, but=who if by is None and chat.is_answered else None)


def go(chat: Chat, room: Room, who: str, by: str | None = None, reason: str | None = None) -> Answer:
    """They hear of it, and nothing after it."""
    entry = {"op": "left", "user": who} | without_nothing(by=by, reason=reason)
    answer = log(chat, room, entry)
    del room.members[who]
    return answer


def _leave(chat: Chat, room: Room, who: str, leave: c.Leave) -> Answer:
    if room.is_only_owner(who) and len(room.members) > 1:
        return "forbidden"
    go(chat, room, who)
    return {"room": room.room}


# --- about somebody ------------------------------------------------------------------------------------------


def _invite(chat: Chat, room: Room, who: str, invite: c.Invite) -> Answer:
    whom = chat.person(invite.user)
    if whom is None:
        return "no_such_user"
    if whom in room.members:
        return {}
    return "forbidden" if whom in room.banned else come(chat, room, whom, by=who)


def _is_over(room: Room, who: str, whom: str) -> bool:
    return whom != who and (whom not in room.members or room.rank(who) > room.rank(whom))


def _kick(chat: Chat, room: Room, who: str, kick: c.Kick) -> Answer:
    whom = chat.person(kick.user)
    if whom is None:
        return "no_such_user"
    if not _is_over(room, who, whom):
        return "forbidden"
    if whom not in room.members:
        return {}
    act(chat, room, "kick", who, user=room.user(whom), reason=kick.reason)
    return go(chat, room, whom, who, kick.reason)


def _ban(chat: Chat, room: Room, who: str, ban: c.Ban) -> Answer:
    whom = chat.person(ban.user)
    if whom is None:
        return "no_such_user"
    if whom in room.banned:
        return {}
    if not _is_over(room, who, whom):
        return "forbidden"
    room.banned.add(whom)
    room.requests.pop(whom, None)
    act(chat, room, "ban", who, user=room.user(whom), reason=ban.reason)
    return go(chat, room, whom, who, ban.reason) if whom in room.members else {}


def _unban(chat: Chat, room: Room, who: str, unban: c.Unban) -> Answer:
    whom = chat.person(unban.user)
    if whom is None:
        return "no_such_user"
    if whom in room.banned:
        room.banned.remove(whom)
        act(chat, room, "unban", who, user=room.user(whom))
    return {}


def _set_role(chat: Chat, room: Room, who: str, wanted: c.SetRole) -> Answer:
    whom = chat.person(wanted.user)
    if whom is None or whom not in room.members:
        return "no_such_user"
    member = room.members[whom]
    if member.role == wanted.role:
        return {}
    if member.role == "owner" and (whom != who or room.is_only_owner(whom)):
        return "forbidden"
    member.role = wanted.role
    act(chat, room, "set_role", who, user=room.user(whom), role=wanted.role)
    return log(chat, room, {"op": "room", "info": room.info(), "by": who, "user": whom, "role": wanted.role})


def _mute(chat: Chat, room: Room, who: str, mute: c.Mute) -> Answer:
    """Without `user` everybody who is neither moderator nor owner."""
    whom = None if mute.user is None else chat.person(mute.user)
    if whom is None and mute.user is not None:
        return "no_such_user"
    if whom is not None and not _is_over(room, who, whom):
        return "forbidden"
    if whom is not None and whom not in room.members and mute.seconds != 0:
        return "no_such_user"
    until = FOREVER if mute.seconds is None else chat.now + mute.seconds * 1000
    before = room.quiet_until if whom is None else room.muted.get(whom, 0)
    is_over = before <= chat.now, until <= chat.now
    if all(is_over) or (not any(is_over) and abs(until - before) < SAME_MS):
        return {}
    if whom is None:
        room.quiet_until = until
        act(chat, room, "mute", who, until=stamp(until))
        return log(chat, room, {"op": "room", "info": room.info(), "by": who, "quiet_until": stamp(until)})
    room.muted[whom] = until
    act(chat, room, "mute", who, user=room.user(whom), until=stamp(until))
    return log(chat, room, {"op": "room", "info": room.info(), "by": who, "user": whom, "muted_until": stamp(until)})


# --- about the room ------------------------------------------------------------------------------------------


def _rename(chat: Chat, room: Room, who: str, wanted: c.Rename) -> Answer:
    if wanted.name is wanted.topic is wanted.icon is None:
        return "bad_request"
    if room.kind == "channel" and wanted.name != room.name and wanted.name and chat.channel(wanted.name):
        return "conflict"
    before = room.info()
    room.name = room.name if wanted.name is None else wanted.name
    room.topic = room.topic if wanted.topic is None else wanted.topic or None
    room.icon = room.icon if wanted.icon is None else wanted.icon or None
    return _changed(chat, room, who, "rename", before)


def _set_rights(chat: Chat, room: Room, who: str, wanted: c.SetRights) -> Answer:
    said = {
        "post": wanted.post, "invite": wanted.invite, "mention_all": wanted.mention_all, "pin": wanted.pin,
        "slow": wanted.slow, "ttl": wanted.ttl, "approval": wanted.approval,
    }  # fmt: skip
    said = {key: value for key, value in said.items() if value is not None}
    if not said or ("approval" in said and room.kind != "group"):
        return "bad_request"
    before = room.info()
    usual = {**USUAL[room.kind], "slow": 0, "ttl": 0, "approval": False}
    room.rights = {key: value for key, value in {**room.rights, **said}.items() if value != usual[key]}
    return _changed(chat, room, who, "set_rights", before)


def _changed(chat: Chat, room: Room, who: str, name: str, before: Json) -> Answer:
    if room.info() == before:
        return {}
    act(chat, room, name, who, info=room.info())
    return log(chat, room, {"op": "room", "info": room.info(), "by": who})


def _audit(chat: Chat, room: Room, who: str, asked: c.Audit) -> Answer:
    return {"acts": room.acts[::-1]}


def _delete_room(chat: Chat, room: Room, who: str, wanted: c.DeleteRoom) -> Answer:
    for one in room.members:
        left = {"op": "left", "room": room.room, "user": one, "at": stamp(chat.now), "by": who}
        chat.inbox[one].append(left | without_nothing(reason=wanted.reason))
    del chat.rooms[room.room]
    return {}


RULES: dict[type[c.Command], Callable[[Chat, Room, str, Any], Answer]] = {
    c.Leave: _leave,
    c.Invite: _invite,
    c.Kick: _kick,
    c.Ban: _ban,
    c.Unban: _unban,
    c.SetRole: _set_role,
    c.Mute: _mute,
    c.Rename: _rename,
    c.SetRights: _set_rights,
    c.Audit: _audit,
    c.DeleteRoom: _delete_room,
}
