"""Messages that disappear: from what is read, what is found and what is logged, for who was there and who was not."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.harness.people import Talker, register, talk
from tests.harness.server import ServerProcess

PATIENCE = 60.0


def posted(talker: Talker, room: str, text: str) -> int:
    seq = talker.ask("post", room=room, nonce=secrets.token_hex(8), text=text)["seq"]
    assert isinstance(seq, int)
    return seq


def test_they_are_gone_for_who_was_there(server: ServerProcess, person: Callable[[], Talker]) -> None:
    ann, bob = person(), person()
    room = ann.ask("create_room", kind="group", name="Brief", members=[], nonce=secrets.token_hex(8))["room"]
    before = posted(ann, room, "This stays")
    assert ann.ask("set_rights", room=room, ttl=5)["seq"] == before + 1
    assert "seq" not in ann.ask("set_rights", room=room, ttl=5)
    gone = posted(ann, room, "This goes")
    assert ann.ask("set_rights", room=room, ttl=0)["op"] == "ok"
    after = posted(ann, room, "This stays as well")
    assert [hit["seq"] for hit in ann.ask("search", query="this", room=room)["hits"]] == [after, gone, before]
    deleted = ann.wait(lambda frame: frame["op"] == "deleted", PATIENCE)
    assert (deleted["target"], deleted["reason"]) == (gone, "expired")
    assert [hit["seq"] for hit in ann.ask("search", query="this", room=room)["hits"]] == [after, before]
    page = ann.ask("history", room=room)["messages"]
    assert [(message["seq"], message.get("text")) for message in page] == [
        (before, "This stays"), (gone, None), (after, "This stays as well"),
    ]  # fmt: skip
    log = ann.ask("log", room=room, after=before)["entries"]
    assert [entry for entry in log if entry["op"] == "deleted"] == [deleted]
    assert bob.ask("history", room=room)["code"] == "no_such_room"


def test_a_server_that_was_killed_goes_on_with_it(data: Path) -> None:
    """In rooms that nobody has opened since; and who comes back later reads the same as who was there."""
    with ServerProcess(data) as server:
        _, token = register(server.url, "ann")
        with talk(server.websocket_url, token) as ann:
            room = ann.ask("create_room", kind="group", name="Brief", members=[], nonce=secrets.token_hex(8))["room"]
            ann.ask("set_rights", room=room, ttl=5)
            places = [posted(ann, room, f"message {n}") for n in range(20)]
            log = next(known["log"] for known in ann.ask("rooms")["rooms"] if known["room"] == room)
        server.kill()
        server.start()
        with talk(server.websocket_url, token, {room: {"log": log, "seq": places[-1]}}) as ann:
            for _ in range(len(places)):
                deleted = ann.wait(lambda frame: frame["op"] == "deleted", PATIENCE)
                places.remove(deleted["target"])
            assert all(message["deleted"] for message in ann.ask("history", room=room)["messages"])
    assert places == []


@pytest.mark.parametrize("ttl", [1, 4, 31_622_401])
def test_no_other_times_are_taken(person: Callable[[], Talker], ttl: int) -> None:
    ann = person()
    room = ann.ask("create_room", kind="group", name="Brief", members=[], nonce=secrets.token_hex(8))["room"]
    assert ann.ask("set_rights", room=room, ttl=ttl)["code"] == "bad_request"
