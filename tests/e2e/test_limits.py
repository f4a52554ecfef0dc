"""Every limit from outside: a real server with low ones, and clients that go beyond each."""

from __future__ import annotations

import itertools
import json
import os
import secrets
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any
from urllib.request import urlopen

import pytest

from tests.bench.crowd import masked
from tests.bench.measure import cpu_seconds
from tests.gateway.rings import NEEDS_RINGS
from tests.harness.narrow_server import FILES
from tests.harness.people import PASSWORD, Frame, Talker, call, close_code, open_websocket, register, talk
from tests.harness.server import ServerProcess

BURST = 2  # seconds
LOW = {
    "BURST": BURST,
    "COMMANDS_PER_SECOND": 10,
    "BYTES_PER_SECOND": 20_000,
    "COMMANDS_PER_SECOND_PER_USER": 12,
    "BYTES_PER_SECOND_PER_USER": 24_000,
    "MAX_CONNECTIONS_PER_USER": 3,
    "MAX_ROOMS_PER_USER": 3,
    "MAX_MEMBERS_PER_ROOM": 3,
}
AT_ONCE = LOW["COMMANDS_PER_SECOND"] * BURST

_numbers = itertools.count(1)


def settings(**values: object) -> dict[str, str]:
    return {f"HUBBUB_{name.upper()}": str(value) for name, value in values.items()}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    """One server with low limits of what people do."""
    data = tmp_path_factory.mktemp("low") / "data"
    with ServerProcess(data, environment=settings(**LOW)) as running:
        yield running


@pytest.fixture(scope="module")
def narrow(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    """One server with low limits of what sockets do."""
    data = tmp_path_factory.mktemp("narrow") / "data"
    low = settings(
        header_bytes=2_048, body_bytes=1_024, frame_bytes=8_192, partial_bytes=4_096, outbound_bytes=16_384,
        send_buffer_bytes=4_096, stall_deadline=0.5, idle_deadline=0.3, handshake_deadline=0.5, hello_deadline=0.5,
        max_handshakes=3, max_connections=8,
    )  # fmt: skip
    with ServerProcess(data, environment=low) as running:
        yield running


def newcomer(server: ServerProcess) -> tuple[str, str]:
    """Somebody new: name and token."""
    name = f"limit{next(_numbers)}"
    return name, register(server.url, name)[1]


def refused(answers: list[Frame]) -> list[Frame]:
    return [answer for answer in answers if answer["op"] == "error"]


def all_at_once(talker: Talker, count: int, **command: Any) -> list[Frame]:
    """Say so many, then hear what each is answered."""
    said = [talker.say(**command) for _ in range(count)]
    return [talker.wait(lambda frame, number=number: frame.get("id") == number) for number in said]  # type: ignore[misc]


def until(condition: Callable[[], bool]) -> None:
    """Wait until it holds."""
    for _ in range(300):
        if condition():
            return
        time.sleep(0.05)
    raise AssertionError("never came true")


# --- how fast people may speak -----------------------------------------------------------------------------------


def test_what_comes_too_fast_is_refused_and_done_when_it_may_be(server: ServerProcess) -> None:
    with talk(server.websocket_url, newcomer(server)[1]) as talker:
        answers = all_at_once(talker, AT_ONCE + 10, op="rooms")
        assert [answer["op"] for answer in answers[: AT_ONCE - 1]] == ["ok"] * (AT_ONCE - 1), "hello was one"
        assert refused(answers)
        for answer in refused(answers):
            assert answer["code"] == "rate_limited"
            assert answer["retry_after"] > 0
        answer = answers[-1]
        for _ in range(5):
            if answer["op"] == "ok":
                return
            time.sleep(answer["retry_after"] / 1000)  # as it was told
            answer = talker.ask("rooms")
        raise AssertionError(answer)


def test_posts_that_come_too_fast_stay_in_order(server: ServerProcess) -> None:
    with talk(server.websocket_url, newcomer(server)[1]) as talker:
        room = talker.ask("create_room", kind="group", name="Own", nonce="n")["room"]
        posts = {secrets.token_hex(8): f"post {number}" for number in range(AT_ONCE + 10)}
        left = dict(posts)
        while left:
            said = [(talker.say("post", room=room, nonce=nonce, text=text), nonce) for nonce, text in left.items()]
            answers = [
                talker.wait(lambda frame, number=number: frame.get("id") == number)  # type: ignore[misc]
                for number, _ in said
            ]
            ops = [answer["op"] for answer in answers]
            assert ops == sorted(ops, reverse=True), "nothing overtakes what was refused"
            for (_, nonce), answer in zip(said, answers, strict=True):
                if answer["op"] == "ok":
                    del left[nonce]
            if left:
                time.sleep(max(answer.get("retry_after", 0) for answer in answers) / 1000)
        entries = talker.ask("history", room=room, limit=200)
        while entries["op"] == "error":
            time.sleep(entries["retry_after"] / 1000)
            entries = talker.ask("history", room=room, limit=200)
        assert [message["text"] for message in entries["messages"]] == list(posts.values())


@pytest.mark.parametrize("flood", ['{"op":"rooms"}', '{"op":"typing","room":"r_NOWHERE"}', '{"op":"fly"}'])
def test_who_goes_on_and_on_is_closed_and_nobody_else(server: ServerProcess, flood: str) -> None:
    with (
        talk(server.websocket_url, newcomer(server)[1]) as bystander,
        open_websocket(server.websocket_url) as flooder,
    ):
        flooder.send(json.dumps({"op": "hello", "token": newcomer(server)[1]}))
        flooder.socket.sendall(masked(flood.encode()) * (10 * AT_ONCE))
        assert close_code(flooder) == 4503
        assert bystander.ask("rooms")["op"] == "ok"


def test_bytes_count_as_well(server: ServerProcess) -> None:
    with talk(server.websocket_url, newcomer(server)[1]) as talker:
        room = talker.ask("create_room", kind="group", name="Own", nonce="n")["room"]
        answers = all_at_once(talker, AT_ONCE - 5, op="post", room=room, nonce="n", text="x" * 4_000)
        assert {answer["code"] for answer in refused(answers)} == {"rate_limited"}


def test_bytes_of_all_devices_of_a_user_count_together(server: ServerProcess) -> None:
    """Each says less than a connection may."""
    name, token = newcomer(server)
    other = call(server.url, "/v1/login", {"name": name, "password": PASSWORD})[1]["token"]
    with talk(server.websocket_url, token) as phone, talk(server.websocket_url, other) as laptop:
        room = phone.ask("create_room", kind="group", name="Own", nonce="n")["room"]
        said = [
            (talker, talker.say("post", room=room, nonce="n", text="x" * 4_000))
            for talker in (phone, laptop)
            for _ in range(8)
        ]
        answers = [talker.wait(lambda frame, number=number: frame.get("id") == number) for talker, number in said]  # type: ignore[misc]
        assert {answer["code"] for answer in refused(answers)} == {"rate_limited"}


def test_all_devices_of_a_user_count_together(server: ServerProcess) -> None:
    name, token = newcomer(server)
    other = call(server.url, "/v1/login", {"name": name, "password": PASSWORD})[1]["token"]
    with talk(server.websocket_url, token) as phone, talk(server.websocket_url, other) as laptop:
        assert not refused(all_at_once(phone, AT_ONCE - 2, op="rooms"))
        assert refused(all_at_once(laptop, AT_ONCE - 2, op="rooms"))


def test_calls_by_http_count_too(server: ServerProcess) -> None:
    _, token = newcomer(server)
    answers = (call(server.url, "/v1/rooms", token=token) for _ in range(20 * AT_ONCE))
    status, answer = next((status, answer) for status, answer in answers if status != 200)
    assert (status, answer["error"]["code"]) == (429, "rate_limited")
    assert answer["error"]["retry_after"] > 0


# --- how much there may be ---------------------------------------------------------------------------------------


def test_a_user_has_so_many_connections(server: ServerProcess) -> None:
    name, token = newcomer(server)
    other = call(server.url, "/v1/login", {"name": name, "password": PASSWORD})[1]["token"]
    with ExitStack() as opened:
        inside = [opened.enter_context(talk(server.websocket_url, each)) for each in (token, token, other)]
        with open_websocket(server.websocket_url) as websocket:
            websocket.send(json.dumps({"op": "hello", "token": other}))
            assert close_code(websocket) == 4004
        assert [talker.ask("ping")["op"] for talker in inside] == ["pong"] * 3


def test_a_user_is_in_so_many_rooms(server: ServerProcess) -> None:
    (ann_name, ann_token), (_, bob_token) = newcomer(server), newcomer(server)
    with talk(server.websocket_url, ann_token) as ann, talk(server.websocket_url, bob_token) as bob:
        channel = bob.ask("create_room", kind="channel", name=secrets.token_hex(4), nonce="c")
        assert channel["op"] == "ok"
        for number in range(LOW["MAX_ROOMS_PER_USER"]):
            assert ann.ask("create_room", kind="group", name="One", nonce=f"n{number}")["op"] == "ok"
        for answer in (
            ann.ask("create_room", kind="group", name="One more", nonce="more"),
            ann.ask("join", room=channel["room"]),
            bob.ask("invite", room=channel["room"], user=ann_name),
            bob.ask("create_room", kind="dm", members=[ann_name], nonce="dm"),
        ):
            assert answer["code"] == "limit_reached", answer
        again = ann.ask("create_room", kind="group", name="One", nonce="n0")
        assert again["op"] == "ok", "a retry makes nothing new"
        assert ann.ask("leave", room=again["room"])["op"] == "ok"
        assert ann.ask("join", room=channel["room"])["op"] == "ok"


def test_a_room_has_so_many_members(server: ServerProcess) -> None:
    with ExitStack() as opened:
        people = [opened.enter_context(talk(server.websocket_url, newcomer(server)[1])) for _ in range(4)]
        room = people[0].ask("create_room", kind="channel", name=secrets.token_hex(4), nonce="c")["room"]
        assert [person.ask("join", room=room)["op"] for person in people[1:3]] == ["ok", "ok"]
        assert people[3].ask("join", room=room)["code"] == "limit_reached"
        assert people[2].ask("leave", room=room)["op"] == "ok"
        assert people[3].ask("join", room=room)["op"] == "ok"
        crowd = [people[number].welcome["me"]["user"] for number in range(1, 4)]
        assert people[0].ask("create_room", kind="group", members=crowd, nonce="g")["code"] == "limit_reached"


# --- what sockets may do -----------------------------------------------------------------------------------------


HEALTH = b"GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"


def answered(server: ServerProcess, request: bytes) -> bytes:
    """All that the server says until it closes."""
    with socket.create_connection(server.address, timeout=15) as sock:
        sock.sendall(request)
        with sock.makefile("rb") as answer:
            return answer.read()


@pytest.mark.parametrize(
    ("request_bytes", "status"),
    [
        pytest.param(b"GET / HTTP/1.1\r\nHost: x\r\nX: " + b"x" * 3_000 + b"\r\n\r\n", 431, id="header_bytes"),
        pytest.param(b"POST /v1/login HTTP/1.1\r\nHost: x\r\nContent-Length: 1025\r\n\r\n", 413, id="body_bytes"),
        pytest.param(b"GET / HTTP/1.1\r\nHost", 408, id="handshake_deadline"),
        pytest.param(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n", 200, id="idle_deadline"),
    ],
)
def test_http_has_limits_and_ends(narrow: ServerProcess, request_bytes: bytes, status: int) -> None:
    assert int(answered(narrow, request_bytes).split()[1]) == status


def test_a_message_has_a_size(narrow: ServerProcess) -> None:
    with talk(narrow.websocket_url, newcomer(narrow)[1]) as talker:
        talker.websocket.send(json.dumps({"op": "ping", "x": "x" * 8_192}))
        assert close_code(talker.websocket) == 4502


BEGINNING = bytes((0x01, 0xFE, *(3_000).to_bytes(2, "big"), 0, 0, 0, 0)) + b"x" * 3_000
END = bytes((0x80, 0x80, 0, 0, 0, 0))
"""Frames of RFC 6455 under the masking key 0: a text message that is not finished, and its empty last fragment."""


def test_unfinished_messages_have_a_size_together(narrow: ServerProcess) -> None:
    with (
        talk(narrow.websocket_url, newcomer(narrow)[1]) as patient,
        talk(narrow.websocket_url, newcomer(narrow)[1]) as other,
    ):
        patient.websocket.socket.sendall(BEGINNING)
        patient.websocket.ping().wait(15)
        other.websocket.socket.sendall(BEGINNING)
        assert close_code(other.websocket) == 4004
        patient.websocket.socket.sendall(END)
        assert close_code(patient.websocket) == 4502, "it was no JSON, but it was heard"


def test_hello_has_a_deadline(narrow: ServerProcess) -> None:
    with open_websocket(narrow.websocket_url) as websocket:
        assert close_code(websocket) == 4006


@pytest.mark.parametrize(("begun", "most"), [(b"GET / HT", 3), (b"", 3)], ids=["half a request", "silence"])
def test_handshakes_are_counted(narrow: ServerProcess, begun: bytes, most: int) -> None:
    with ExitStack() as opened, talk(narrow.websocket_url, newcomer(narrow)[1]) as inside:
        for _ in range(most):
            opened.enter_context(socket.create_connection(narrow.address, timeout=15)).sendall(begun)
        answer = answered(narrow, HEALTH)
        assert answer.startswith(b"HTTP/1.1 503 ")
        assert b"\r\nretry-after: " in answer
        assert inside.ask("ping")["op"] == "pong"
    until(lambda: answered(narrow, HEALTH).startswith(b"HTTP/1.1 200 "))


def test_connections_are_counted(narrow: ServerProcess) -> None:
    tokens = [newcomer(narrow)[1] for _ in range(8)]
    with ExitStack() as opened:
        for token in tokens:
            opened.enter_context(talk(narrow.websocket_url, token))
        answer = answered(narrow, HEALTH)
        assert answer.startswith(b"HTTP/1.1 503 ")
        assert b"the server is full" in answer
    until(lambda: answered(narrow, HEALTH).startswith(b"HTTP/1.1 200 "))


@pytest.mark.parametrize(
    ("low", "why"),
    [
        ({"max_connections_per_address": 2}, b"your address has"),
        ({"connects_per_second_per_address": 1}, b"your address connects"),
        ({"connects_per_second": 1}, b"too many connect"),
    ],
    ids=["of an address", "a second from an address", "a second"],
)
def test_who_is_one_too_many_at_the_door_is_told_why_and_when_to_come_back(
    tmp_path: Path, low: dict[str, int], why: bytes
) -> None:
    """Two may come at once; who comes behind them hears 503, until one of the two has gone, or a moment has gone by."""
    with ServerProcess(tmp_path / "data", environment=settings(**low)) as server:
        with ExitStack() as opened:
            for _ in range(2):
                opened.enter_context(socket.create_connection(server.address, timeout=15)).sendall(b"GET / HT")
            refusal = next(said for _ in range(300) if b" 200 " not in (said := answered(server, HEALTH))[:13])
        assert refusal.startswith(b"HTTP/1.1 503 ")
        assert b"\r\nretry-after: " in refusal
        assert why in refusal
        until(lambda: answered(server, HEALTH).startswith(b"HTTP/1.1 200 "))


def test_who_takes_nothing_is_closed_and_gets_everything_when_it_comes_back(narrow: ServerProcess) -> None:
    (_, ann_token), (bob_name, bob_token) = newcomer(narrow), newcomer(narrow)
    small = socket.socket()
    small.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_096)
    small.connect(narrow.address)
    with talk(narrow.websocket_url, ann_token) as ann:
        reader = Talker(open_websocket(narrow.websocket_url, sock=small, max_queue=1), bob_token)
        room = ann.ask("create_room", kind="group", name="Busy", members=[bob_name], nonce="n")
        texts = [f"{number} ".ljust(3_500, "x") for number in range(60)]
        for text in texts:
            assert ann.post(room["room"], text)["op"] == "ok"
        bob = reader.welcome["me"]["user"]
        ann.wait(lambda frame: (frame["op"], frame.get("user"), frame.get("status")) == ("presence", bob, "offline"))
        assert close_code(reader.websocket) in {4002, 1006}
        resume = {room["room"]: {"log": room["info"]["log"], "seq": 0}}
        with talk(narrow.websocket_url, bob_token, resume) as again:
            assert [again.expect("message")["text"] for _ in texts] == texts
            assert again.expect("resumed")["recovered"] is True


# --- file descriptors --------------------------------------------------------------------------------------------


def test_without_descriptors_it_says_so_rests_and_recovers(tmp_path: Path) -> None:
    with (
        ServerProcess(tmp_path / "data", program=["-m", "tests.harness.ringless_server"]) as server,
        talk(server.websocket_url, newcomer(server)[1]) as inside,
    ):
        room = inside.ask("create_room", kind="group", name="Own", nonce="n")["room"]
        with ExitStack() as opened:
            for _ in range(200):
                opened.enter_context(socket.create_connection(server.address, timeout=15)).sendall(b"GET / HT")
            until(lambda: "out of descriptors" in server.log.read_text())
            before, begin = cpu_seconds(server.process.pid), time.monotonic()
            assert inside.post(room, "still here")["op"] == "ok"
            time.sleep(2.0)  # what it does meanwhile is measured
            share = (cpu_seconds(server.process.pid) - before) / (time.monotonic() - begin)
            assert share < 0.1, "one that spins takes a whole processor"
        until(lambda: answered(server, HEALTH).startswith(b"HTTP/1.1 200 "))
        with talk(server.websocket_url, newcomer(server)[1]) as next_one:
            assert next_one.ask("ping")["op"] == "pong"
        assert server.log.read_text().count("out of descriptors") == 1


@NEEDS_RINGS
def test_there_are_more_people_than_files(tmp_path: Path) -> None:
    with ExitStack() as opened:
        narrow = ["-m", "tests.harness.narrow_server"]
        server = opened.enter_context(ServerProcess(tmp_path / "data", program=narrow))
        assert "sockets of clients are kept without descriptors" in server.log.read_text()

        def devices(count: int) -> list[Talker]:
            token = newcomer(server)[1]
            return [opened.enter_context(talk(server.websocket_url, token)) for _ in range(count)]

        ann, *others = devices(90)
        bobs = devices(90)
        assert len(os.listdir(f"/proc/{server.process.pid}/fd")) < FILES < len(others) + len(bobs)
        assert kept(server) == 180
        room = ann.ask("create_room", kind="group", name="Own", nonce="n")["room"]
        for number in range(3):
            assert ann.post(room, f"{number}")["op"] == "ok"
        for device in others:
            assert [device.expect("message")["text"] for _ in range(3)] == ["0", "1", "2"]
        assert all(bob.ask("ping")["op"] == "pong" for bob in bobs)
        for gone in (*others, *bobs):
            gone.close()
        until(lambda: kept(server) == 1)
        (carol,) = devices(1)
        assert carol.ask("ping")["op"] == "pong"
        assert ann.ask("ping")["op"] == "pong"
        assert "out of descriptors" not in server.log.read_text()


def kept(server: ServerProcess) -> int:
    """How many websockets have no descriptor, as operators are told."""
    with urlopen(f"{server.admin_url}/metrics", timeout=15) as answer:
        lines = answer.read().decode().splitlines()
    return next(int(float(line.split()[1])) for line in lines if line.startswith("hubbub_websockets_kept "))
