"""The table of rights, tried: every command as every role, by a stranger, by somebody banned, and by nobody at all.

Over the real websocket. To who may not know of a room, whatever they say of it must sound as if it never was: the very
same answer as for a room that nobody ever made.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import count
from typing import Any, get_args

import pytest

from server.protocol.commands import LEGAL, RoomCommand
from server.protocol.objects import RoomKind
from server.rooms.rights import RIGHTS, ROLES, Reach
from server.rooms.room_rights import ACTS, may
from tests.harness.people import Frame, Talker, call, open_websocket, register, talk
from tests.harness.server import ServerProcess

NOWHERE = "r_01KX2Y8F7Q3M5N9PABCDEFGHJK"
VICTIM, HOST = object(), object()
"""Somebody who has no say, and somebody whom nobody has a say over."""

SAID: dict[str, dict[str, Any]] = {
    "post": {"nonce": "n", "text": "hello"},
    "edit": {"target": VICTIM, "text": "hello again"},
    "react": {"target": VICTIM, "emoji": "\N{THUMBS UP SIGN}", "on": True},
    "delete": {"target": VICTIM},
    "history": {},
    "threads": {},
    "pin": {"target": VICTIM, "on": True},
    "pins": {},
    "log": {"after": 0},
    "members": {},
    "search": {"query": "hello"},
    "received": {"seq": 1},
    "read": {"seq": 1},
    "mark_unread": {"seq": 1},
    "typing": {},
    "focus": {},
    "attend": {"level": "none"},
    "leave": {},
    "invite": {"user": VICTIM},
    "create_invite": {"nonce": "n"},
    "invites": {},
    "revoke_invite": {"invite": "A" * 32},
    "join_requests": {},
    "approve": {"user": VICTIM},
    "refuse": {"user": VICTIM},
    "unban": {"user": VICTIM},
    "rename": {"topic": "rights"},
    "mute": {"user": VICTIM, "seconds": 0},
    "set_role": {"user": VICTIM, "role": "guest"},
    "set_rights": {"mention_all": "owner"},
    "audit": {},
    "delete_room": {"reason": "It is over"},
    "kick": {"user": VICTIM},
    "ban": {"user": VICTIM},
}
"""Each command as it is tried on the victim, a guest, or on what that one said; in an order in which the one leaves the
next possible."""

OPS = {kind.__struct_config__.tag: kind for kind in get_args(RoomCommand)}
_numbers = count(1)


@dataclass
class Person:
    name: str
    user: str
    token: str
    talker: Talker


@pytest.fixture(scope="module")
def newcomer(server: ServerProcess) -> Iterator[Callable[[], Person]]:
    people: list[Person] = []

    def arrive() -> Person:
        name = f"somebody{next(_numbers)}"
        user, token = register(server.url, name)
        people.append(Person(name, user, token, talk(server.websocket_url, token)))
        return people[-1]

    yield arrive
    for person in people:
        person.talker.close()


class Stage:
    """A host, a victim, and somebody of each role, who come and go as the tests need them."""

    def __init__(self, newcomer: Callable[[], Person]) -> None:
        self.host, self.victim, self.eve, self.mallory = (newcomer() for _ in range(4))
        self.people = {role: newcomer() for role in ROLES}

    def room(self, kind: str) -> tuple[str, str]:
        """A room of the host, with everybody in it but Eve and Mallory, who is banned; and its name."""
        name = f"secret-{secrets.token_hex(8)}"
        others = [self.victim.user, *(person.user for person in self.people.values())]
        made = self.host.talker.ask("create_room", kind=kind, name=name, members=others, nonce=secrets.token_hex(8))
        room = made["room"]
        for role, person in self.people.items():
            self.does("set_role", room=room, user=person.user, role=role)
        self.does("set_role", room=room, user=self.victim.user, role="guest")
        self.does("ban", room=room, user=self.mallory.user)
        self.does("post", room=room, nonce="secret", text=f"secret of {name}")
        return room, name

    def does(self, op: str, **fields: Any) -> None:
        answer = self.host.talker.ask(op, **fields)
        assert answer["op"] == "ok", (op, answer)

    def restore(self, room: str, person: Person, role: str) -> None:
        self.does("unban", room=room, user=person.user)
        self.does("invite", room=room, user=person.user)
        self.does("set_role", room=room, user=person.user, role=role)

    def said_by(self, person: Person, room: str) -> int:
        seq: int = person.talker.post(room, "hello")["seq"]
        return seq

    def fields(self, op: str, **more: Any) -> dict[str, Any]:
        fields = SAID[op] | more
        for name, value in fields.items():
            if value in (VICTIM, HOST):
                person = self.victim if value is VICTIM else self.host
                fields[name] = 1 if name == "target" else person.user
        return fields | ({"nonce": secrets.token_hex(8)} if "nonce" in fields else {})


@pytest.fixture(scope="module")
def stage(newcomer: Callable[[], Person]) -> Stage:
    return Stage(newcomer)


def without_id(frame: Frame) -> Frame:
    return {name: value for name, value in frame.items() if name != "id"}


def test_every_command_on_a_room_is_tried() -> None:
    assert set(SAID) == set(OPS) == {kind.__struct_config__.tag for kind in RIGHTS}


@pytest.mark.parametrize("kind", ["group", "channel"])
def test_members_may_what_the_table_says(stage: Stage, kind: RoomKind) -> None:
    room, _ = stage.room(kind)
    for role, person in stage.people.items():
        for op in (*(op for op in SAID if op != "leave"), "leave"):
            reach = getattr(RIGHTS[OPS[op]], role)
            on = {"target": stage.said_by(stage.victim, room)} if "target" in SAID[op] else {}
            where = stage.room(kind)[0] if op == "delete_room" else room
            answer = person.talker.ask(op, room=where, **stage.fields(op, **on))
            act = ACTS.get(OPS[op])
            is_kept = act is not None and not may(act, role, None, kind)
            refused = reach in (Reach.NO, Reach.OWN) or is_kept
            assert answer.get("code") == ("forbidden" if refused else None), (role, op, answer)
            if reach is Reach.OWN:
                answer = person.talker.ask(op, room=room, **stage.fields(op, target=stage.said_by(person, room)))
                assert answer["op"] == "ok", (role, op, answer)
            if reach is Reach.BELOW:
                answer = person.talker.ask(op, room=room, **stage.fields(op, user=HOST))
                assert answer.get("code") == "forbidden", (role, op, answer)
            if op in ("kick", "ban") and reach is not Reach.NO:
                stage.restore(room, stage.victim, "guest")
        stage.restore(room, person, role)


def test_in_a_conversation_of_two_nobody_has_a_say_over_the_other(stage: Stage) -> None:
    room = stage.host.talker.ask("create_room", kind="dm", members=[stage.victim.user], nonce=secrets.token_hex(8))
    for op in SAID:
        on = {"target": stage.said_by(stage.host, room["room"])} if "target" in SAID[op] else {}
        answer = stage.host.talker.ask(op, room=room["room"], **stage.fields(op, **on))
        assert answer.get("code") == (None if RIGHTS[OPS[op]].in_dm else "forbidden"), (op, answer)


def test_to_strangers_a_group_is_a_room_that_never_was(stage: Stage) -> None:
    room, name = stage.room("group")
    for person in (stage.eve, stage.mallory):
        for op in (*SAID, "join"):
            _sounds_like_nowhere(person, op, room, {} if op == "join" else stage.fields(op), name)


def test_to_who_is_banned_a_channel_is_a_room_that_never_was(stage: Stage, server: ServerProcess) -> None:
    room, name = stage.room("channel")
    mallory = stage.mallory
    for op in (*SAID, "join"):
        _sounds_like_nowhere(mallory, op, room, {} if op == "join" else stage.fields(op), name)
    by_name = without_id(mallory.talker.ask("join", name=name))
    assert by_name == without_id(mallory.talker.ask("join", name="nobody-made-this"))
    messages = "/v1/rooms/{}/messages"
    for body in (None, {"nonce": "n", "text": "hello"}):
        told = call(server.url, messages.format(room), body, token=mallory.token)
        assert told == call(server.url, messages.format(NOWHERE), body, token=mallory.token)
        assert told[0] == 404
    with talk(server.websocket_url, mallory.token, {room: {"log": "l", "seq": 1}}) as again:
        assert room not in [known["room"] for known in again.welcome["rooms"]]
        assert again.expect("left") == {"op": "left", "room": room, "user": mallory.user}


@pytest.mark.parametrize("kind", ["group", "channel"])
def test_an_invite_that_is_not_good_sounds_the_same_whatever_it_was(stage: Stage, kind: str) -> None:
    room, name = stage.room(kind)

    def made(**fields: Any) -> str:
        code: str = stage.host.talker.ask("create_invite", room=room, nonce=secrets.token_hex(8), **fields)["invite"]
        return code

    spent, revoked, good = made(uses=1), made(), made(seconds=600)
    shown = stage.eve.talker.ask("invite_info", invite=spent)["invited"]
    assert shown == {"kind": kind, "name": name, "members": 6}
    guest = stage.people["guest"].talker
    assert stage.victim.talker.ask("join", invite=spent)["room"] == room
    stage.does("kick", room=room, user=stage.people["guest"].user)
    guest.wait(lambda frame: frame["op"] == "left" and frame["room"] == room)
    assert guest.ask("join", invite=spent)["room"] == room
    stage.does("revoke_invite", room=room, invite=revoked)
    forged = good[:-1] + ("A" if good[-1] != "A" else "B")
    bad = [(stage.eve, spent), (stage.eve, revoked), (stage.eve, forged), (stage.eve, ""), (stage.mallory, good)]
    for op in ("join", "invite_info"):
        told = [without_id(person.talker.ask(op, invite=code)) for person, code in bad]
        assert told == [told[0]] * len(bad)
        assert told[0]["code"] == "no_such_invite"
    assert [link["invite"] for link in stage.host.talker.ask("invites", room=room)["invites"]] == [good]


def test_the_directory_has_channels_only_and_none_for_who_is_banned_there(stage: Stage, server: ServerProcess) -> None:
    names = {kind: stage.room(kind)[1] for kind in ("channel", "group")}
    for person, wanted in ((stage.eve, {names["channel"]}), (stage.victim, {names["channel"]}), (stage.mallory, set())):
        for name in names.values():
            found = person.talker.ask("channels", query=name)
            path = f"/v1/channels?limit=100&query={name}"
            assert {channel["name"] for channel in found["channels"]} == wanted & {name}
            assert call(server.url, path, token=person.token)[1]["channels"] == found["channels"]


def _sounds_like_nowhere(person: Person, op: str, room: str, fields: dict[str, Any], name: str) -> None:
    told = without_id(person.talker.ask(op, room=room, **fields))
    assert told == without_id(person.talker.ask(op, room=NOWHERE, **fields)), op
    assert told["code"] == "no_such_room"
    assert name not in json.dumps(told)


def test_strangers_to_a_channel_are_no_members(stage: Stage) -> None:
    room, name = stage.room("channel")
    for op in SAID:
        if op != "leave":
            told = stage.eve.talker.ask(op, room=room, **stage.fields(op))
            assert told["code"] == "not_a_member", (op, told)
            assert name not in json.dumps(told)


def test_who_is_not_signed_in_may_nothing(stage: Stage, server: ServerProcess) -> None:
    room, _ = stage.room("channel")
    websocket = open_websocket(server.websocket_url)
    for op in sorted(set(LEGAL) - {"hello", "ping"}):
        fields = (
            stage.fields(op)
            if op in SAID
            else {"kind": "group", "nonce": "n", "members": [], "invite": "", "status": "away", "users": []}
        )
        websocket.send(json.dumps({"op": op, "room": room} | fields))
        assert json.loads(websocket.recv(timeout=15))["code"] == "not_ready", op
    websocket.close()


def test_a_banned_creator_who_says_it_again_gets_no_room(stage: Stage, newcomer: Callable[[], Person]) -> None:
    founder = newcomer()
    making = {"kind": "channel", "name": f"lost-{secrets.token_hex(4)}", "members": [stage.host.user], "nonce": "n1"}
    room = founder.talker.ask("create_room", **making)["room"]
    for user, role in ((stage.host.user, "owner"), (founder.user, "member")):
        assert founder.talker.ask("set_role", room=room, user=user, role=role)["op"] == "ok"
    stage.does("ban", room=room, user=founder.user)
    founder.talker.wait(lambda frame: frame["op"] == "left" and frame["room"] == room)
    assert founder.talker.ask("create_room", **making)["code"] == "no_such_room"
