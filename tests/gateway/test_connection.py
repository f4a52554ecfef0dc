"""One client's connection, from `hello` to the close frame: what it answers, what it passes on, how it ends."""

from __future__ import annotations

from server.sessions.messages import Said
from tests.gateway.doorway import TOKEN, open_door


async def test_a_good_hello_is_welcomed_with_its_id() -> None:
    async with open_door() as door:
        client = await door.websocket()
        await client.say({"op": "hello", "token": TOKEN, "id": 7})
        welcome = await client.hear()
        assert (welcome["op"], welcome["id"], welcome["me"]["name"]) == ("welcome", 7, "ann")


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
