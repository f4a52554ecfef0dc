"""Attacks by who has an account: floods of frames, and commands that are legal, or nearly."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Callable

import msgspec
import pytest

from server.protocol.limits import RESUME_ROOMS
from tests.attacks.footprint import MEBIBYTE, Footprint
from tests.attacks.intruder import Intruder, reset
from tests.attacks.scale import sizes
from tests.gateway.doorway import frame, text
from tests.harness.people import talk
from tests.harness.server import ServerProcess

SLOW, PROTOCOL_ERROR, FLOODING = 4002, 4502, 4503
TEXT, CONTINUATION, PING, PONG, BINARY = 1, 0, 9, 10, 2

Newcomer = Callable[[], str]


def command(op: str, **fields: object) -> bytes:
    return text(json.dumps({"op": op, "id": 1} | fields))


# --- floods --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "one",
    [
        pytest.param(frame(PING, b""), id="pings"),
        pytest.param(frame(PING, b"x" * 125), id="large pings"),
        pytest.param(frame(PONG, b""), id="pongs nobody asked for"),
        pytest.param(text('{"op":"ping"}'), id="commands"),
        pytest.param(text('{"op":"typing","room":"r_1"}'), id="commands without an answer"),
        pytest.param(text('{"op":"fly"}'), id="commands nobody knows"),
    ],
)
@sizes(20_000, 1_000_000)
def test_who_floods_is_told_to_go(server: ServerProcess, token: Newcomer, one: bytes, count: int) -> None:
    with Intruder(server.address, token()) as intruder:
        intruder.push(one * count)
        assert intruder.close_code() == FLOODING


@sizes(20_000, 1_000_000)
def test_who_sends_a_message_in_pieces_of_one_byte_is_told_to_go(
    server: ServerProcess, token: Newcomer, count: int
) -> None:
    with Intruder(server.address, token()) as intruder:
        intruder.push(text("{", fin=False) + frame(CONTINUATION, b" ", fin=False) * count)
        assert intruder.close_code() == FLOODING


@sizes(20_000, 1_000_000)
def test_who_sends_empty_pieces_is_told_to_go(server: ServerProcess, token: Newcomer, count: int) -> None:
    with Intruder(server.address, token()) as intruder:
        intruder.push(text("", fin=False) + frame(CONTINUATION, b"", fin=False) * count)
        assert intruder.close_code() == FLOODING


@pytest.mark.parametrize("greeting", [b"", command("hello")], ids=["silent", "without a token"])
@sizes(20_000, 1_000_000)
def test_a_flood_before_the_hello_ends_as_well(server: ServerProcess, greeting: bytes, count: int) -> None:
    with Intruder(server.address) as intruder:
        intruder.push(greeting + frame(PING, b"") * count)
        assert intruder.close_code() in {FLOODING, 4501}


@sizes(2_000, 200_000)
def test_bytes_that_come_one_at_a_time_are_only_bytes(server: ServerProcess, token: Newcomer, count: int) -> None:
    """A `send` for each: a packet and a turn of the reactor for every byte."""
    whole = command("post", room="r_1", nonce="n", text="x" * 3_000)
    with Intruder(server.address, token()) as intruder:
        for at in range(count):
            intruder.push(whole[at % len(whole) :][:1])
        assert intruder.closed_with in {None, FLOODING}


@sizes(5, 100)
def test_who_never_reads_the_answers_is_given_up(server: ServerProcess, token: Newcomer, count: int) -> None:
    """Each asks for four times 400 KB: little of it is ever made, and then nothing is taken for too long."""
    one = token()
    with talk(server.websocket_url, one) as talker:
        room = talker.ask("create_room", kind="group", name="x", nonce="n")["room"]
        for _ in range(100):
            assert talker.post(room, "x" * 4_000)["op"] == "ok"
    before = Footprint.of(server.process.pid)
    with contextlib.ExitStack() as stack:
        greedy = [stack.enter_context(Intruder(server.address, one, receive_buffer=4_096)) for _ in range(count)]
        for intruder in greedy:
            intruder.push(command("history", room=room, limit=200) * 4, seconds=0.2, reading=False)
        now = Footprint.of(server.process.pid)
        assert now.memory < before.memory + 16 * MEBIBYTE + count * MEBIBYTE, f"before: {before}; then: {now}"
        for intruder in greedy:
            intruder.wait_for_the_end()
            assert intruder.close_code() in {SLOW, FLOODING, None}


# --- large and deep ------------------------------------------------------------------------------------------------


DIGITS = "9" * 50_000
HUGE = [
    pytest.param('{"op":"read","id":1,"room":"r_1","seq":' + DIGITS + "}", id="50,000 digits"),
    pytest.param('{"op":"read","id":1,"room":"r_1","seq":1e' + DIGITS[:400] + "}", id="an endless exponent"),
    pytest.param('{"op":"ping","id":' + DIGITS + "}", id="50,000 digits for an id"),
    pytest.param('{"op":"ping","x":0.' + DIGITS + "}", id="50,000 decimals"),
    pytest.param('{"op":"ping",' + ",".join(f'"x{n}":{n}' for n in range(4_000)) + "}", id="4,000 unknown fields"),
    pytest.param('{"op":"ping",' + '"op":"ping",' * 4_000 + '"id":1}', id="the same field 4,000 times"),
    pytest.param('{"op":"ping","x":' + "[" * 30_000 + "]" * 30_000 + "}", id="30,000 arrays deep"),
    pytest.param('{"op":"ping","x":' + '{"a":' * 900 + "1" + "}" * 900 + "}", id="900 objects deep"),
    pytest.param('{"op":"ping","x":"' + "\\u00e9" * 10_000 + '"}', id="10,000 escapes"),
    pytest.param('{"op":"hello","token":"' + "x" * 60_000 + '"}', id="a token of 60 KB"),
]


@pytest.mark.parametrize("said", HUGE)
@sizes(5, 200)
def test_large_and_deep_commands_are_answered_or_end_it(
    server: ServerProcess, token: Newcomer, said: str, count: int
) -> None:
    with Intruder(server.address, token()) as intruder:
        intruder.push(text(said) * count)
        intruder.read_until(lambda: intruder.heard[TEXT] > count)
        assert intruder.heard[TEXT] > count or intruder.closed_with in {PROTOCOL_ERROR, FLOODING}


@pytest.mark.parametrize(
    "said",
    [
        pytest.param(b"\x81\xa1a" * 20_000, id="20,000 maps deep"),
        pytest.param(b"\x91" * 60_000, id="60,000 arrays deep"),
        pytest.param(b"\xdd\xff\xff\xff\xff", id="an array of four billion"),
        pytest.param(b"\xdf\xff\xff\xff\xff", id="a map of four billion"),
        pytest.param(b"\xdb\xff\xff\xff\xff", id="a text of four gigabytes"),
        pytest.param(b"\xc9\xff\xff\xff\xff\x01", id="an extension of four gigabytes"),
        pytest.param(msgspec.msgpack.encode({"op": "ping", "id": 2**64 - 1}), id="the largest number"),
    ],
)
@sizes(5, 200)
def test_large_and_deep_msgpack_is_answered_or_ends_it(
    server: ServerProcess, token: Newcomer, said: bytes, count: int
) -> None:
    for _ in range(count):
        with Intruder(server.address, headers="Sec-WebSocket-Protocol: hubbub.v1.msgpack\r\n") as intruder:
            intruder.push(frame(BINARY, said))
            intruder.read_until(lambda: intruder.heard[BINARY] > 0)
            assert intruder.heard[BINARY] == 1 or intruder.closed_with == PROTOCOL_ERROR


# --- rooms -----------------------------------------------------------------------------------------------------------


@sizes(60, 600)
def test_who_makes_rooms_without_end_gets_as_many_as_they_may(
    server: ServerProcess, token: Newcomer, count: int
) -> None:
    with Intruder(server.address, token()) as intruder:
        for number in range(count):
            intruder.push(command("create_room", kind="group", name="x", nonce=f"n{number}"))
            intruder.read_until(lambda made=number: intruder.heard[TEXT] > made)  # type: ignore[misc]
            if intruder.codes["rate_limited"]:
                break
        assert intruder.codes.keys() <= {"rate_limited", "limit_reached"}


def resume_of(rooms: int) -> bytes:
    return command("hello", resume={f"r_{n:026}": {"log": "l", "seq": n} for n in range(rooms)})


@sizes(20, 500)
def test_resume_with_all_the_rooms_there_may_be_is_answered_for_each(
    server: ServerProcess, token: Newcomer, count: int
) -> None:
    headers = f"Authorization: Bearer {token()}\r\n"
    for _ in range(count):
        with Intruder(server.address, headers=headers) as intruder:
            intruder.push(resume_of(RESUME_ROOMS))
            intruder.read_until(lambda: intruder.heard[TEXT] > RESUME_ROOMS)
            assert intruder.heard[TEXT] == RESUME_ROOMS + 1, (intruder.codes, intruder.closed_with)


@pytest.mark.parametrize(("rooms", "code"), [(RESUME_ROOMS + 1, None), (5_000, PROTOCOL_ERROR)])
@sizes(20, 500)
def test_resume_with_thousands_of_rooms_is_refused(
    server: ServerProcess, token: Newcomer, rooms: int, code: int | None, count: int
) -> None:
    headers = f"Authorization: Bearer {token()}\r\n"
    for _ in range(count):
        with Intruder(server.address, headers=headers) as intruder:
            intruder.push(resume_of(rooms))
            intruder.read_until(lambda: intruder.heard[TEXT] > 0)
            assert intruder.closed_with == code
            assert code or intruder.codes == {"bad_request": 1}


@sizes(20, 500)
def test_tabs_without_end_are_one_session(server: ServerProcess, token: Newcomer, count: int) -> None:
    """The same token again and again, dropped without a goodbye as soon as it is welcome."""
    one = token()
    for _ in range(count):
        reset(Intruder(server.address, one).socket)
