"""Every bad input has an answer, and nobody else notices: one row for each.

After each row two bystanders exchange a message over connections that were open all the time.
"""

from __future__ import annotations

import json
import secrets
import socket
import threading
from collections.abc import Callable, Iterator

import pytest
from websockets.exceptions import InvalidStatus

from tests.harness.people import PASSWORD, Frame, Talker, call, close_code, open_websocket, register, talk
from tests.harness.server import ServerProcess


@pytest.fixture(scope="module")
def bystanders(server: ServerProcess) -> Iterator[tuple[Talker, Talker, str]]:
    (_, ann_token), (bob, bob_token) = register(server.url, "by.ann"), register(server.url, "by.bob")
    with talk(server.websocket_url, ann_token) as ann, talk(server.websocket_url, bob_token) as bob_talks:
        room = ann.ask("create_room", kind="dm", members=[bob], nonce="by")["room"]
        yield ann, bob_talks, room


@pytest.fixture(autouse=True)
def nobody_else_notices(bystanders: tuple[Talker, Talker, str]) -> Iterator[None]:
    yield
    ann, bob, room = bystanders
    text = secrets.token_hex(4)
    assert ann.post(room, text)["op"] == "ok"
    assert bob.expect("message")["text"] == text


# --- frames that end the connection ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    "frame",
    [
        pytest.param("{", id="malformed JSON"),
        pytest.param("[1, 2]", id="no object"),
        pytest.param("nonsense", id="no JSON"),
        pytest.param('{"op":"post","text":"\\ud800"}', id="lone surrogate"),
        pytest.param(b'{"op":"ping"}', id="binary where text is due"),
        pytest.param('{"op":"ping","x":"' + "x" * 1_000_000 + '"}', id="oversize frame"),
        pytest.param('{"a":' * 50_000, id="nested without end"),
    ],
)
def test_whoever_does_not_speak_the_protocol_is_closed(person: Callable[[], Talker], frame: str | bytes) -> None:
    talker = person()
    talker.websocket.send(frame)
    assert close_code(talker.websocket) == 4502


# --- commands that are refused ----------------------------------------------------------------------------------

NOWHERE = "r_01KX2Y8F7Q3M5N9PABCDEFGHJK"


@pytest.mark.parametrize(
    ("command", "code"),
    [
        pytest.param({"op": "fly"}, "unknown_op", id="unknown op"),
        pytest.param({"op": 7}, "bad_request", id="op of the wrong type"),
        pytest.param({}, "bad_request", id="no op"),
        pytest.param({"op": "post", "room": 7, "nonce": "n", "text": "t"}, "bad_request", id="wrong type"),
        pytest.param({"op": "post", "room": "$own", "text": "t"}, "bad_request", id="no nonce"),
        pytest.param({"op": "post", "room": "$own", "nonce": "", "text": "t"}, "bad_request", id="empty nonce"),
        pytest.param({"op": "post", "room": "$own", "nonce": "n" * 65, "text": "t"}, "bad_request", id="long nonce"),
        pytest.param({"op": "post", "room": "$own", "nonce": "n", "text": "x" * 4001}, "too_long", id="4,001"),
        pytest.param({"op": "post", "room": "$own", "nonce": "n", "text": " \n"}, "bad_request", id="white space"),
        pytest.param({"op": "post", "room": "$own", "nonce": "n", "text": "a\0"}, "bad_request", id="NUL"),
        pytest.param(
            {"op": "post", "room": "$own", "nonce": "n", "text": "t", "reply_to": 999}, "no_such_message",
            id="reply to nothing",
        ),
        pytest.param({"op": "post", "room": NOWHERE, "nonce": "n", "text": "t"}, "no_such_room", id="unknown room"),
        pytest.param({"op": "post", "room": "$secret", "nonce": "n", "text": "t"}, "no_such_room", id="secret room"),
        pytest.param({"op": "post", "room": "$public", "nonce": "n", "text": "t"}, "not_a_member", id="not joined"),
        pytest.param({"op": "history", "room": "$public"}, "not_a_member", id="history of a channel not joined"),
        pytest.param({"op": "history", "room": "$secret"}, "no_such_room", id="history of a secret room"),
        pytest.param({"op": "history", "room": "$own", "limit": 0}, "bad_request", id="limit 0"),
        pytest.param({"op": "history", "room": "$own", "limit": 201}, "bad_request", id="limit 201"),
        pytest.param({"op": "history", "room": "$own", "before": 5, "after": 1}, "bad_request", id="both bounds"),
        pytest.param({"op": "log", "room": "$own", "after": -1}, "bad_request", id="negative seq"),
        pytest.param({"op": "log", "room": "../../etc/passwd", "after": 0}, "no_such_room", id="path for a room"),
        pytest.param({"op": "join", "room": "$secret"}, "no_such_room", id="join a secret room"),
        pytest.param({"op": "join", "name": "nowhere"}, "no_such_room", id="join a name nobody has"),
        pytest.param({"op": "join"}, "bad_request", id="join nothing"),
        pytest.param({"op": "leave", "room": NOWHERE}, "no_such_room", id="leave an unknown room"),
        pytest.param({"op": "members", "room": "$secret"}, "no_such_room", id="members of a secret room"),
        pytest.param({"op": "members", "room": "$own", "next": "\0"}, "bad_request", id="made-up cursor"),
        pytest.param({"op": "invite", "room": "$own", "user": "nobody-here"}, "no_such_user", id="invite nobody"),
        pytest.param({"op": "invite", "room": "$secret", "user": "by.ann"}, "no_such_room", id="invite to a secret"),
        pytest.param({"op": "read", "room": "$secret", "seq": 1}, "no_such_room", id="read a secret room"),
        pytest.param({"op": "typing", "room": "$secret"}, "no_such_room", id="typing in a secret room"),
        pytest.param({"op": "create_room", "kind": "cellar", "nonce": "n"}, "bad_request", id="unknown kind"),
        pytest.param({"op": "create_room", "kind": "channel", "nonce": "n"}, "bad_request", id="channel, no name"),
        pytest.param(
            {"op": "create_room", "kind": "channel", "name": "Ü b", "nonce": "n"}, "bad_request", id="bad name"
        ),
        pytest.param(
            {"op": "create_room", "kind": "channel", "name": "$name", "nonce": "n"}, "conflict", id="name taken"
        ),
        pytest.param(
            {"op": "create_room", "kind": "group", "name": "a\u202eb", "nonce": "n"}, "bad_request", id="bidi name"
        ),
        pytest.param({"op": "create_room", "kind": "dm", "members": [], "nonce": "n"}, "bad_request", id="dm of one"),
        pytest.param(
            {"op": "create_room", "kind": "dm", "members": ["nobody-here"], "nonce": "n"}, "no_such_user",
            id="dm with nobody",
        ),
        pytest.param({"op": "hello"}, "bad_request", id="a second hello"),
    ],
)  # fmt: skip
def test_a_bad_command_is_answered_by_name(person: Callable[[], Talker], command: Frame, code: str) -> None:
    stranger, talker = person(), person()
    name = secrets.token_hex(4)
    places = {
        "$own": talker.ask("create_room", kind="group", name="Own", nonce="n-own")["room"],
        "$secret": stranger.ask("create_room", kind="group", name="Secret", nonce="n-secret")["room"],
        "$public": stranger.ask("create_room", kind="channel", name=name, nonce="n-public")["room"],
        "$name": name,
    }
    fields = {key: places.get(value, value) if isinstance(value, str) else value for key, value in command.items()}
    talker.websocket.send(json.dumps({"id": "asked"} | fields))
    answer = talker.wait(lambda frame: frame.get("id") == "asked")
    assert (answer["op"], answer["code"]) == ("error", code)
    assert answer["message"]
    assert talker.ask("ping")["op"] == "pong", "the connection goes on"


def test_a_secret_room_and_no_room_sound_the_same(person: Callable[[], Talker]) -> None:
    stranger, talker = person(), person()
    secret = stranger.ask("create_room", kind="group", name="Secret", nonce="n")["room"]
    for op, fields in {
        "post": {"nonce": "n", "text": "t"}, "history": {}, "log": {"after": 0}, "members": {}, "leave": {},
        "invite": {"user": "by.ann"}, "read": {"seq": 1}, "received": {"seq": 1}, "join": {},
    }.items():  # fmt: skip
        answers = [talker.ask(op, room=room, **fields) for room in (secret, NOWHERE)]
        for answer in answers:
            del answer["id"]
        assert answers[0] == answers[1], op


# --- before hello ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("op", ["post", "rooms", "join", "typing"])
def test_nothing_is_done_before_hello(server: ServerProcess, op: str) -> None:
    with open_websocket(server.websocket_url) as websocket:
        websocket.send(json.dumps({"op": op, "id": 1, "room": NOWHERE, "nonce": "n", "text": "t"}))
        answer = json.loads(websocket.recv(timeout=15))
        assert (answer["op"], answer["id"], answer["code"]) == ("error", 1, "not_ready")


@pytest.mark.parametrize("token", ["", "wrong", "x" * 3_000, "ü", secrets.token_urlsafe(32)])
def test_a_wrong_token_is_closed(server: ServerProcess, token: str) -> None:
    with open_websocket(server.websocket_url) as websocket:
        websocket.send(json.dumps({"op": "hello", "token": token}))
        assert close_code(websocket) == 4501


def test_a_revoked_token_is_closed_as_revoked(server: ServerProcess) -> None:
    _, token = register(server.url, "revoked")
    assert call(server.url, "/v1/logout", token=token, method="POST")[0] == 204
    with open_websocket(server.websocket_url) as websocket:
        websocket.send(json.dumps({"op": "hello", "token": token}))
        assert close_code(websocket) == 4500


def test_a_hello_over_four_kilobytes_is_not_read_from_a_stranger(server: ServerProcess) -> None:
    with open_websocket(server.websocket_url) as websocket:
        websocket.send(json.dumps({"op": "hello", "token": "x", "padding": "x" * 5_000}))
        assert close_code(websocket) == 4502


def test_a_wrong_token_on_the_upgrade_is_401(server: ServerProcess) -> None:
    with pytest.raises(InvalidStatus) as caught:
        open_websocket(server.websocket_url, additional_headers={"Authorization": "Bearer wrong"})
    assert caught.value.response.status_code == 401


def test_a_foreign_page_may_not_connect(server: ServerProcess) -> None:
    with pytest.raises(InvalidStatus) as caught:
        open_websocket(server.websocket_url, origin="https://evil.example")
    assert caught.value.response.status_code == 403


@pytest.mark.slow
def test_who_connects_and_says_nothing_is_let_go(data_of_the_impatient: ServerProcess) -> None:
    impatient = data_of_the_impatient
    with open_websocket(impatient.websocket_url) as websocket:
        assert close_code(websocket) == 4006
    with socket.create_connection(impatient.address, timeout=15) as silent:
        assert status_of(silent) in {None, 408}


@pytest.fixture
def data_of_the_impatient(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    """A server whose deadlines for the opening are half a second."""
    data = tmp_path_factory.mktemp("impatient") / "data"
    with ServerProcess(
        data, environment={"HUBBUB_HELLO_DEADLINE": "0.5", "HUBBUB_HANDSHAKE_DEADLINE": "0.5"}
    ) as running:
        yield running


# --- HTTP ------------------------------------------------------------------------------------------------------


def status_of(sock: socket.socket) -> int | None:
    """The status of what the server answers, or None if it closes without a word."""
    with sock.makefile("rb") as answer:
        line = answer.readline()
    return int(line.split()[1]) if line else None


@pytest.mark.parametrize(
    ("request_bytes", "statuses"),
    [
        pytest.param(b"GET / HTTP/1.1\r\nHost: x\r\n", {None, 400, 408}, id="torn in half"),
        pytest.param(b"POST /v1/login HTTP/1.1\r\nHost: x\r\nContent-Length: 99\r\n\r\n{", {None, 400, 408}, id="body"),
        pytest.param(b"\x16\x03\x01\x02\x00\x01\x00", {None, 400}, id="TLS on a plain port"),
        pytest.param(b"GET / HTTP/1.1\r\nHost: x\r\nX: " + b"x" * 100_000 + b"\r\n\r\n", {431}, id="100 KB header"),
        pytest.param(b"GET /v1/ws HTTP/1.1\r\nHost: x\r\n\r\n", {426}, id="no upgrade"),
        pytest.param(
            b"GET /v1/ws HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
            b"Sec-WebSocket-Version: 12\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n",
            {400, 426}, id="another version",
        ),
        pytest.param(
            b"GET /v1/ws HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
            b"Sec-WebSocket-Version: 13\r\n\r\n",
            {400}, id="no key",
        ),
        pytest.param(b"GET /nowhere HTTP/1.1\r\nHost: x\r\n\r\n", {404}, id="no such page"),
        pytest.param(b"DELETE /v1/login HTTP/1.1\r\nHost: x\r\n\r\n", {405}, id="wrong method"),
        pytest.param(b"GET /static/../../settings.py HTTP/1.1\r\nHost: x\r\n\r\n", {400, 404}, id="path upwards"),
        pytest.param(
            b"POST /v1/login HTTP/1.1\r\nHost: x\r\nContent-Length: 999999999\r\n\r\n", {413}, id="giant body"
        ),
    ],
)  # fmt: skip
def test_a_bad_request_gets_its_status(server: ServerProcess, request_bytes: bytes, statuses: set[int | None]) -> None:
    with socket.create_connection(server.address, timeout=15) as sock:
        sock.sendall(request_bytes)
        sock.shutdown(socket.SHUT_WR)
        assert status_of(sock) in statuses


@pytest.mark.parametrize(
    ("path", "body", "status", "code"),
    [
        ("/v1/register", {"name": "Bad Name", "password": PASSWORD}, 400, "bad_request"),
        ("/v1/register", {"name": "short", "password": "1234567"}, 400, "bad_request"),
        ("/v1/register", {"name": "by.ann", "password": PASSWORD}, 409, "name_taken"),
        ("/v1/register", {"name": 5, "password": PASSWORD}, 400, "bad_request"),
        ("/v1/register", ["no", "object"], 400, "bad_request"),
        ("/v1/login", {"name": "by.ann", "password": "wrong password"}, 401, "bad_credentials"),
        ("/v1/login", {"name": "nobody-here", "password": "wrong password"}, 401, "bad_credentials"),
        ("/v1/login", {}, 400, "bad_request"),
    ],
)
def test_a_bad_call_says_what_is_wrong(server: ServerProcess, path: str, body: object, status: int, code: str) -> None:
    got, answer = call(server.url, path, body)
    assert (got, answer["error"]["code"]) == (status, code)
    assert answer["error"]["message"]


@pytest.mark.parametrize("token", [None, "wrong", "a b"])
def test_http_needs_a_good_token(server: ServerProcess, token: str | None) -> None:
    assert call(server.url, "/v1/rooms", token=token)[0] == 401


def test_a_crowd_that_floods_the_password_hashing_is_turned_away_and_the_rest_goes_on(
    server: ServerProcess, person: Callable[[], Talker]
) -> None:
    talker = person()
    statuses: list[int] = []

    def sign_in(number: int) -> None:
        statuses.append(call(server.url, "/v1/login", {"name": f"crowd{number}", "password": "wrong password"})[0])

    crowd = [threading.Thread(target=sign_in, args=(n,)) for n in range(150)]
    for thread in crowd:
        thread.start()
    assert talker.ask("ping")["op"] == "pong"
    for thread in crowd:
        thread.join(60)
    assert len(statuses) == 150
    assert set(statuses) <= {401, 503}
    assert 503 in statuses, "the queue before the hashing is bounded"
    assert 401 in statuses
