"""Messages that disappear: from what is read, what is found and what is logged, for who was there and who was not."""

from __future__ import annotations

import secrets
from collections.abc import Callable

import pytest

from tests.harness.people import Talker
from tests.harness.server import ServerProcess

PATIENCE = 60.0


def posted(talker: Talker, room: str, text: str) -> int:
    seq = talker.ask("post", room=room, nonce=secrets.token_hex(8), text=text)["seq"]
    assert isinstance(seq, int)
    return seq


def test_they_are_gone_for_everybody_also_through_a_crash(server: ServerProcess, person: Callable[[], Talker]) -> None:
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


@pytest.mark.parametrize("ttl", [1, 4, 31_622_401])
def test_no_other_times_are_taken(person: Callable[[], Talker], ttl: int) -> None:
    ann = person()
    room = ann.ask("create_room", kind="group", name="Brief", members=[], nonce=secrets.token_hex(8))["room"]
    assert ann.ask("set_rights", room=room, ttl=ttl)["code"] == "bad_request"
