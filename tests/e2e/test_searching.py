"""Searches of a whole server: the same by websocket and by HTTP, before and after it was killed."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest

from tests.harness.people import Talker, call, register, talk
from tests.harness.server import ServerProcess


@pytest.fixture
def data(tmp_path: Path) -> Path:
    return tmp_path / "data"


def said(talker: Talker, room: str, *texts: str) -> list[int]:
    return [talker.ask("post", room=room, nonce=secrets.token_hex(8), text=text)["seq"] for text in texts]


def found(talker: Talker, query: str, **fields: Any) -> list[tuple[str, int]]:
    answer = talker.ask("search", query=query, **fields)
    assert answer["op"] == "ok", answer
    return [(hit["room"], hit["seq"]) for hit in answer["hits"]]


@pytest.fixture
def people(server: ServerProcess) -> Iterator[tuple[Talker, Talker, str, str]]:
    """Two talkers, the second one's token, and a room of the first."""
    ann, bob = f"ann{secrets.token_hex(3)}", f"bob{secrets.token_hex(3)}"
    tokens = [register(server.url, name)[1] for name in (ann, bob)]
    with talk(server.websocket_url, tokens[0]) as first, talk(server.websocket_url, tokens[1]) as second:
        room = first.ask("create_room", kind="group", name="Both", members=[bob], nonce=secrets.token_hex(8))["room"]
        second.expect("joined")
        yield first, second, tokens[1], room


def test_what_is_posted_edited_and_deleted_is_found_by_its_answer(
    server: ServerProcess, people: tuple[Talker, Talker, str, str]
) -> None:
    ann, bob, token, room = people
    one, two = said(ann, room, "Meet me at the Café", "我们明天去北京")
    assert found(bob, "cafe") == [(room, one)]
    assert found(bob, "北京", room=room) == [(room, two)]
    answer = bob.ask("search", query='"at the cafe"')
    [hit] = answer["hits"]
    assert [hit["snippet"][mark["start"] : mark["end"]] for mark in hit["marks"]] == ["at the Café"]
    by_http = call(
        server.url, "/v1/search?" + urlencode({"query": '"at the cafe"', "from": hit["from"]["name"]}), token=token
    )
    assert by_http == (200, {"hits": answer["hits"], "next": None})
    ann.ask("edit", room=room, target=one, text="Meet me elsewhere")
    assert (found(bob, "cafe"), found(bob, "elsewhere")) == ([], [(room, one)])
    ann.ask("delete", room=room, target=one)
    assert found(bob, "elsewhere") == []


def test_pages_go_on(people: tuple[Talker, Talker, str, str]) -> None:
    ann, _, _, room = people
    places = said(ann, room, *(f"number {n}" for n in range(5)))
    first = ann.ask("search", query="number", limit=3)
    assert [hit["seq"] for hit in first["hits"]] == places[:1:-1]
    second = ann.ask("search", query="number", limit=3, next=first["next"])
    assert [hit["seq"] for hit in second["hits"]] == places[1::-1]
    assert "next" not in second


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"query": ""}, "bad_request"), ({"query": "?!"}, "bad_request"), ({"query": "x" * 201}, "too_long"),
        ({"query": "x", "limit": 51}, "bad_request"), ({"query": "x", "limit": 0}, "bad_request"),
        ({"query": "x", "after": "yesterday"}, "bad_request"), ({"query": "x", "next": "x"}, "bad_request"),
        ({"query": "x", "from": "nobody-at-all"}, "no_such_user"), ({}, "bad_request"),
        ({"query": "x", "room": "r_01KX2Y8F7Q3M5N9PABCDEFGHJK"}, "no_such_room"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_said(
    server: ServerProcess, people: tuple[Talker, Talker, str, str], fields: dict[str, Any], code: str
) -> None:
    _, bob, token, _ = people
    assert bob.ask("search", **fields)["code"] == code
    status, answer = call(server.url, f"/v1/search?{urlencode(fields)}", token=token)
    assert (status >= 400, answer["error"]["code"]) == (True, code)
