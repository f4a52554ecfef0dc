"""Large rooms that people do not look at, over several nodes: what they are told in the end is how it stands, whatever
happens to the node that owns the room.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.harness.cluster import nodes
from tests.harness.people import Frame, Talker, register, talk
from tests.harness.postgres import PostgresServer
from tests.harness.server import ServerProcess
from tests.harness.valkey import ValkeyProcess

ROOMS = 4
SECONDS = 60.0
LARGE = {"HUBBUB_PASSIVE_ABOVE": "2", "HUBBUB_ACTIVITY": "1"}


@pytest.fixture
def three(tmp_path: Path, postgres: PostgresServer) -> Iterator[list[ServerProcess]]:
    with (
        ValkeyProcess() as engine,
        postgres.lent_database() as database,
        nodes(tmp_path, 3, engine=engine.url, database=database, **LARGE) as running,
    ):
        yield running


def post_until_taken(talker: Talker, room: str, text: str) -> int:
    """As people do: with the same nonce, until it is acknowledged."""
    nonce, end = secrets.token_hex(8), time.monotonic() + SECONDS
    while (answer := talker.post(room, text, nonce))["op"] != "ok":
        assert answer["code"] == "unavailable", answer
        assert time.monotonic() < end
        time.sleep(0.1)
    return int(answer["seq"])


def is_told(talker: Talker, room: str, last_seq: int, unread: int) -> Frame:
    """In the end; and no entry of the room before."""
    wanted = {"op": "activity", "room": room, "last_seq": last_seq, "unread": unread, "mentions": 0}
    told = talker.wait(lambda frame: frame == wanted, SECONDS)
    assert not [frame for frame in talker.heard if frame["op"] == "message" and frame["room"] == room]
    return told


@pytest.mark.slow
def test_who_does_not_look_knows_how_it_stands_wherever_the_room_is(three: list[ServerProcess]) -> None:
    tokens = [register(three[0].url, name)[1] for name in ("ann", "bob", "cat")]
    ann = talk(three[0].websocket_url, tokens[0])
    rooms = [
        ann.ask("create_room", kind="group", name="Tea", members=["bob", "cat"], nonce=secrets.token_hex(4))["room"]
        for _ in range(ROOMS)
    ]
    bob, cat = (talk(three[1].websocket_url, token, passive=True) for token in tokens[1:])
    for room in rooms:
        for number in range(3):
            last_seq = post_until_taken(ann, room, f"{number}")
        for person in (bob, cat):
            is_told(person, room, last_seq, 3)
    three[2].kill()
    for room in rooms:
        last_seq = post_until_taken(ann, room, "after the node's end")
        is_told(bob, room, last_seq, 4)
    focused = cat.ask("focus", room=rooms[0])
    while focused["op"] != "ok":
        focused = cat.ask("focus", room=rooms[0])
    seq = post_until_taken(ann, rooms[0], "seen")
    seen = cat.wait(lambda frame: frame["op"] == "message" and frame["room"] == rooms[0])
    assert (seen["seq"], seen["text"]) == (seq, "seen")
    assert focused["last_seq"] == seq - 1
    is_told(bob, rooms[0], seq, 5)
