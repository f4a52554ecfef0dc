"""Random commands of several people, against a simple model; and what holds however they come at once.

The model says of each command in a few lines what a person who reads docs/protocol.md would expect. Where commands come
at once there is no one right order, but the log is one, and whoever reads it must come to what the room has become.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from server.protocol.commands import RoomCommand
from server.protocol.entries import Entry, Joined, Left, RoomChanged
from server.protocol.governing_commands import Ban, Kick, Mute, Rename, SetRights, SetRole, Unban
from server.protocol.invite_commands import Invite
from server.protocol.message_commands import Post
from server.protocol.replies import Error, Ok
from server.protocol.room_commands import Join, Leave
from server.rooms.effects import Consult, Effect, Write
from server.rooms.entries import entry_of
from server.store.log_messages import Append, Landed, MemberGone, Outcome
from server.store.questions import Done
from server.store.room_changes import BanLifted
from server.store.user_messages import FindUser
from tests.rooms.scene import ROOM, Scene, answers, of, user

PEOPLE = ("ann", "bob", "cyd", "dan")
RANK = {"owner": 3, "moderator": 2, "member": 1, "guest": 0}
Command = RoomCommand | Join

_person = st.sampled_from(PEOPLE)
_commands = st.one_of(
    st.builds(Join, room=st.just(ROOM)),
    st.builds(Leave, room=st.just(ROOM)),
    st.builds(Post, room=st.just(ROOM), nonce=st.uuids().map(str), text=st.just("hello")),
    st.builds(Invite, room=st.just(ROOM), user=_person),
    st.builds(Kick, room=st.just(ROOM), user=_person),
    st.builds(Ban, room=st.just(ROOM), user=_person),
    st.builds(Unban, room=st.just(ROOM), user=_person),
    st.builds(SetRole, room=st.just(ROOM), user=_person, role=st.sampled_from(sorted(RANK))),
    st.builds(Rename, room=st.just(ROOM), name=st.sampled_from(["one", "two"])),
    st.builds(
        SetRights, room=st.just(ROOM), post=st.sampled_from(sorted(RANK)), invite=st.sampled_from(["member", "owner"])
    ),
    st.builds(Mute, room=st.just(ROOM), user=st.none() | _person, seconds=st.sampled_from([0, None])),
)
_said = st.tuples(_person, _commands)


@dataclass
class Model:
    """What a room is, and what it answers: a code, or whether something was logged."""

    members: dict[str, str] = field(default_factory=lambda: {"ann": "owner", "bob": "member"})
    banned: set[str] = field(default_factory=set)
    muted: set[str | None] = field(default_factory=set)
    name: str = "Scene"
    rights: tuple[str, str] = ("guest", "member")  # who posts, who invites

    def says(self, who: str, command: Command) -> str | bool:
        role = self.members.get(who)
        if isinstance(command, Join):
            return self._join(who)
        if role is None:
            if isinstance(command, Leave) and who not in self.banned:
                return False
            return "no_such_room" if who in self.banned else "not_a_member"
        match command:
            case Post():
                may = who not in self.muted and (None not in self.muted or RANK[role] > RANK["member"])
                return (may and RANK[role] >= RANK[self.rights[0]]) or "forbidden"
            case Leave():
                return self._leave(who)
            case Rename(name=str(name)):
                if RANK[role] < RANK["moderator"]:
                    return "forbidden"
                return self._changes(self.name != name, lambda: setattr(self, "name", name))
            case SetRights(post=str(post), invite=str(invite)):
                if role != "owner":
                    return "forbidden"
                return self._changes(self.rights != (post, invite), lambda: setattr(self, "rights", (post, invite)))
            case _:
                return self._about(who, role, command)

    def _join(self, who: str) -> str | bool:
        if who in self.banned:
            return "no_such_room"
        role = "member" if self.members else "owner"
        return self._changes(who not in self.members, lambda: self.members.setdefault(who, role))

    def _leave(self, who: str) -> str | bool:
        if self._is_last_owner(who) and len(self.members) > 1:
            return "forbidden"
        del self.members[who]
        return True

    def _about(self, who: str, role: str, command: Any) -> str | bool:
        whom = command.user
        other = self.members.get(whom)
        if isinstance(command, Invite):
            if RANK[role] < RANK[self.rights[1]] or (other is None and whom in self.banned):
                return "forbidden"
            return self._changes(other is None, lambda: self.members.setdefault(whom, "member"))
        if RANK[role] < RANK["owner" if isinstance(command, SetRole) else "moderator"]:
            return "forbidden"
        if isinstance(command, Unban):
            self.banned.discard(whom)
            return False
        if isinstance(command, SetRole):
            return self._set_role(who, whom, other, command.role)
        if isinstance(command, Mute):
            return self._mute(who, role, whom, other, lift=command.seconds == 0)
        if isinstance(command, Ban) and whom in self.banned:
            return False
        if whom == who or (other is not None and RANK[other] >= RANK[role]):
            return "forbidden"
        if isinstance(command, Ban):
            self.banned.add(whom)
        return self._changes(other is not None, lambda: self.members.pop(whom))

    def _set_role(self, who: str, whom: str, other: str | None, role: str) -> str | bool:
        if other is None:
            return "no_such_user"
        if other == role:
            return False
        if other == "owner" and (whom != who or self._is_last_owner(who)):
            return "forbidden"
        self.members[whom] = role
        return True

    def _mute(self, who: str, role: str, whom: str | None, other: str | None, *, lift: bool) -> str | bool:
        if whom == who or (other is not None and RANK[other] >= RANK[role]):
            return "forbidden"
        if whom is not None and other is None and not lift:
            return "no_such_user"
        was_muted = whom in self.muted
        (self.muted.discard if lift else self.muted.add)(whom)
        return was_muted == lift

    def _is_last_owner(self, who: str) -> bool:
        return [one for one, role in self.members.items() if role == "owner"] == [who]

    def _changes(self, it_does: bool, change: Any) -> bool:
        if it_does:
            change()
        return it_does


class Room:
    """A room, and a store that knows everybody and takes everything."""

    def __init__(self) -> None:
        self.scene = Scene("ann", "bob", kind="channel", roles={"ann": "owner"})
        self.on_its_way: list[Append] = []
        self.said: list[Ok | Error] = []
        self.log: list[Entry] = []

    def says(self, who: str, command: Command) -> None:
        self._follow(self.scene.says(who, command))

    def lands(self) -> None:
        """Everything that is on its way, and what follows from it."""
        while self.on_its_way:
            appends, self.on_its_way = self.on_its_way, []
            self._follow(self.scene.told(*(self._landed(append) for append in appends)))

    def _landed(self, append: Append) -> Outcome:
        draft = append.draft
        is_logged = not isinstance(draft, BanLifted) and not (isinstance(draft, MemberGone) and not draft.logged)
        if not is_logged:
            return Landed(append.ref, None, 1_000)
        self.scene.last_seq += 1
        whom = str(getattr(draft, "user", None)).removeprefix("u_")
        self.log.append(entry_of(ROOM, draft, user(whom), self.scene.last_seq, 1_000))
        return Landed(append.ref, self.scene.last_seq, 1_000)

    def _follow(self, effects: list[Effect]) -> None:
        self.said += answers(effects)
        self.on_its_way += [write.message for write in of(Write, effects) if isinstance(write.message, Append)]
        for consult in of(Consult, effects):
            question = consult.question
            assert isinstance(question, FindUser)
            self._follow(self.scene.room.done(Done(question.ref, user(question.who)), self.scene.now))

    @property
    def state(self) -> Any:
        return self.scene.room._state

    @property
    def roles(self) -> dict[str, str]:
        return {one.removeprefix("u_"): member.role for one, member in self.state.members.items()}

    @property
    def banned(self) -> set[str]:
        particulars = self.state.record.particulars
        return set() if particulars is None else {one.removeprefix("u_") for one in particulars.banned}


@settings(max_examples=150, deadline=None)
@given(st.lists(_said, max_size=30))
def test_one_after_the_other_the_room_does_what_the_model_says(said: list[tuple[str, Command]]) -> None:
    room, model = Room(), Model()
    for who, command in said:
        room.said.clear()
        before = room.scene.last_seq
        room.says(who, command)
        room.lands()
        expected = model.says(who, command)
        found = [answer for answer in room.said if isinstance(answer, Error)]
        assert [refused.code.value for refused in found] == ([expected] if isinstance(expected, str) else []), command
        assert room.scene.last_seq - before == (expected is True), command
        assert (room.roles, room.banned, room.state.record.name) == (model.members, model.banned, model.name), command


class Reader:
    """Somebody who reads the log from the beginning, and nothing else."""

    def __init__(self) -> None:
        self.roles = {"ann": "owner", "bob": "member"}
        self.name: str | None = "Scene"

    def reads(self, entry: Entry) -> None:
        match entry:
            case Joined(user=who):
                assert who.name not in self.roles
                self.roles[str(who.name)] = "member" if self.roles else "owner"
            case Left(user=gone):
                del self.roles[gone.removeprefix("u_")]
            case RoomChanged(info=info, user=str(whom), role=str(role)):
                assert whom.removeprefix("u_") in self.roles
                self.roles[whom.removeprefix("u_")], self.name = role, info.name
            case RoomChanged(info=info):
                self.name = info.name
        assert "owner" in self.roles.values() or not self.roles, "a room keeps an owner"


@settings(max_examples=150, deadline=None)
@given(st.lists(st.lists(_said, min_size=1, max_size=4, unique_by=lambda said: said[0]), max_size=12))
def test_whatever_comes_at_once_the_log_tells_what_the_room_has_become(groups: list[list[tuple[str, Command]]]) -> None:
    room, reader = Room(), Reader()
    for said in groups:
        for who, command in said:
            room.says(who, command)
        room.lands()
        for entry in room.log:
            reader.reads(entry)
        room.log.clear()
        assert (reader.roles, reader.name) == (room.roles, room.state.record.name)
        assert not set(room.roles) & room.banned
        assert not room.state.in_flight, "everything is decided"
