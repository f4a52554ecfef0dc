"""Everything that can be said to a real server, and whatever it says to that: as the websocket's document has it."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from typing import Any, get_args

from server.protocol.commands import LEGAL, AnyCommand
from server.protocol.events import AnyEvent
from tests.harness.documented import WEBSOCKET, complaints
from tests.harness.people import Frame, Talker, register, talk
from tests.harness.server import ServerProcess

COMMANDS: dict[str, str] = {kind.__struct_config__.tag: kind.__name__ for kind in get_args(AnyCommand)}
EVENTS: dict[str, str] = {kind.__struct_config__.tag: kind.__name__ for kind in get_args(AnyEvent)}


class Witness:
    """Gives commands for somebody, and holds what is heard against the document."""

    def __init__(self, talker: Talker) -> None:
        self._talker = talker
        self.said = {"hello"}
        self.heard: set[str] = set()
        self._look_at(talker.welcome)

    @property
    def id(self) -> str:
        user: str = self._talker.welcome["me"]["user"]
        return user

    @property
    def name(self) -> str:
        name: str = self._talker.welcome["me"]["name"]
        return name

    def say(self, op: str, **fields: Any) -> Frame:
        """A command that is valid by the document, and its answer."""
        self.said.add(op)
        assert complaints(WEBSOCKET, payload_of(COMMANDS[op]), {"op": op, **fields}) == []
        answer = self._talker.ask(op, **fields)
        self._look_at(answer, op)
        return answer

    def hear(self, op: str) -> Frame:
        """Waits for an event."""
        event = self._talker.expect(op)
        self._look_at(event)
        return event

    def _look_at(self, frame: Frame, answers: str | None = None) -> None:
        op = frame["op"]
        self.heard.add(op)
        name = f"{COMMANDS[answers]}Ok" if answers is not None and op == "ok" else EVENTS[op]
        assert complaints(WEBSOCKET, payload_of(name), frame) == [], frame
        if answers is not None and op == "error":
            assert frame["code"] in WEBSOCKET["operations"][answers]["x-error-codes"]


def payload_of(message: str) -> Frame:
    payload: Frame = WEBSOCKET["components"]["messages"][message]["payload"]
    return payload


def nonce() -> str:
    return secrets.token_hex(8)


def test_a_real_server_says_what_the_document_says(server: ServerProcess, person: Callable[[], Talker]) -> None:
    ada, bob = Witness(person()), Witness(person())
    room = ada.say("create_room", kind="group", name="Engine", members=[], nonce=nonce())["room"]
    ada.say("invite", room=room, user=bob.name)
    assert "seq" not in ada.say("invite", room=room, user=bob.name)
    bob.hear("joined")
    first = nonce()
    ada.say("post", room=room, nonce=first, text="Hello")
    assert ada.say("post", room=room, nonce=first, text="Hello")["duplicate"]
    seq = bob.hear("message")["seq"]
    bob.say("received", room=room, seq=seq)
    bob.say("read", room=room, seq=seq)
    bob.say("mark_unread", room=room, seq=seq)
    ada.hear("receipt")
    answered = bob.say("post", room=room, nonce=nonce(), text="You, too", reply_to=seq)["seq"]
    for witness in (ada, bob):
        witness.say("react", room=room, target=seq, emoji="👍", on=True)
    assert "seq" not in bob.say("react", room=room, target=seq, emoji="👍", on=True)
    ada.say("edit", room=room, target=seq, text="Hello, Bob")
    bob.say("edit", room=room, target=answered, text="You, too, Ada")
    for op in ("reaction", "reaction", "edited", "edited"):
        ada.hear(op)
    bob.say("delete", room=room, target=answered)
    ada.hear("deleted")
    ada.say("delete", room=room, target=answered)
    bob.say("typing", room=room)
    ada.say("focus", room=room)
    ada.say("attend", room=room, level="mentions")
    assert ada.hear("attention")["level"] == "mentions"
    ada.hear("typing")
    for witness in (ada, bob):
        first_page, gone = witness.say("history", room=room, limit=2)["messages"]
        assert first_page["reactions"] == [{"emoji": "👍", "count": 2, "me": True}]
        assert gone == gone | {"seq": answered, "deleted": True, "by": bob.id}
        witness.say("log", room=room, after=0)
        witness.say("members", room=room, limit=1)
        assert len(witness.say("members", room=room, online=True)["members"]) == 2
        for where in ({}, {"room": room}):
            [hit] = witness.say("search", query="hel*", **where)["hits"]
            assert hit["marks"] == [{"start": 0, "end": 5}]
        witness.say("rooms")
        witness.say("channels")
        assert witness.say("settings", receipts=True)["settings"] == {"receipts": True, "status": "online"}
        witness.say("presence", status="busy", text="In a meeting")
        assert "code" not in witness.say("subscribe_presence", users=[ada.id, bob.id, "u_nobody"])
        assert witness.say("subscribe_presence", users=[f"u_{n}" for n in range(100)])["code"] == "limit_reached"
        witness.say("subscribe_presence", users=[ada.id, bob.id, "u_nobody"], on=False)
        witness.say("ping")
    dm = ada.say("create_room", kind="dm", members=[bob.name], nonce=nonce())
    assert dm["info"]["peer"]["name"] == bob.name
    lobby = ada.say("create_room", kind="channel", name=f"lobby-{nonce()}", members=[], nonce=nonce())
    bob.say("join", name=lobby["info"]["name"])
    bob.say("leave", room=lobby["room"])
    assert bob.say("leave", room=dm["room"])["code"] == "forbidden"
    bob.say("leave", room=room)
    ada.hear("left")
    found = bob.say("channels", query=lobby["info"]["name"], limit=1)["channels"]
    assert found == [{"room": lobby["room"], "name": lobby["info"]["name"], "members": 1}]
    _mention(ada, bob)
    _talk_in_a_thread(ada, bob)
    _pin(ada, bob)
    _invite_by_code(ada, bob, room)
    _moderate(ada, bob)
    assert ada.said == set(LEGAL) - {"join", "leave", "typing", "received", "mark_unread"}
    assert ada.said | bob.said == set(LEGAL)
    heard = {"ok", "error", "welcome", "pong", "message", "joined", "left", "receipt", "typing"}
    assert heard | {"edited", "deleted", "reaction"} <= ada.heard | bob.heard


def _mention(ada: Witness, bob: Witness) -> None:
    room = ada.say("create_room", kind="group", name="Tea", members=[bob.name], nonce=nonce())["room"]
    calling = ada.say("post", room=room, nonce=nonce(), text=f"Is @{bob.name} here?")["seq"]
    assert _heard_of(room, bob, "message")["mentions"] == [bob.id]
    assert _counted(bob, room) == 1
    ada.say("edit", room=room, target=calling, text="@all!")
    assert _heard_of(room, bob, "edited")["mentions"] == ["*"]
    assert _counted(bob, room) == 1
    ada.say("edit", room=room, target=calling, text="`@all` is code")
    assert "mentions" not in bob.hear("edited")
    assert _counted(bob, room) == 0


def _talk_in_a_thread(ada: Witness, bob: Witness) -> None:
    room = ada.say("create_room", kind="group", name="Threads", members=[bob.name], nonce=nonce())["room"]
    root = ada.say("post", room=room, nonce=nonce(), text="A topic")["seq"]
    inside = bob.say("post", room=room, nonce=nonce(), text="An opinion", thread=root)["seq"]
    while (told := _heard_of(room, ada, "message"))["seq"] != inside:
        pass
    assert told["thread"] == root
    assert [message["seq"] for message in ada.say("history", room=room, thread=root)["messages"]] == [inside]
    [found] = ada.say("threads", room=room)["threads"]
    assert (found["root"]["seq"], found["replies"], found["last_seq"], found["unread"]) == (root, 1, inside, 1)
    assert "read_seq" not in ada.say("read", room=room, seq=inside, thread=root)
    assert (mark := ada.hear("thread_mark"))["read_seq"] == inside
    assert (mark["room"], mark["thread"]) == (room, root)
    assert ada.say("threads", room=room)["threads"][0]["unread"] == 0
    for op, fields in (("post", {"nonce": nonce(), "text": "Deeper"}), ("read", {"seq": inside})):
        codes = [ada.say(op, room=room, thread=thread, **fields).get("code") for thread in (inside, inside + 1)]
        assert codes == ["bad_request" if op == "post" else "no_such_message", "no_such_message"]
    bob.say("delete", room=room, target=inside)
    assert ada.say("threads", room=room)["threads"] == []
    assert ada.say("history", room=room, thread=root)["messages"][0]["thread"] == root


def _pin(ada: Witness, bob: Witness) -> None:
    room = ada.say("create_room", kind="group", name="Pins", members=[bob.name], nonce=nonce())["room"]
    first = ada.say("post", room=room, nonce=nonce(), text="Read this")["seq"]
    pinned = bob.say("pin", room=room, target=first, on=True)["seq"]
    assert _heard_of(room, ada, "pinned") == _heard_of(room, bob, "pinned")
    assert "seq" not in ada.say("pin", room=room, target=first, on=True)
    [pin] = ada.say("pins", room=room)["pins"]
    assert (pin["seq"], pin["message"]["seq"], pin["by"]) == (pinned, first, bob.id)
    assert ada.say("pin", room=room, target=1, on=True)["code"] == "no_such_message"
    ada.say("set_rights", room=room, pin="moderator")
    assert _heard_of(room, bob, "room")["info"]["rights"] == {"pin": "moderator"}
    assert bob.say("pin", room=room, target=first, on=False)["code"] == "forbidden"
    ada.say("delete", room=room, target=first)
    assert bob.say("pins", room=room)["pins"] == []


def _heard_of(room: str, witness: Witness, op: str) -> Frame:
    while (told := witness.hear(op))["room"] != room:
        pass
    return told


def _counted(witness: Witness, room: str) -> int:
    mentions: dict[str, int] = {seen["room"]: seen["mentions"] for seen in witness.say("rooms")["rooms"]}
    return mentions[room]


def _invite_by_code(ada: Witness, bob: Witness, room: str) -> None:
    """Into a group that Bob is not in."""
    code = ada.say("create_invite", room=room, nonce=nonce(), uses=5, seconds=60)["invite"]
    assert ada.say("invites", room=room)["invites"][0]["invite"] == code
    assert bob.say("invite_info", invite=code)["invited"]["name"] == "Engine"
    assert bob.say("join", invite=code)["info"]["room"] == room
    bob.say("leave", room=room)
    ada.say("set_rights", room=room, approval=True)
    assert bob.say("join", invite=code)["asked"]
    assert ada.hear("join_requested")["room"] == room
    assert [waiting["user"]["name"] for waiting in ada.say("join_requests", room=room)["requests"]] == [bob.name]
    ada.say("refuse", room=room, user=bob.name)
    assert ada.say("approve", room=room, user=bob.name)["code"] == "no_such_user"
    bob.say("join", invite=code)
    assert ada.say("approve", room=room, user=bob.name)["seq"]
    assert "seq" not in ada.say("approve", room=room, user=bob.name)
    ada.say("revoke_invite", room=room, invite=code)
    bob.say("leave", room=room)
    for op in ("join", "invite_info"):
        assert bob.say(op, invite=code)["code"] == "no_such_invite"
    ada.say("invite_info", invite=code)


def _moderate(ada: Witness, bob: Witness) -> None:
    lobby = ada.say("create_room", kind="channel", name=f"lobby-{nonce()}", members=[bob.name], nonce=nonce())["room"]
    ada.say("rename", room=lobby, name=f"hall-{nonce()}", topic="Tables of numbers")
    ada.say("set_role", room=lobby, user=bob.name, role="guest")
    ada.say("mute", room=lobby, user=bob.name, seconds=600)
    assert bob.say("post", room=lobby, nonce=nonce(), text="Hello")["retry_after"] > 0
    ada.say("mute", room=lobby)
    ada.say("set_rights", room=lobby, post="moderator", slow=30)
    for field in ("info", "role", "muted_until", "quiet_until", "info"):
        assert field in (changed := bob.hear("room"))
    assert changed["info"]["rights"] == {"post": "moderator", "slow": 30}
    assert ada.say("members", room=lobby)["members"][1]["muted_until"]
    assert {room["room"]: room for room in bob.say("rooms")["rooms"]}[lobby]["quiet_until"]
    ada.say("kick", room=lobby, user=bob.name, reason="Off topic")
    while (left := bob.hear("left"))["room"] != lobby:
        pass
    assert left["reason"] == "Off topic"
    assert "seq" not in ada.say("kick", room=lobby, user=bob.name)
    ada.say("ban", room=lobby, user=bob.name)
    assert bob.say("join", room=lobby)["code"] == "no_such_room"
    assert ada.say("invite", room=lobby, user=bob.name)["code"] == "forbidden"
    ada.say("unban", room=lobby, user=bob.name)
    assert bob.say("join", room=lobby)["info"]["quiet_until"]
    assert bob.say("delete_room", room=lobby)["code"] == "forbidden"
    acts = ada.say("audit", room=lobby, limit=3)
    assert [act["act"] for act in acts["acts"]] == ["unban", "ban", "kick"]
    assert acts["acts"][2]["reason"] == "Off topic"
    assert [act["act"] for act in ada.say("audit", room=lobby, next=acts["next"])["acts"]][-1] == "rename"
    assert bob.say("audit", room=lobby)["code"] == "forbidden"
    assert ada.say("delete_room", room=lobby, reason="It is over")["op"] == "ok"
    while (left := bob.hear("left"))["room"] != lobby:
        pass
    assert left["reason"] == "It is over"
    assert ada.say("delete_room", room=lobby)["code"] == bob.say("join", room=lobby)["code"] == "no_such_room"


def test_refusals_are_of_the_documented_codes(person: Callable[[], Talker]) -> None:
    ada, eve = Witness(person()), Witness(person())
    secret = ada.say("create_room", kind="group", members=[], nonce=nonce())["room"]
    open_room = ada.say("create_room", kind="channel", name=f"open-{nonce()}", members=[], nonce=nonce())["room"]
    said: dict[str, Frame] = {
        "history": {},
        "log": {"after": 0},
        "members": {},
        "typing": {},
        "received": {"seq": 1},
        "read": {"seq": 1},
        "post": {"nonce": "n", "text": "Hello"},
        "edit": {"target": 1, "text": "Hello"},
        "delete": {"target": 1},
        "react": {"target": 1, "emoji": "👍", "on": True},
        "invite": {"user": "nobody-at-all"},
        "kick": {"user": "nobody-at-all"},
        "ban": {"user": "nobody-at-all"},
        "unban": {"user": "nobody-at-all"},
        "set_role": {"user": "nobody-at-all", "role": "guest"},
        "rename": {"topic": "Nothing"},
        "create_invite": {"nonce": "n"},
        "invites": {},
        "revoke_invite": {"invite": "A" * 32},
        "join_requests": {},
        "approve": {"user": "nobody-at-all"},
        "refuse": {"user": "nobody-at-all"},
        "mute": {"seconds": 1},
        "set_rights": {"post": "owner"},
        "audit": {},
        "delete_room": {},
    }
    for op, fields in said.items():
        assert eve.say(op, room=secret, **fields)["code"] == "no_such_room"
        assert eve.say(op, room=open_room, **fields)["code"] == "not_a_member"
    assert eve.say("join", room=secret)["code"] == "no_such_room"
    assert eve.say("leave", room=secret)["code"] == "no_such_room"
    assert eve.say("join")["code"] == "bad_request"
    assert eve.say("channels", query="--")["code"] == "bad_request"
    assert ada.say("invite", room=secret, user="nobody-at-all")["code"] == "no_such_user"
    for op in ("kick", "ban", "unban", "set_role", "mute"):
        fields = {"seconds": 1} if op == "mute" else said[op]
        assert ada.say(op, room=secret, **fields | {"user": "nobody-at-all"})["code"] == "no_such_user"
    taken = ada.say("create_room", kind="channel", name=f"taken-{nonce()}", members=[], nonce=nonce())["info"]["name"]
    assert ada.say("rename", room=open_room, name=taken)["code"] == "conflict"
    assert ada.say("rename", room=open_room)["code"] == "bad_request"
    assert ada.say("set_rights", room=open_room)["code"] == "bad_request"
    assert ada.say("audit", room=open_room, next="x")["code"] == "bad_request"
    assert ada.say("post", room=secret, nonce="n", text="Hello", reply_to=99)["code"] == "no_such_message"
    mine = ada.say("post", room=secret, nonce="n", text="Hello")["seq"]
    gone = ada.say("post", room=secret, nonce="g", text="Hello")["seq"]
    ada.say("delete", room=secret, target=gone)
    for reply_to in (1, gone, gone + 1):
        told = ada.say("post", room=secret, nonce=nonce(), text="Hello", reply_to=reply_to)
        assert told["code"] == "no_such_message"
    for target in (0, 1, gone + 1):
        assert ada.say("edit", room=secret, target=target, text="Hello")["code"] == "no_such_message"
        assert ada.say("delete", room=secret, target=target)["code"] == "no_such_message"
        assert ada.say("react", room=secret, target=target, emoji="👍", on=True)["code"] == "no_such_message"
    assert ada.say("react", room=secret, target=mine, emoji="fine", on=True)["code"] == "bad_request"
    crowd = " ".join(f"@n{number}" for number in range(51))
    assert ada.say("post", room=secret, nonce=nonce(), text=crowd)["code"] == "limit_reached"
    assert ada.say("edit", room=secret, target=mine, text=crowd)["code"] == "limit_reached"
    eve.say("join", room=open_room)
    others = ada.say("post", room=open_room, nonce="n", text="Hello")["seq"]
    assert eve.say("edit", room=open_room, target=others, text="Bye")["code"] == "forbidden"
    assert eve.say("delete", room=open_room, target=others)["code"] == "forbidden"
    assert ada.say("post", room=secret, nonce="n", text="Bye")["code"] == "conflict"
    assert ada.say("create_room", kind="dm", members=["nobody-at-all"], nonce=nonce())["code"] == "no_such_user"


def test_a_resumed_room_is_recovered_as_documented(server: ServerProcess) -> None:
    _, token = register(server.url, f"reader-{nonce()}")
    with talk(server.websocket_url, token) as talker:
        ada = Witness(talker)
        info = ada.say("create_room", kind="group", members=[], nonce=nonce())["info"]
        ada.say("post", room=info["room"], nonce=nonce(), text="Hello")
    for log, recovered in ((info["log"], True), ("another", False)):
        resume = {info["room"]: {"log": log, "seq": 0}, "r_lost": {"log": "l", "seq": 3}}
        with talk(server.websocket_url, token, resume) as talker:
            again = Witness(talker)
            assert "seq" not in again.hear("left")
            assert again.hear("resumed")["recovered"] is recovered
