"""One's own data as a zip: what is in it, and what happens beside it."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from io import BytesIO
from typing import Any
from zipfile import BadZipFile, ZipFile

import httpx
import pytest
import trio

from server.accounts import export
from server.protocol.message_commands import Delete, Edit
from server.protocol.objects import User
from server.protocol.room_commands import Join, Leave
from server.rooms.calling import told_by_room
from tests.http_api.conftest import House, bearer, full_inbox, problem_of
from tests.http_api.test_http_rooms import post, room_of

Files = dict[str, Any]


async def exported(house: House, who: dict[str, str]) -> Files:
    answer = await house.api.post("/v1/export", headers=who)
    assert answer.status_code == 200
    return unpacked(answer)


def unpacked(answer: httpx.Response) -> Files:
    with ZipFile(BytesIO(answer.content)) as archive:
        assert archive.testzip() is None
        return {name: json.loads(archive.read(name)) for name in archive.namelist()}


async def test_everything_of_the_caller_is_in_it_and_nothing_of_others(house: House) -> None:
    ada, bob = await house.person("ada"), await house.person("bob")
    await house.person("cleo")
    group, alone = await room_of(house, ada, "group", "bob"), await room_of(house, ada, "channel")
    await post(house, group, ada, nonce="n1", text="mine")
    await post(house, group, bob, nonce="n1", text="not mine")
    assert (await house.api.put("/v1/blocks/cleo", headers=ada)).status_code == 204
    files = await exported(house, ada)
    assert set(files) == {
        "account.json", "devices.json", "blocked.json", "rooms.json",
        f"messages/{group}.json", f"messages/{alone}.json",
    }  # fmt: skip
    assert files["account.json"]["name"] == "ada"
    assert files["account.json"]["status"] is None
    assert "password_hash" not in files["account.json"]
    assert len(files["devices.json"]) == 1
    assert [one["name"] for one in files["blocked.json"]] == ["cleo"]
    assert {room["room"] for room in files["rooms.json"]} == {group, alone}
    assert [message["text"] for message in files[f"messages/{group}.json"]] == ["mine"]
    assert files[f"messages/{alone}.json"] == []


async def test_what_was_edited_is_as_it_is_and_what_was_deleted_is_not(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(export, "PAGE", 2)
    ada = await house.person("ada")
    room = await room_of(house, ada, "channel")
    said = [(await post(house, room, ada, nonce=f"n{n}", text=f"text {n}")).json()["seq"] for n in range(7)]
    answer = (await house.api.get("/v1/me", headers=ada)).json()
    me = User(user=answer["user"], name=answer["name"])
    for command in (
        Edit(room=room, target=said[0], text="another"),
        *(Delete(room=room, target=seq) for seq in said[2:5]),  # a whole page of them
    ):
        await told_by_room(house.environment.rooms, me, command, 10)
    messages = {one["seq"]: one for one in (await exported(house, ada))[f"messages/{room}.json"]}
    assert {seq: one["text"] for seq, one in messages.items()} == {
        said[0]: "another",
        said[1]: "text 1",
        said[5]: "text 5",
        said[6]: "text 6",
    }
    assert "edited_at" in messages[said[0]]


async def test_a_room_that_was_left_is_not_in_it_until_one_is_back(house: House) -> None:
    ada, bob = await house.person("ada"), await house.person("bob")
    room = await room_of(house, bob, "channel", "ada")
    await post(house, room, ada, nonce="n1", text="mine")
    answer = (await house.api.get("/v1/me", headers=ada)).json()
    me = User(user=answer["user"], name=answer["name"])
    await told_by_room(house.environment.rooms, me, Leave(room=room), 10)
    files = await exported(house, ada)
    assert files["rooms.json"] == []
    assert not any(name.startswith("messages/") for name in files)
    await told_by_room(house.environment.rooms, me, Join(room=room), 10)
    assert [message["text"] for message in (await exported(house, ada))[f"messages/{room}.json"]] == ["mine"]


async def test_it_leaves_while_it_is_made_and_a_second_one_waits_its_turn(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    ada, bob = await house.person("ada"), await house.person("bob")
    async with being_made(house, ada):
        answer = await house.api.post("/v1/export", headers=ada)
        assert problem_of(answer) == (429, "rate_limited")
        assert "account.json" in await exported(house, bob)
        monkeypatch.setattr(export, "AT_ONCE", 1)
        assert problem_of(await house.api.post("/v1/export", headers=bob)) == (503, "unavailable")
    assert "account.json" in await exported(house, ada), "whoever left in the middle may come again"


@asynccontextmanager
async def being_made(house: House, who: dict[str, str]) -> AsyncIterator[None]:
    """An export whose reader has taken its head, takes no more, and is gone in the end."""
    begun, gone = trio.Event(), trio.Event()

    async def send(message: dict[str, Any]) -> None:
        if message["type"] == "http.response.start":
            begun.set()
            await gone.wait()
            raise OSError("the reader is gone")

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def ask() -> None:
        headers = [(name.lower().encode(), value.encode()) for name, value in who.items()]
        scope = {"type": "http", "method": "POST", "path": "/v1/export", "query_string": b"", "headers": headers}
        with pytest.raises(Exception, match=r"gone|disconnect|^$"):
            await house.app(scope | {"asgi": {"spec_version": "2.4"}}, receive, send)

    async with trio.open_nursery() as nursery:
        nursery.start_soon(ask)
        await begun.wait()
        yield
        gone.set()


async def test_a_store_that_does_not_answer_in_time_is_asked_again_and_in_the_end_it_breaks_off(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(export, "AGAIN_SECONDS", 0.0)
    exports = export.Exports(full_inbox(), 10.0)
    ada = await house.person("ada")
    account = await house.environment.exports.account((await house.api.get("/v1/me", headers=ada)).json()["user"])
    parts: list[bytes] = []

    async def write(part: bytes) -> None:
        parts.append(part)

    with pytest.raises(export.Refusal):
        await exports.make(account, write)
    with pytest.raises(BadZipFile):
        ZipFile(BytesIO(b"".join(parts)))


async def test_nobody_gets_anything_without_a_token(house: House) -> None:
    assert problem_of(await house.api.post("/v1/export", headers=bearer("nobody's"))) == (401, "bad_token")
