"""The model: what each command does, and is answered, in a chat where one thing happens after the other.

It is what docs/protocol.md says, in as few words as can be; no code of it is the server's, which it takes nothing from
but the types of the wire. What only the server can choose (a new room's id, an invite's code) it is told.

An answer is an error's code, or what `ok` carries. What people are told besides, the entries of rooms, is in `inbox`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from server.protocol import commands as c
from tests.model import governing, inviting, talking
from tests.model.room import RANK, Answer, Json, Member, Room, without_nothing

LOWEST: dict[type[c.Command], str] = {
    c.Pin: "member", c.Invite: "member",
    **dict.fromkeys((c.CreateInvite, c.Invites, c.RevokeInvite, c.JoinRequests, c.Approve, c.Refuse), "moderator"),
    **dict.fromkeys((c.Kick, c.Ban, c.Unban, c.Mute, c.Rename, c.Audit), "moderator"),
    **dict.fromkeys((c.SetRole, c.SetRights, c.DeleteRoom), "owner"),
}  # fmt: skip
"""Who may at all; what is not here may everybody who is a member."""
NOT_IN_DM = {c.Leave, *LOWEST} - {c.Pin}
RIGHT = {
    c.Post: "post", c.Edit: "post", c.Pin: "pin", c.Invite: "invite", c.CreateInvite: "invite", c.Approve: "invite"
}  # fmt: skip
"""What a room may keep for some."""
SPEAKS = {c.Post, c.Edit, c.React}

Rule = Callable[["Chat", Room, str, Any], Answer]
RULES: dict[type[c.Command], Rule] = {**talking.RULES, **governing.RULES, **inviting.RULES}


@dataclass
class Account:
    is_here: bool = True
    hides: bool = False
    status: str = "online"
    text: str | None = None


@dataclass
class Chat:
    """`names` are those of all users, by their ids. `chosen`: what the server chose for what is said just now;
    `is_answered`: whether it is told what became of it."""

    names: dict[str, str]
    now: int = 0
    chosen: str = ""
    is_answered: bool = True
    rooms: dict[str, Room] = field(default_factory=dict)
    created: dict[tuple[str, str], tuple[Any, str]] = field(default_factory=dict)
    accounts: dict[str, Account] = field(default_factory=dict)
    inbox: dict[str, list[Json]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.accounts = {who: Account() for who in self.names}
        self.inbox = {who: [] for who in self.names}

    def says(self, who: str, command: c.AnyCommand) -> Answer:
        match command:
            case c.CreateRoom():
                return self._create(who, command)
            case c.Join():
                return inviting.join(self, who, command)
            case c.InviteInfo(invite=code):
                return inviting.invite_info(self, who, code)
            case c.Rooms():
                return {"rooms": [self.rooms[room].seen_by(who, self.now) for room in self.rooms_of(who)]}
            case c.Channels(query=str(query)):
                return {"channels": self._channels(who, query)}
            case c.Settings(receipts=receipts):
                self.accounts[who].hides = self.accounts[who].hides if receipts is None else not receipts
                return self._settings(who)
            case c.SetPresence(status=status, text=text):
                account = self.accounts[who]
                account.status = account.status if status == "away" else status
                account.text = account.text if text is None else text or None
                return self._settings(who)
            case c.Search(room=None, query=word):
                return {"hits": talking.hits([self.rooms[room] for room in self.rooms_of(who)], word)}
            case _:
                return self._says_in_room(who, command)

    def _says_in_room(self, who: str, command: Any) -> Answer:
        kind: type[c.Command] = type(command)
        room = self.rooms.get(command.room)
        if room is None or who in room.banned:
            return "no_such_room"
        if who not in room.members:
            if room.kind != "channel":
                return "no_such_room"
            return {"room": room.room} if kind is c.Leave else "not_a_member"
        if room.kind == "dm" and kind in NOT_IN_DM:
            return "forbidden"
        right = RIGHT.get(kind)
        lowest = max(RANK[LOWEST.get(kind, "guest")], 0 if right is None else room.lowest(right))
        if room.rank(who) < lowest or (kind in SPEAKS and self._is_muted(room, who)):
            return "forbidden"
        return RULES[kind](self, room, who, command)

    def _is_muted(self, room: Room, who: str) -> bool:
        is_quiet = room.quiet_until > self.now and room.rank(who) <= RANK["member"]
        return is_quiet or room.muted.get(who, 0) > self.now

    # --- what concerns no room, or one that is not there yet --------------------------------------------------

    def rooms_of(self, who: str) -> list[str]:
        return sorted(room.room for room in self.rooms.values() if who in room.members)

    def person(self, name_or_id: str) -> str | None:
        return next((who for who, name in self.names.items() if name_or_id in (who, name)), None)

    def channel(self, name: str | None) -> Room | None:
        return next((room for room in self.rooms.values() if room.kind == "channel" and room.name == name), None)

    def is_online(self, who: str) -> bool:
        return self.accounts[who].is_here and self.accounts[who].status != "invisible"

    def _create(self, who: str, command: c.CreateRoom) -> Answer:
        others = [self.person(other) for other in command.members]
        is_dm = command.kind == "dm"
        if (command.kind == "channel" and not command.name) or (is_dm and (command.name or len(others) != 1)):
            return "bad_request"
        if is_dm and others == [who]:
            return "bad_request"
        if None in others:
            return "no_such_user"
        people = list(dict.fromkeys([who, *(other for other in others if other is not None)]))
        content = command.kind, command.name, sorted(people)
        first, room = self.created.get((who, command.nonce), (content, ""))
        if first != content:
            return "conflict"
        room = room or next((dm for dm in self.rooms if is_dm and self._is_dm_of(dm, people)), "")
        if room:
            there = self.rooms.get(room)
            if there is None or who not in there.members:
                return "no_such_room"
            return {"room": room, "info": there.seen_by(who, self.now)}
        if command.kind == "channel" and self.channel(command.name) is not None:
            return "conflict"
        self.created[who, command.nonce] = content, self.chosen
        return self._made(who, command, people)

    def _is_dm_of(self, room: str, people: list[str]) -> bool:
        return self.rooms[room].kind == "dm" and set(self.rooms[room].members) == set(people)

    def _made(self, who: str, command: c.CreateRoom, people: list[str]) -> Answer:
        room = self.rooms[self.chosen] = Room(self.chosen, command.kind, command.name, self.names)
        for seq, one in enumerate(people, 1):
            role = "owner" if one == who and command.kind != "dm" else "member"
            room.members[one] = Member(role, self.now, seq, seq)
        for one in people:
            joined = {"op": "joined", "user": room.user(one)} | without_nothing(by=None if one == who else who)
            governing.log(self, room, joined, but=who)
        return {"room": room.room, "info": room.seen_by(who, self.now)}

    def _channels(self, who: str, query: str) -> list[Json]:
        found = [
            room
            for room in self.rooms.values()
            if room.kind == "channel" and room.name and query in room.name and who not in room.banned
        ]
        return [
            {"room": room.room, "name": room.name, "members": len(room.members)}
            | without_nothing(topic=room.topic, icon=room.icon)
            for room in sorted(found, key=lambda room: room.room)
        ]

    def _settings(self, who: str) -> Json:
        account = self.accounts[who]
        settings = {"receipts": not account.hides, "status": account.status} | without_nothing(text=account.text)
        return {"settings": settings}
