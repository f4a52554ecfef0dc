"""One client's connection: what it answers by itself, what it passes on, how it opens and how it ends."""

from __future__ import annotations

import json
import sys
from typing import Any

import pytest
import trio

from actors import NORMAL, Actor
from server.gateway.connection import Connection
from server.gateway.limits import GatewayLimits
from server.protocol.closing import CloseCode
from server.protocol.outgoing import Outgoing
from server.protocol.replies import Pong
from server.sessions.messages import Close, Open, Said
from tests.gateway.doorway import (
    REVOKED,
    TOKEN,
    MuteSession,
    SmallSession,
    frame,
    open_door,
    text,
    until,
)

QUICK = GatewayLimits(hello_seconds=0.5, close_seconds=0.3, stop_seconds=0.3)


# --- opening -----------------------------------------------------------------------------------------------------


async def test_a_good_hello_is_welcomed_with_its_id() -> None:
    async with open_door() as door:
        client = await door.websocket()
        await client.say({"op": "hello", "token": TOKEN, "id": 7})
        welcome = await client.hear()
        assert (welcome["op"], welcome["id"], welcome["me"]["name"]) == ("welcome", 7, "ann")


async def test_the_resume_of_hello_reaches_the_session() -> None:
    async with open_door() as door:
        client = await door.websocket()
        await client.say({"op": "hello", "token": TOKEN, "resume": {"r_1": {"log": "l", "seq": 4}}})
        await client.hear()
        (opened,) = door.noted(Open)
        assert opened.resume["r_1"].seq == 4


@pytest.mark.parametrize(
    ("hello", "code"),
    [
        ({"op": "hello"}, CloseCode.BAD_TOKEN),
        ({"op": "hello", "token": ""}, CloseCode.BAD_TOKEN),
        ({"op": "hello", "token": "nobody's"}, CloseCode.BAD_TOKEN),
        ({"op": "hello", "token": REVOKED}, CloseCode.TOKEN_REVOKED),
    ],
    ids=str,
)
async def test_a_bad_token_is_closed(hello: dict[str, Any], code: CloseCode) -> None:
    async with open_door() as door:
        client = await door.websocket()
        await client.say(hello)
        assert await client.close_code() == code
        await until(lambda: not door.connections)


async def test_the_token_of_the_header_opens_without_one_in_hello() -> None:
    async with open_door() as door:
        client = await door.websocket(f"Authorization: Bearer {TOKEN}\r\n")
        await client.say({"op": "hello"})
        assert (await client.hear())["op"] == "welcome"


async def test_the_token_of_the_header_is_looked_up_again_with_hello() -> None:
    async with open_door() as door:
        client = await door.websocket(f"Authorization: Bearer {TOKEN}\r\n")
        before = door.reader.asked
        await client.say({"op": "hello"})
        await client.hear()
        assert door.reader.asked == before + 1


async def test_no_hello_in_time_is_closed() -> None:
    async with open_door(QUICK) as door:
        client = await door.websocket()
        assert await client.close_code() == CloseCode.NO_HELLO


async def test_no_welcome_in_time_is_our_fault() -> None:
    class Deaf(SmallSession):
        __slots__ = ()

        def receive(self, message: object) -> None:
            pass

    async with open_door(QUICK, session=Deaf) as door:
        client = await door.websocket()
        await client.say({"op": "hello", "token": TOKEN})
        assert await client.close_code() == CloseCode.INTERNAL_ERROR


async def test_a_reader_that_is_full_is_over_capacity() -> None:
    async with open_door() as door:
        client = await door.websocket()
        door.reader.is_full = True
        await client.say({"op": "hello", "token": TOKEN})
        assert await client.close_code() == CloseCode.OVER_CAPACITY


async def test_commands_before_welcome_are_not_ready() -> None:
    async with open_door() as door:
        client = await door.websocket()
        await client.say({"op": "rooms", "id": 1})
        answer = await client.hear()
        assert (answer["op"], answer["id"], answer["code"]) == ("error", 1, "not_ready")


async def test_a_second_hello_is_a_bad_request() -> None:
    async with open_door() as door:
        client = await door.websocket()
        await client.send(text(f'{{"op":"hello","token":"{TOKEN}"}}') + text('{"op":"hello","id":2}'))
        answers = [await client.hear(), await client.hear()]
        await client.say({"op": "hello", "token": TOKEN, "id": 3})
        answers.append(await client.hear())
        assert sorted(answer["op"] for answer in answers) == ["error", "error", "welcome"]
        assert {answer["code"] for answer in answers if answer["op"] == "error"} == {"bad_request"}


async def test_more_rooms_than_can_be_resumed_are_a_bad_request_and_hello_may_be_said_again() -> None:
    async with open_door() as door:
        client = await door.websocket(f"Authorization: Bearer {TOKEN}\r\n")
        await client.say({"op": "hello", "resume": {f"r_{n}": {"log": "l", "seq": 1} for n in range(501)}})
        assert (await client.hear())["code"] == "bad_request"
        await client.say({"op": "hello"})
        assert (await client.hear())["op"] == "welcome"


async def test_nobody_may_send_much_before_a_token_was_seen_to_be_good() -> None:
    large = {"op": "hello", "token": TOKEN, "resume": {f"r_{n}": {"log": "l", "seq": 1} for n in range(200)}}
    async with open_door() as door:
        client = await door.websocket()
        await client.say(large)
        assert await client.close_code() == CloseCode.PROTOCOL_ERROR
        trusted = await door.websocket(f"Authorization: Bearer {TOKEN}\r\n")
        await trusted.say(large)
        assert (await trusted.hear())["op"] == "welcome"


async def test_a_session_that_just_ended_in_order_is_started_anew() -> None:
    class Leaving(SmallSession):
        """The first one has lost its last connection as this one arrives."""

        __slots__ = ()
        lives = 0

        def receive(self, message: object) -> None:
            if isinstance(message, Open):
                type(self).lives += 1
                if type(self).lives == 1:
                    self.stop()
                    return
            super().receive(message)

    async with open_door(session=Leaving) as door:
        client = await door.websocket()
        await client.say({"op": "hello", "token": TOKEN})
        assert (await client.hear())["op"] == "welcome"


async def test_a_session_that_always_ends_is_given_up() -> None:
    class Fleeing(SmallSession):
        __slots__ = ()

        def receive(self, message: object) -> None:
            self.notes.append(message)
            self.stop(NORMAL)

    async with open_door(session=Fleeing) as door:
        client = await door.websocket()
        await client.say({"op": "hello", "token": TOKEN})
        assert await client.close_code() == CloseCode.INTERNAL_ERROR
        assert len(door.noted(Open)) == 3


async def test_a_session_that_cannot_start_is_an_internal_error() -> None:
    def refuse(*_: object) -> Actor:
        raise RuntimeError("as ordered")

    async with open_door(session=refuse) as door:
        client = await door.websocket()
        await client.say({"op": "hello", "token": TOKEN})
        assert await client.close_code() == CloseCode.INTERNAL_ERROR


async def test_a_session_that_crashes_closes_its_connections() -> None:
    class Fragile(SmallSession):
        __slots__ = ()

        def said(self, said: Said) -> None:
            raise RuntimeError("as ordered")

    async with open_door(session=Fragile) as door:
        client = await door.welcomed()
        await client.say({"op": "rooms"})
        assert await client.close_code() == CloseCode.INTERNAL_ERROR
        again = await door.welcomed()
        await again.say({"op": "ping"})
        assert (await again.hear())["op"] == "pong"


# --- ready -------------------------------------------------------------------------------------------------------


async def test_commands_reach_the_session_and_answers_the_client() -> None:
    async with open_door() as door:
        client = await door.welcomed()
        await client.say({"op": "rooms", "id": "a"})
        assert await client.hear() == {"op": "ok", "id": "a"}
        assert len(door.noted(Said)) == 1


async def test_ping_is_answered_before_and_after_the_welcome() -> None:
    async with open_door() as door:
        client = await door.websocket()
        await client.say({"op": "ping", "id": 1})
        assert await client.hear() == {"op": "pong", "id": 1}
        await client.say({"op": "hello", "token": TOKEN})
        await client.hear()
        await client.say({"op": "ping"})
        assert await client.hear() == {"op": "pong"}
        assert door.noted(Said) == [], "a ping asks about this socket, not about the session"


async def test_what_is_ready_leaves_in_the_order_in_which_it_was_told() -> None:
    async with open_door() as door:
        client = await door.welcomed()
        (connection,) = door.connections
        for number in range(200):
            connection.tell(Outgoing([Pong(id=number)]))
        assert [(await client.hear())["id"] for _ in range(200)] == list(range(200))


@pytest.mark.parametrize(
    ("said", "answer"),
    [
        ('{"op":"fly","id":1}', {"op": "error", "id": 1, "code": "unknown_op"}),
        ('{"op":"post","id":"x","room":5}', {"op": "error", "id": "x", "code": "bad_request"}),
        ('{"op":"post"}', {"op": "error", "code": "bad_request"}),
        ('{"op":5,"id":3}', {"op": "error", "id": 3, "code": "bad_request"}),
        ('{"id":4}', {"op": "error", "id": 4, "code": "bad_request"}),
    ],
)
async def test_a_bad_command_is_answered_and_nothing_else_happens(said: str, answer: dict[str, Any]) -> None:
    async with open_door() as door:
        client = await door.welcomed()
        await client.send(text(said))
        heard = await client.hear()
        heard.pop("message")
        assert heard == answer
        await client.say({"op": "rooms", "id": 9})
        assert await client.hear() == {"op": "ok", "id": 9}


@pytest.mark.parametrize(
    "bad",
    [
        pytest.param(text("{"), id="half an object"),
        pytest.param(text("[1]"), id="not an object"),
        pytest.param(text("hello"), id="not JSON"),
        pytest.param(text(""), id="nothing"),
        pytest.param(text(r'{"op":"ping","id":"\ud800"}'), id="a lone surrogate"),
        pytest.param(text("[" * 20_000), id="deeply nested"),
        pytest.param(frame(2, b'{"op":"ping"}'), id="binary"),
        pytest.param(text(b'{"op":"\xff"}'), id="not UTF-8"),
        pytest.param(frame(1, b'{"op":"ping"}', masked=False), id="unmasked"),
        pytest.param(text("x" * 70_000), id="a frame over the limit"),
        pytest.param(frame(0, b"x"), id="a continuation of nothing"),
        pytest.param(frame(11, b""), id="an unknown opcode"),
        pytest.param(frame(9, b"x" * 126), id="a large ping"),
    ],
)
async def test_whoever_does_not_speak_the_protocol_is_closed_and_nobody_else(bad: bytes) -> None:
    async with open_door() as door:
        bystander = await door.welcomed()
        client = await door.welcomed()
        await client.send(bad)
        assert await client.close_code() == CloseCode.PROTOCOL_ERROR
        await bystander.say({"op": "rooms"})
        assert (await bystander.hear())["op"] == "ok"
        await until(lambda: len(door.connections) == 1)
        assert door.gateway.parsers.borrowed == 0


# --- commands without an answer ----------------------------------------------------------------------------------


async def test_no_more_commands_start_than_may_be_open_and_the_rest_follows_in_order() -> None:
    limits = GatewayLimits(unanswered=4, stop_seconds=0.3, close_seconds=0.3)
    async with open_door(limits, session=MuteSession) as door:
        client = await door.welcomed()
        for number in range(20):
            await client.say({"op": "rooms", "id": number})
        await until(lambda: door.gateway.reactor.statistics().paused == 1)
        assert [said.command.id for said in door.noted(Said)] == [0, 1, 2, 3]
        (connection,) = door.connections
        for number in range(20):
            await until(lambda number=number: len(door.noted(Said)) > number)  # type: ignore[misc]
            assert len(door.noted(Said)) <= number + 4
            connection.tell(Outgoing([Pong(id=number)], answers=1))
        assert [(await client.hear())["id"] for _ in range(20)] == list(range(20))
        assert [said.command.id for said in door.noted(Said)] == list(range(20))
        await until(lambda: door.gateway.reactor.statistics().paused == 0)


async def test_a_sender_that_never_waits_is_slowed_by_its_own_socket() -> None:
    limits = GatewayLimits(unanswered=4, stop_seconds=0.3, close_seconds=0.3)
    async with open_door(limits, session=MuteSession) as door:
        client = await door.welcomed()
        with trio.move_on_after(0.5) as scope:
            while True:
                await client.send(text('{"op":"rooms"}') * 1_000)
        assert scope.cancelled_caught, "the kernel's window has to close"
        assert door.gateway.parsers.held <= 2 * 64 * 1024, "one chunk, and what was read along with it"


async def test_typing_without_an_id_needs_no_answer_and_never_counts() -> None:
    async with open_door(GatewayLimits(unanswered=2, stop_seconds=0.3), session=MuteSession) as door:
        client = await door.welcomed()
        for _ in range(10):
            await client.say({"op": "typing", "room": "r_1"})
        await until(lambda: len(door.noted(Said)) == 10)


# --- ends --------------------------------------------------------------------------------------------------------


async def test_a_close_of_the_session_leaves_behind_what_was_said_before() -> None:
    async with open_door() as door:
        client = await door.welcomed()
        (connection,) = door.connections
        connection.tell(Outgoing([Pong(id="last words")]))
        connection.tell(Close(code=CloseCode.TOKEN_REVOKED))
        connection.tell(Outgoing([Pong(id="too late")]))
        assert (await client.hear())["id"] == "last words"
        assert await client.close_code() == CloseCode.TOKEN_REVOKED
        await until(lambda: not door.connections)


async def test_a_connection_that_crashes_closes_its_socket_and_is_not_restarted() -> None:
    class Fragile(Connection):
        __slots__ = ()

        def _pass_on(self, command: object) -> None:
            raise RuntimeError("as ordered")

    async with open_door(connection=Fragile) as door:
        bystander = await door.welcomed()
        client = await door.welcomed()
        await client.say({"op": "rooms"})
        await client.ends()
        await until(lambda: len(door.connections) == 1)
        assert door.gateway.reactor.registered == 1
        assert door.gateway.parsers.borrowed == 0
        await bystander.say({"op": "ping"})
        assert (await bystander.hear())["op"] == "pong"


async def test_a_connection_that_crashes_as_it_flushes_closes_its_socket() -> None:
    class Fragile(Connection):
        __slots__ = ()

        def _flush(self) -> None:
            raise RuntimeError("as ordered")

    async with open_door(connection=Fragile) as door:
        client = await door.websocket()
        await client.say({"op": "ping"})
        await client.ends()
        await until(lambda: not door.connections)
        assert door.gateway.reactor.registered == 0


# --- at rest -----------------------------------------------------------------------------------------------------


async def test_an_idle_connection_is_one_small_object_and_its_socket() -> None:
    """There may be tens of thousands: whoever breaks this has put something new into every one of them."""
    async with open_door() as door:
        client = await door.welcomed()
        ping = text(json.dumps({"op": "ping", "id": 1}))
        await client.send(ping[:3])
        await until(lambda: door.gateway.parsers.borrowed == 1)
        await client.send(ping[3:])
        assert (await client.hear())["op"] == "pong"
        await client.say({"op": "rooms", "id": 2})
        assert (await client.hear())["op"] == "ok"
        (address,) = door.connections
        connection = address._actor
        assert isinstance(connection, Connection)
        await until(lambda: address._box is None)
        assert (connection._busy_with, connection._pending) == (None, None)
        assert sys.getsizeof(connection) <= 80
