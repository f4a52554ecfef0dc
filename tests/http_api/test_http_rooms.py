"""Rooms over HTTP: what a script with curl sees is what a session sees."""

from __future__ import annotations

from typing import Any

import pytest

from server.accounts.asking import answer_to
from server.protocol.objects import RoomKind
from server.rooms import calling
from server.rooms.actor import RoomActor
from server.rooms.messages import HandOver
from server.store.room_messages import CreateRoom, RoomCreated
from tests.http_api.conftest import House, problem_of

NOWHERE = "r_01KX2Y8F7Q3M5N9PABCDEFGHJK"


async def room_of(house: House, creator: dict[str, str], kind: RoomKind = "group", *members: str) -> str:
    """A new room, as a session would have made it."""
    accounts = house.environment.accounts
    user = (await accounts.identify(creator["Authorization"].removeprefix("Bearer "))).user.user
    made = await answer_to(
        accounts.writer,
        lambda to: CreateRoom(
            reply_to=to, creator=user, kind=kind, name=f"{kind}-of-{user[-6:].lower()}", members=members, nonce=kind
        ),
        RoomCreated,
        10,
    )
    return made.room


async def post(house: House, room: str, headers: dict[str, str], **body: Any) -> Any:
    return await house.api.post(f"/v1/rooms/{room}/messages", headers=headers, json=body)


async def test_what_is_posted_is_in_the_history(house: House) -> None:
    ada = await house.person("ada")
    await house.person("bob")
    room = await room_of(house, ada, "group", "bob")
    first = await post(house, room, ada, nonce="n1", text="Hello")
    assert first.status_code == 201
    answer = first.json()
    assert answer == {"room": room, "seq": 3, "at": answer["at"], "duplicate": False}
    second = await post(house, room, ada, nonce="n2", text="you", reply_to=3)
    history = (await house.api.get(f"/v1/rooms/{room}/messages", headers=ada)).json()
    assert [(message["seq"], message["text"]) for message in history["messages"]] == [(3, "Hello"), (4, "you")]
    assert history["messages"][1]["reply_to"] == 3
    assert history["more"] is False
    assert second.json()["seq"] == 4
    assert (await post(house, room, ada, nonce="n3", text="as well", thread=3)).status_code == 201
    assert (await post(house, room, ada, nonce="n3", text="as well")).status_code == 409, "the thread is a part of it"
    history = (await house.api.get(f"/v1/rooms/{room}/messages", headers=ada)).json()
    assert history["messages"][2]["thread"] == 3


async def test_history_is_paged_by_the_query(house: House) -> None:
    ada = await house.person("ada")
    room = await room_of(house, ada)
    for number in range(5):
        await post(house, room, ada, nonce=f"n{number}", text=str(number))

    async def texts(**query: int) -> tuple[list[str], bool]:
        page = (await house.api.get(f"/v1/rooms/{room}/messages", headers=ada, params=query)).json()
        return [message["text"] for message in page["messages"]], page["more"]

    assert await texts(limit=2) == (["3", "4"], True)
    assert await texts(before=5, limit=2) == (["1", "2"], True)
    assert await texts(after=2, limit=3) == (["1", "2", "3"], True)


async def test_a_retry_answers_as_the_first_time(house: House) -> None:
    ada = await house.person("ada")
    room = await room_of(house, ada)
    first = await post(house, room, ada, nonce="n1", text="Hello")
    again = await post(house, room, ada, nonce="n1", text="Hello")
    assert again.status_code == 200
    assert again.json() == first.json() | {"duplicate": True}
    assert problem_of(await post(house, room, ada, nonce="n1", text="Good-bye")) == (409, "conflict")


async def test_a_post_to_a_room_that_is_being_handed_over_goes_to_the_next_owner(house: House) -> None:
    ada = await house.person("ada")
    room = await room_of(house, ada)
    house.system.dynamic("rooms").find_or_start(room).tell(HandOver())
    assert (await post(house, room, ada, nonce="n1", text="Hello")).status_code == 201


async def test_a_room_that_goes_on_being_handed_over_is_unavailable(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    ada = await house.person("ada")
    room = await room_of(house, ada)
    monkeypatch.setattr(calling, "MOVING_SECONDS", 0.25)
    monkeypatch.setattr(RoomActor, "started", RoomActor.stop)
    assert problem_of(await post(house, room, ada, nonce="n1", text="Hello")) == (503, "unavailable")


async def test_the_list_of_rooms_is_the_users_own(house: House) -> None:
    ada, bob = await house.person("ada"), await house.person("bob")
    room = await room_of(house, ada, "dm", "bob")
    await room_of(house, ada, "group")
    await post(house, room, ada, nonce="n1", text="Hello")
    rooms = (await house.api.get("/v1/rooms", headers=bob)).json()["rooms"]
    assert [found["room"] for found in rooms] == [room]
    assert rooms[0]["peer"]["name"] == "ada"
    assert rooms[0]["unread"] == 1


async def test_channels_are_found_page_by_page(house: House) -> None:
    ada, bob = await house.person("ada"), await house.person("bob")
    rooms = {await room_of(house, person, "channel") for person in (ada, bob)}
    await room_of(house, ada, "group")
    for query in ({}, {"query": "channel"}):
        first = (await house.api.get("/v1/channels", headers=bob, params={"limit": 1} | query)).json()
        again = {"limit": 1, "next": first["next"]} | query
        second = (await house.api.get("/v1/channels", headers=bob, params=again)).json()
        assert {first["channels"][0]["room"], second["channels"][0]["room"]} == rooms
        assert second["next"] is None


@pytest.mark.parametrize("query", ["limit=0", "limit=101", "query=", "query=--"])
async def test_a_bad_search_is_refused(house: House, query: str) -> None:
    ada = await house.person("ada")
    assert problem_of(await house.api.get(f"/v1/channels?{query}", headers=ada)) == (400, "bad_request")


@pytest.mark.parametrize(
    ("body", "problem"),
    [
        ({"nonce": "n", "text": "x" * 4_001}, (413, "too_long")),
        ({"nonce": "n", "text": " \n"}, (400, "bad_request")),
        ({"nonce": "n", "text": "a\0b"}, (400, "bad_request")),
        ({"nonce": "", "text": "Hello"}, (400, "bad_request")),
        ({"nonce": "n"}, (400, "bad_request")),
        ({"text": "Hello"}, (400, "bad_request")),
        ({"nonce": "n", "text": "Hello", "reply_to": 999}, (404, "no_such_message")),
        ({"nonce": "n", "text": "Hello", "reply_to": "1"}, (400, "bad_request")),
        ({"nonce": "n", "text": "Hello", "thread": 999}, (404, "no_such_message")),
        ({"nonce": "n", "text": "Hello", "thread": "1"}, (400, "bad_request")),
    ],
)
async def test_a_bad_post_is_refused_by_name(house: House, body: dict[str, Any], problem: tuple[int, str]) -> None:
    ada = await house.person("ada")
    room = await room_of(house, ada)
    assert problem_of(await post(house, room, ada, **body)) == problem
    assert (await house.api.get(f"/v1/rooms/{room}/messages", headers=ada)).json()["messages"] == []


@pytest.mark.parametrize(
    "query", ["limit=0", "limit=201", "limit=x", "before=-1", "before=5&after=1", "after=1.5", "before=null"]
)
async def test_a_bad_query_is_refused(house: House, query: str) -> None:
    ada = await house.person("ada")
    room = await room_of(house, ada)
    response = await house.api.get(f"/v1/rooms/{room}/messages?{query}", headers=ada)
    assert problem_of(response) == (400, "bad_request")


@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_a_room_of_others_and_no_room_sound_the_same(house: House, method: str) -> None:
    ada, eve = await house.person("ada"), await house.person("eve")
    secret = await room_of(house, ada)
    answers = [
        await house.api.request(method, f"/v1/rooms/{room}/messages", headers=eve, json={"nonce": "n", "text": "Hello"})
        for room in (secret, NOWHERE, "r_%2e%2e", "made-up")
    ]
    assert {problem_of(answer) for answer in answers} == {(404, "no_such_room")}
    assert len({answer.content for answer in answers}) == 1


async def test_a_public_channel_says_that_one_has_to_join(house: House) -> None:
    ada, eve = await house.person("ada"), await house.person("eve")
    room = await room_of(house, ada, "channel")
    assert problem_of(await post(house, room, eve, nonce="n", text="Hello")) == (403, "not_a_member")


async def test_a_made_up_room_starts_nobody(house: House) -> None:
    ada = await house.person("ada")
    for number in range(20):
        await house.api.get(f"/v1/rooms/made-up-{number}/messages", headers=ada)
    assert house.system.births == 0
