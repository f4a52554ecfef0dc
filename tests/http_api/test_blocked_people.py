"""People who were blocked: what they cannot do, and what nobody learns by it."""

from __future__ import annotations

from typing import Any

import pytest

from server.protocol.errors import Refusal
from server.protocol.invite_commands import Invite
from server.protocol.objects import User
from server.rooms.calling import told_by_room
from tests.http_api.conftest import House, bearer, problem_of
from tests.http_api.test_http_rooms import post, room_of


async def block(house: House, who: dict[str, str], other: str, method: str = "PUT") -> int:
    return (await house.api.request(method, f"/v1/blocks/{other}", headers=who)).status_code


async def blocked(house: House, who: dict[str, str]) -> list[str]:
    listed: list[dict[str, Any]] = (await house.api.get("/v1/blocks", headers=who)).json()["blocked"]
    return [one["name"] for one in listed]


async def me(house: House, who: dict[str, str]) -> User:
    answer = (await house.api.get("/v1/me", headers=who)).json()
    return User(user=answer["user"], name=answer["name"])


async def test_people_are_blocked_once_and_by_name_or_id(house: House) -> None:
    ada, bob = await house.person("ada"), await house.person("bob")
    for who in ("bob", (await me(house, bob)).user):
        assert await block(house, ada, who) == 204
    assert (await blocked(house, ada), await blocked(house, bob)) == (["bob"], [])
    for _ in range(2):
        assert await block(house, ada, "bob", "DELETE") == 204
    assert await blocked(house, ada) == []


async def test_nobody_blocks_themselves_or_somebody_who_is_not_there(house: House) -> None:
    ada = await house.person("ada")
    assert [await block(house, ada, who) for who in ("ada", "nobody", "%00")] == [400, 404, 404]
    assert await block(house, ada, "nobody", "DELETE") == 404
    answer = await house.api.put("/v1/blocks/bob", headers=bearer("nobody's"))
    assert problem_of(answer) == (401, "bad_token")


async def test_as_many_are_blocked_as_may_be(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("server.protocol.limits.BLOCKED", 1)
    ada = await house.person("ada")
    for name in ("bob", "cleo"):
        await house.person(name)
    assert [await block(house, ada, who) for who in ("bob", "bob", "cleo")] == [204, 204, 409]
    assert await block(house, ada, "bob", "DELETE") == 204
    assert await block(house, ada, "cleo") == 204


async def test_neither_writes_to_the_other_and_both_are_told_the_same(house: House) -> None:
    ada, bob = await house.person("ada"), await house.person("bob")
    room = await room_of(house, ada, "dm", "bob")
    assert (await post(house, room, bob, nonce="n1", text="before")).status_code == 201
    assert await block(house, ada, "bob") == 204
    answers = [await post(house, room, who, nonce="n2", text="after") for who in (ada, bob)]
    assert [problem_of(answer) for answer in answers] == [(403, "forbidden")] * 2
    assert answers[0].content == answers[1].content
    history = (await house.api.get(f"/v1/rooms/{room}/messages", headers=bob)).json()["messages"]
    assert [message["text"] for message in history] == ["before"]
    assert await block(house, ada, "bob", "DELETE") == 204
    assert (await post(house, room, bob, nonce="n2", text="after")).status_code == 201


async def test_a_conversation_is_open_when_both_have_lifted_their_block(house: House) -> None:
    ada, bob = await house.person("ada"), await house.person("bob")
    room = await room_of(house, ada, "dm", "bob")
    assert [await block(house, ada, "bob"), await block(house, bob, "ada")] == [204, 204]
    assert await block(house, ada, "bob", "DELETE") == 204
    assert (await post(house, room, ada, nonce="n1", text="Hello")).status_code == 403
    assert await block(house, bob, "ada", "DELETE") == 204
    assert (await post(house, room, ada, nonce="n1", text="Hello")).status_code == 201


async def test_a_room_that_opens_reads_for_itself_how_it_stands(house: House) -> None:
    ada, bob = await house.person("ada"), await house.person("bob")
    room = await room_of(house, ada, "dm", "bob")
    assert await block(house, ada, "bob") == 204
    assert house.system.dynamic("rooms").find(room) is None
    assert (await post(house, room, bob, nonce="n1", text="Hello")).status_code == 403


async def test_no_conversation_is_begun_by_either(house: House) -> None:
    ada, bob = await house.person("ada"), await house.person("bob")
    assert await block(house, ada, "bob") == 204
    told = []
    for who, other in ((ada, "bob"), (bob, "ada")):
        with pytest.raises(Refusal) as refusal:
            await room_of(house, who, "dm", other)
        told.append((refusal.value.code, refusal.value.message))
    assert told[0] == told[1] == ("forbidden", "there is no conversation with this person")


async def test_who_is_blocked_brings_nobody_into_a_room_and_the_other_may(house: House) -> None:
    ada, bob = await house.person("ada"), await house.person("bob")
    assert await block(house, ada, "bob") == 204
    with pytest.raises(Refusal) as refusal:
        await room_of(house, bob, "group", "ada")
    assert refusal.value.code == "forbidden"
    room = await room_of(house, bob, "channel")
    with pytest.raises(Refusal) as refusal:
        await told_by_room(house.environment.rooms, await me(house, bob), Invite(room=room, user="ada"), 10)
    assert refusal.value.code == "forbidden"
    assert await room_of(house, ada, "group", "bob")


async def test_in_rooms_of_many_everything_goes_on(house: House) -> None:
    ada, bob = await house.person("ada"), await house.person("bob")
    room = await room_of(house, ada, "group", "bob")
    assert await block(house, ada, "bob") == 204
    assert (await post(house, room, bob, nonce="n1", text="Hello")).status_code == 201
    history = (await house.api.get(f"/v1/rooms/{room}/messages", headers=ada)).json()["messages"]
    assert [message["text"] for message in history] == ["Hello"]


async def test_neither_sees_in_the_list_whether_the_other_is_or_was_there(house: House) -> None:
    ada, bob = await house.person("ada"), await house.person("bob")
    await room_of(house, ada, "dm", "bob")
    assert await block(house, ada, "bob") == 204
    for who in (ada, bob):
        (room,) = (await house.api.get("/v1/rooms", headers=who)).json()["rooms"]
        assert room["peer"]["status"] == "offline"
        assert "last_seen" not in room["peer"]
