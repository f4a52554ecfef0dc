"""Two people talk: the main job, spoken by websocket libraries nobody here wrote."""

from __future__ import annotations

import json
import secrets
from collections.abc import Callable

import trio
import trio_websocket

from tests.harness.people import Talker, call, close_code, register, talk
from tests.harness.server import ServerProcess


def test_two_people_talk(person: Callable[[], Talker]) -> None:
    ann, bob = person(), person()
    created = ann.ask("create_room", kind="channel", name="garden", nonce=secrets.token_hex(8))
    room = created["room"]
    joined = bob.ask("join", name="garden")
    assert joined["info"]["last_seq"] == 2
    assert ann.expect("joined")["user"]["user"] == bob.welcome["me"]["user"]

    answer = ann.post(room, "good morning")
    assert (answer["op"], answer["seq"], answer["duplicate"]) == ("ok", 3, False)
    heard = bob.expect("message")
    assert (heard["room"], heard["seq"], heard["text"]) == (room, 3, "good morning")
    assert heard["from"]["user"] == ann.welcome["me"]["user"]
    assert ann.expect("message") == heard, "everyone gets the same event"

    page = bob.ask("history", room=room, limit=10)
    assert [message["text"] for message in page["messages"]] == ["good morning"]
    assert page["more"] is False
    log = bob.ask("log", room=room, after=0, limit=10)
    assert [(entry["op"], entry["seq"]) for entry in log["entries"]] == [
        ("joined", 1), ("joined", 2), ("message", 3),
    ]  # fmt: skip


def test_the_answer_comes_before_the_own_event(person: Callable[[], Talker]) -> None:
    ann = person()
    room = ann.ask("create_room", kind="group", name="Alone", nonce="n-1")["room"]
    numbers = [ann.say("post", room=room, nonce=secrets.token_hex(8), text=str(n)) for n in range(20)]
    frames = [json.loads(ann.websocket.recv(timeout=15)) for _ in range(40)]
    answers = [frame["id"] for frame in frames if frame["op"] == "ok"]
    assert answers == numbers, "replies come in the order of the commands"
    for frame in frames:
        if frame["op"] == "message":
            own = next(f for f in frames if f["op"] == "ok" and f["seq"] == frame["seq"])
            assert frames.index(own) < frames.index(frame)


def test_a_retry_gets_the_first_answer(person: Callable[[], Talker]) -> None:
    ann = person()
    room = ann.ask("create_room", kind="group", name="Retry", nonce="n-2")["room"]
    first = ann.post(room, "once", nonce="same")
    again = ann.post(room, "once", nonce="same")
    assert (again["seq"], again["at"], again["duplicate"]) == (first["seq"], first["at"], True)
    other = ann.post(room, "twice", nonce="same")
    assert (other["op"], other["code"]) == ("error", "conflict")
    assert ann.ask("log", room=room, after=0, limit=10)["to"] == first["seq"]


def test_a_retry_while_the_first_is_under_way_is_no_second_message(person: Callable[[], Talker]) -> None:
    ann = person()
    room = ann.ask("create_room", kind="group", name="Hurry", nonce="n-3")["room"]
    numbers = [ann.say("post", room=room, nonce="same", text="hello") for _ in range(5)]
    answers = [ann.wait(lambda frame, number=number: frame.get("id") == number) for number in numbers]
    assert {answer["seq"] for answer in answers} == {2}
    assert [answer["duplicate"] for answer in answers] == [False, True, True, True, True]


def test_direct_messages_are_one_room_however_often_they_are_made(person: Callable[[], Talker]) -> None:
    ann, bob = person(), person()
    mine, yours = ann.welcome["me"], bob.welcome["me"]
    room = ann.ask("create_room", kind="dm", members=[yours["name"]], nonce="n-4")
    same = bob.ask("create_room", kind="dm", members=[mine["user"]], nonce="n-5")
    assert room["room"] == same["room"]
    assert room["info"]["peer"]["user"] == yours["user"]
    assert same["info"]["peer"]["user"] == mine["user"]
    ann.post(room["room"], "psst")
    assert bob.expect("message")["text"] == "psst"


def test_someone_invited_hears_what_follows(person: Callable[[], Talker]) -> None:
    ann, bob = person(), person()
    room = ann.ask("create_room", kind="group", name="Plans", nonce="n-6")["room"]
    assert bob.ask("history", room=room)["code"] == "no_such_room"
    assert ann.ask("invite", room=room, user=bob.welcome["me"]["name"])["op"] == "ok"
    assert bob.expect("joined")["by"] == ann.welcome["me"]["user"]
    ann.post(room, "welcome")
    assert bob.expect("message")["text"] == "welcome"
    assert bob.ask("leave", room=room)["op"] == "ok"
    ann.post(room, "gone?")
    assert bob.ask("post", room=room, nonce="x1", text="still here")["code"] == "no_such_room"
    assert not [frame for frame in bob.heard if frame["op"] == "message"]


def test_members_typing_and_marks(person: Callable[[], Talker]) -> None:
    ann, bob = person(), person()
    room = ann.ask("create_room", kind="group", name="Kin", members=[bob.welcome["me"]["user"]], nonce="n-7")["room"]
    bob.expect("joined")
    found = ann.ask("members", room=room, limit=10)["members"]
    assert {member["user"]["name"]: member["role"] for member in found} == {
        ann.welcome["me"]["name"]: "owner", bob.welcome["me"]["name"]: "member",
    }  # fmt: skip
    bob.say("typing", room=room)
    assert ann.expect("typing") == {"op": "typing", "room": room, "user": bob.welcome["me"]["user"]}
    seq = ann.post(room, "read this")["seq"]
    assert bob.ask("read", room=room, seq=seq)["op"] == "ok"
    receipt = ann.expect("receipt")
    assert (receipt["user"], receipt["read"]) == (bob.welcome["me"]["user"], seq)
    unread = {info["room"]: info["unread"] for info in bob.ask("rooms")["rooms"]}
    assert unread[room] == 0


def test_a_second_device_starts_where_the_store_is(server: ServerProcess, person: Callable[[], Talker]) -> None:
    ann = person()
    user, token = register(server.url, "twodevices")
    status, second = call(server.url, "/v1/login", {"name": "twodevices", "password": "correct horse battery"})
    assert status == 200
    with talk(server.websocket_url, token) as phone, talk(server.websocket_url, second["token"]) as laptop:
        assert phone.welcome["session"] != laptop.welcome["session"]
        room = ann.ask("create_room", kind="dm", members=[user], nonce="n-8")["room"]
        for device in (phone, laptop):
            device.expect("joined")
        ann.post(room, "to both")
        assert phone.expect("message") == laptop.expect("message")


def test_who_was_away_gets_what_was_missed_and_is_told_that_it_is_all(
    server: ServerProcess, person: Callable[[], Talker]
) -> None:
    ann = person()
    _, token = register(server.url, "traveller")
    with talk(server.websocket_url, token) as before:
        room = ann.ask("create_room", kind="dm", members=["traveller"], nonce="n-9")["room"]
        before.expect("joined")
        info = before.ask("rooms")["rooms"][0]
    for n in range(5):
        ann.post(room, f"missed {n}")
    cursor = {room: {"log": info["log"], "seq": info["last_seq"]}}
    with talk(server.websocket_url, token, resume=cursor) as after:
        assert after.welcome["rooms"][0]["unread"] == 5
        resumed = after.expect("resumed")
        missed = [after.expect("message")["text"] for _ in range(5)]
        assert missed == [f"missed {n}" for n in range(5)]
        assert (resumed["recovered"], resumed["from"], resumed["to"]) == (True, 3, 7)
        ann.post(room, "live again")
        assert after.expect("message")["seq"] == 8


def test_a_cursor_of_another_log_is_no_recovery(server: ServerProcess, person: Callable[[], Talker]) -> None:
    ann = person()
    _, token = register(server.url, "stranger")
    room = ann.ask("create_room", kind="dm", members=["stranger"], nonce="n-10")["room"]
    for cursor in ({"log": "l_other", "seq": 1}, {"log": None, "seq": 999}):
        with talk(server.websocket_url, token) as look:
            log = look.welcome["rooms"][0]["log"]
        resume = {room: {"log": cursor["log"] or log, "seq": cursor["seq"]}}
        with talk(server.websocket_url, token, resume=resume) as after:
            resumed = after.expect("resumed")
            assert (resumed["recovered"], resumed["last_seq"]) == (False, 2)
            assert resumed["reason"]
            assert not after.heard


def test_a_script_needs_only_http(server: ServerProcess, person: Callable[[], Talker]) -> None:
    ann = person()
    _, token = register(server.url, "script")
    room = ann.ask("create_room", kind="dm", members=["script"], nonce="n-11")["room"]
    status, posted = call(server.url, f"/v1/rooms/{room}/messages", {"nonce": "h-1", "text": "by curl"}, token=token)
    assert status in (200, 201)
    assert posted["seq"] == 3
    assert ann.expect("message")["text"] == "by curl"
    status, page = call(server.url, f"/v1/rooms/{room}/messages?limit=5", token=token)
    assert status == 200
    assert [message["text"] for message in page["messages"]] == ["by curl"]
    status, rooms = call(server.url, "/v1/rooms", token=token)
    assert [info["room"] for info in rooms["rooms"]] == [room]


def test_a_signed_out_token_is_shown_the_door(server: ServerProcess) -> None:
    _, token = register(server.url, "leaver")
    with talk(server.websocket_url, token) as talker:
        assert call(server.url, "/v1/logout", token=token, method="POST") == (204, None)
        assert close_code(talker.websocket) == 4500
    assert call(server.url, "/v1/rooms", token=token)[0] == 401


async def test_trio_websocket_talks_to_it_too(server: ServerProcess) -> None:
    _, token = await trio.to_thread.run_sync(register, server.url, "triowebsocket")
    with trio.fail_after(15):
        async with trio_websocket.open_websocket_url(
            server.websocket_url,
            subprotocols=["hubbub.v1.json"],
            extra_headers=[("Authorization", f"Bearer {token}")],
        ) as websocket:
            assert websocket.subprotocol == "hubbub.v1.json"
            await websocket.send_message(json.dumps({"op": "hello"}))
            welcome = json.loads(await websocket.get_message())
            assert welcome["op"] == "welcome"
            assert welcome["me"]["name"] == "triowebsocket"
            await websocket.send_message(
                json.dumps({"op": "create_room", "id": 1, "kind": "group", "name": "Trio", "nonce": "t-1"})
            )
            created = json.loads(await websocket.get_message())
            assert created["info"]["last_seq"] == 1
