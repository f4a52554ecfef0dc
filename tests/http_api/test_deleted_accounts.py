"""Accounts that are deleted over HTTP: what is gone at once, what is left soon after, and what stays."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import trio

from server.accounts.asking import answer_to
from server.protocol.entries import Joined, Left, MessageEntry, RoomChanged
from server.protocol.objects import Member
from server.store.account_messages import DeleteUser, ReadDepartures
from server.store.history_messages import LogPage, ReadLog
from server.store.room_messages import MembersPage, ReadMembers
from server.store.user_messages import Revocations
from tests.http_api.conftest import PASSWORD, House, bearer, open_house, problem_of
from tests.http_api.test_http_rooms import post, room_of


async def until(condition: Callable[[], Awaitable[bool]]) -> None:
    with trio.fail_after(30):
        while True:
            if await condition():
                return
            await trio.sleep(0.01)


async def nothing_is_left(house: House) -> bool:
    asked = house.environment.accounts.reader
    return await answer_to(asked, lambda to: ReadDepartures(reply_to=to, limit=10), tuple, 10) == ()


async def members_of(house: House, room: str) -> tuple[Member, ...]:
    asked = house.environment.accounts.reader
    page = await answer_to(asked, lambda to: ReadMembers(reply_to=to, room=room, limit=10, next=None), MembersPage, 10)
    return page.members


async def log_of(house: House, room: str) -> tuple[Any, ...]:
    asked = house.environment.accounts.reader
    page = await answer_to(asked, lambda to: ReadLog(reply_to=to, room=room, after=0, upto=99, limit=99), LogPage, 10)
    return page.entries


async def delete(house: House, who: dict[str, str], password: str = PASSWORD) -> int:
    return (await house.api.post("/v1/me/delete", json={"password": password}, headers=who)).status_code


async def test_the_name_the_password_and_the_tokens_are_gone_at_once(house: House) -> None:
    ada = await house.person("ada")
    assert await delete(house, ada) == 204
    assert problem_of(await house.api.get("/v1/me", headers=ada)) == (401, "bad_token")
    body = {"name": "ada", "password": PASSWORD}
    assert problem_of(await house.api.post("/v1/login", json=body)) == (401, "bad_credentials")
    assert problem_of(await house.api.post("/v1/register", json=body)) == (409, "name_taken"), "for a while"


async def test_what_was_said_stays_by_a_deleted_user_and_the_others_hear_who_left(house: House) -> None:
    ada, bob = await house.person("ada"), await house.person("bob")
    room = await room_of(house, bob, "group", "ada")
    await post(house, room, ada, nonce="n1", text="Goodbye")
    me = (await house.api.get("/v1/me", headers=ada)).json()["user"]
    assert await delete(house, ada) == 204
    await until(lambda: nothing_is_left(house))
    *_, joined, said, left = await log_of(house, room)
    assert isinstance(joined, Joined)
    assert isinstance(said, MessageEntry)
    assert isinstance(left, Left)
    assert (said.text, said.from_.user, said.from_.name, said.from_.deleted) == ("Goodbye", me, None, True)
    assert left.user == me
    assert [member.user.name for member in await members_of(house, room)] == ["bob"]
    assert (await house.api.get("/v1/rooms", headers=bob)).json()["rooms"][0]["members"] == 1


async def test_a_room_gets_another_owner_before_its_last_one_goes(house: House) -> None:
    ada, bob = await house.person("ada"), await house.person("bob")
    await house.person("cleo")
    room = await room_of(house, ada, "group", "bob", "cleo")
    heir = (await house.api.get("/v1/me", headers=bob)).json()["user"]
    assert await delete(house, ada) == 204
    await until(lambda: nothing_is_left(house))
    *_, given, left = await log_of(house, room)
    assert isinstance(given, RoomChanged)
    assert isinstance(left, Left)
    assert (given.by, given.user, given.role) == (left.user, heir, "owner")
    assert {member.user.name: member.role for member in await members_of(house, room)} == {
        "bob": "owner",
        "cleo": "member",
    }


async def test_a_conversation_of_two_keeps_both_and_the_name_of_neither_who_went(house: House) -> None:
    ada, bob = await house.person("ada"), await house.person("bob")
    room = await room_of(house, bob, "dm", "ada")
    await post(house, room, ada, nonce="n1", text="Goodbye")
    assert await delete(house, ada) == 204
    await until(lambda: nothing_is_left(house))
    (found,) = (await house.api.get("/v1/rooms", headers=bob)).json()["rooms"]
    assert (found["members"], found["peer"]["name"], found["peer"]["deleted"]) == (2, None, True)
    history = (await house.api.get(f"/v1/rooms/{room}/messages", headers=bob)).json()["messages"]
    assert [message["text"] for message in history] == ["Goodbye"]
    assert {member.user.name for member in await members_of(house, room)} == {None, "bob"}


async def test_whoever_was_alone_in_a_room_leaves_it_empty(house: House) -> None:
    ada = await house.person("ada")
    room = await room_of(house, ada, "channel")
    assert await delete(house, ada) == 204
    await until(lambda: nothing_is_left(house))
    assert await members_of(house, room) == ()


async def test_a_wrong_password_deletes_nobody(house: House) -> None:
    ada = await house.person("ada")
    for _ in range(house.login_attempts):
        assert await delete(house, ada, "wrong password") == 401
    assert await delete(house, ada) == 429
    assert (await house.api.get("/v1/me", headers=ada)).status_code == 200


async def test_what_a_server_left_undone_that_died_is_done_by_the_next(tmp_path: Path) -> None:
    """All that a deletion needs is in its one transaction: it is made here as by somebody who dies right after."""
    async with open_house(tmp_path / "data") as house:
        ada, bob = await house.person("ada"), await house.person("bob")
        rooms = [await room_of(house, ada, "group", "bob"), await room_of(house, bob, "channel")]
        accounts = house.environment.accounts
        user = (await accounts.identify(ada["Authorization"].removeprefix("Bearer "))).user.user
        await answer_to(
            accounts.writer, lambda to: DeleteUser(reply_to=to, user=user, known_hash=None), Revocations, 10
        )
        assert not await nothing_is_left(house)
    async with open_house(tmp_path / "data") as house:
        await until(lambda: nothing_is_left(house))
        for room in rooms:
            assert [(one.user.name, one.role) for one in await members_of(house, room)] == [("bob", "owner")]
        assert (await house.api.get("/v1/me", headers=bearer("nobody's"))).status_code == 401
