"""Several nodes, each a process, over one real PostgreSQL and one real Valkey: people notice nothing of it, and nothing
acknowledged is lost, doubled or reordered when a part of it dies."""

from __future__ import annotations

import os
import secrets
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from functools import partial
from pathlib import Path

import psycopg
import pytest

from server.placement.shards import SHARDS, shard_of
from tests.harness.cluster import node, nodes
from tests.harness.people import PASSWORD, Talker, call, close_code, register, talk
from tests.harness.posters import Poster, gather, judge, stored_in_postgres, wait_for
from tests.harness.postgres import PostgresServer
from tests.harness.server import ServerProcess
from tests.harness.valkey import ValkeyProcess

SECONDS = 20.0
NAMES = ("ann", "bob")


@pytest.fixture
def engine() -> Iterator[ValkeyProcess]:
    with ValkeyProcess() as process:
        yield process


@pytest.fixture
def database(postgres: PostgresServer) -> Iterator[str]:
    with postgres.lent_database() as url:
        yield url


@pytest.fixture
def three(tmp_path: Path, engine: ValkeyProcess, database: str) -> Iterator[list[ServerProcess]]:
    with nodes(tmp_path, 3, engine=engine.url, database=database) as running:
        yield running


def until(condition: Callable[[], object], what: str, seconds: float = SECONDS) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, f"in vain: {what}"
        time.sleep(0.02)


def all_post_on(posters: list[Poster], times: int, seconds: float = SECONDS) -> None:
    """Each of them gets so many more posts acknowledged."""
    wanted = [(poster, poster.acknowledged + times) for poster in posters]
    until(lambda: all(poster.acknowledged >= number for poster, number in wanted), "everybody posts on", seconds)


def findings(posters: list[Poster], database: str) -> list[str]:
    """What is wrong in the end, once everybody has got the last post acknowledged."""
    for poster in posters:
        poster.finish()
    assert wait_for(posters, 30) == []
    return [str(finding) for finding in judge(posters, stored_in_postgres(database))]


def people(servers: list[ServerProcess], *names: str) -> list[Talker]:
    """One at each node."""
    tokens = [register(servers[0].url, name)[1] for name in names]
    return [talk(server.websocket_url, token) for server, token in zip(servers, tokens, strict=True)]


@pytest.mark.slow
def test_whoever_is_where_sees_the_same_in_the_same_order(three: list[ServerProcess], database: str) -> None:
    posters = gather(*three, count=12)
    for poster in posters:
        poster.start()
    all_post_on(posters, 20)
    assert findings(posters, database) == []


@pytest.mark.slow
def test_a_node_is_killed_and_its_rooms_go_on_elsewhere(
    three: list[ServerProcess], tmp_path: Path, engine: ValkeyProcess, database: str
) -> None:
    posters = gather(*three, count=9)
    for poster in posters:
        poster.start()
    all_post_on(posters, 5)
    for victim in three[1:]:
        victim.kill()
        all_post_on(posters, 5)
    with node(tmp_path, "successor", engine=engine.url, database=database):
        all_post_on(posters, 5)
        assert findings(posters, database) == []


@pytest.mark.slow
def test_a_node_stops_in_order_and_hands_its_rooms_over(three: list[ServerProcess], database: str) -> None:
    posters = gather(*three, count=9)
    for poster in posters:
        poster.start()
    all_post_on(posters, 5)
    for leaving in three[1:]:
        assert leaving.stop(20) == 0
        all_post_on(posters, 5)
    assert findings(posters, database) == []


@pytest.mark.slow
def test_the_engine_is_killed_and_comes_back_empty(
    three: list[ServerProcess], engine: ValkeyProcess, database: str
) -> None:
    posters = gather(*three, count=9)
    for poster in posters:
        poster.start()
    all_post_on(posters, 5)
    engine.kill()
    until(lambda: all(call(each.url, "/readyz")[0] == 503 for each in three), "no node wants traffic")
    engine.start()
    until(lambda: all(call(each.url, "/readyz")[0] == 200 for each in three), "all do again")
    all_post_on(posters, 5)
    assert findings(posters, database) == []


@pytest.mark.slow
def test_what_becomes_of_a_message_is_the_same_on_every_node(three: list[ServerProcess]) -> None:
    everybody = ann, bob, cat = people(three, "ann", "bob", "cat")
    room = ann.ask("create_room", kind="group", name="Tea", members=["bob", "cat"], nonce=secrets.token_hex(4))["room"]
    first, second = (ann.post(room, text)["seq"] for text in ("first", "second"))
    for each in everybody:
        each.wait(lambda frame: frame["op"] == "message" and frame["seq"] == second)
    assert bob.ask("edit", room=room, target=first, text="mine")["code"] == "forbidden"
    changes = [
        bob.ask("react", room=room, target=first, emoji="👍", on=True),
        cat.ask("react", room=room, target=first, emoji="👍", on=True),
        ann.ask("edit", room=room, target=first, text="changed"),
        ann.ask("delete", room=room, target=second),
    ]
    assert [change["seq"] for change in changes] == list(range(second + 1, second + 5))
    assert "seq" not in bob.ask("react", room=room, target=first, emoji="👍", on=True)
    for each in everybody:
        told = [each.expect(op)["seq"] for op in ("reaction", "reaction", "edited", "deleted")]
        assert told == [change["seq"] for change in changes]
        shown, gone = each.ask("history", room=room)["messages"]
        thumbs = {"emoji": "👍", "count": 2, "me": each is not ann}
        assert (shown["text"], shown["reactions"]) == ("changed", [thumbs])
        assert gone["deleted"]
        assert "text" not in gone


@pytest.mark.slow
def test_what_concerns_somebody_is_heard_on_all_devices(three: list[ServerProcess]) -> None:
    _, token = register(three[0].url, "ann")
    phone, laptop = (talk(server.websocket_url, token) for server in three[:2])
    (bob,) = people(three[2:], "bob")
    made = bob.ask("create_room", kind="group", name="Tea", members=["ann"], nonce=secrets.token_hex(4))
    for device in (phone, laptop):
        assert device.expect("joined")["room"] == made["room"]
    said = bob.post(made["room"], "Tea?")
    for device in (phone, laptop):
        assert device.expect("message")["seq"] == said["seq"]
    assert call(three[2].url, "/v1/me", {"display_name": "Ann B."}, token=token, method="PATCH")[0] == 200
    until(lambda: is_named(phone.post(made["room"], "I am"), phone, "Ann B."), "the news reaches every node")
    assert laptop.ask("leave", room=made["room"])["op"] == "ok"
    assert phone.expect("left")["user"] == phone.welcome["me"]["user"]
    assert call(three[2].url, "/v1/logout", {}, token=token)[0] == 204
    assert close_code(phone.websocket) == close_code(laptop.websocket) == 4500
    bob.close()


@pytest.mark.slow
def test_who_is_blocked_is_so_on_every_node_and_who_is_deleted_leaves_every_room(three: list[ServerProcess]) -> None:
    ann, bob = (*people(three[:1], "ann"), *people(three[1:2], "bob"))
    tokens = {name: call(three[2].url, "/v1/login", {"name": name, "password": PASSWORD})[1]["token"] for name in NAMES}
    talks = [ann.ask("create_room", kind="dm", members=["bob"], nonce=secrets.token_hex(8))["room"]]
    rooms = [ann.ask("create_room", kind="group", name="G", members=["bob"], nonce=secrets.token_hex(8))["room"]]
    assert bob.post(talks[0], "before")["op"] == "ok"
    assert call(three[2].url, "/v1/blocks/bob", token=tokens["ann"], method="PUT")[0] == 204
    until(lambda: bob.post(talks[0], "after").get("code") == "forbidden", "the owner of the room hears of it")
    assert ann.post(talks[0], "after")["code"] == "forbidden"
    assert call(three[2].url, "/v1/blocks/bob", token=tokens["ann"], method="DELETE")[0] == 204
    until(lambda: bob.post(talks[0], "again")["op"] == "ok", "and of its end")
    body = {"password": PASSWORD}
    assert call(three[2].url, "/v1/me/delete", body, token=tokens["ann"])[0] == 204
    assert close_code(ann.websocket) == 4500
    assert bob.wait(lambda frame: frame["op"] == "left" and frame["room"] == rooms[0], SECONDS)
    assert bob.ask("members", room=rooms[0], limit=10)["members"][0]["role"] == "owner"
    bob.close()


def is_named(posted: dict[str, object], reader: Talker, name: str) -> bool:
    said = reader.wait(lambda frame: frame["op"] == "message" and frame["seq"] == posted["seq"])
    return bool(said["from"].get("display_name") == name)


def peer_is_seen(talker: Talker, peer: Talker) -> bool:
    """By the first that is said of a dm's other person: in the welcome, or else behind it, where that somebody has come
    oneself may be said before."""
    (room,) = [room for room in talker.welcome["rooms"] if room["kind"] == "dm"]
    assert room["peer"].get("status") in (None, "online"), "nobody says what this node does not know"
    presence = talker.wait(lambda frame: frame["op"] == "presence" and frame["user"] == peer.welcome["me"]["user"])
    return bool(presence["status"] == "online")


@pytest.mark.slow
def test_what_a_room_says_of_rights_holds_on_every_node_and_so_does_its_end(three: list[ServerProcess]) -> None:
    ann, bob, eve = everybody = people(three, "ann", "bob", "eve")
    made = {"kind": "channel", "name": "tea", "nonce": "same", "members": ["bob", "eve"]}
    room = ann.ask("create_room", **made)["room"]
    for person in (bob, eve):
        person.expect("joined")
    two = {"room": room, "nonce": secrets.token_hex(8), "text": "Two"}
    ann.ask("set_rights", room=room, slow=600, invite="owner")
    for person in (bob, eve):
        assert person.expect("room")["info"]["rights"] == {"invite": "owner", "slow": 600}
        assert person.post(room, "One")["op"] == "ok"
        refused = person.ask("post", **two)
        assert refused["code"] == "rate_limited"
        assert 590_000 < refused["retry_after"] <= 600_000
        assert person.ask("invite", room=room, user="ann")["code"] == "forbidden"
    assert [ann.post(room, text)["op"] for text in ("One", "Two")] == ["ok", "ok"]
    ann.ask("set_rights", room=room, slow=0, post="owner")
    for person in (bob, eve):
        person.wait(lambda frame: frame["op"] == "room" and "slow" not in frame["info"]["rights"])
        assert person.ask("post", **two)["code"] == "forbidden"
    assert ann.ask("delete_room", room=room, reason="Cold")["op"] == "ok"
    for person in everybody:
        left = person.wait(lambda frame: frame["op"] == "left")
        assert (left["by"], left["reason"], "seq" in left) == (ann.welcome["me"]["user"], "Cold", False)
        assert person.ask("history", room=room)["code"] == "no_such_room"
        assert person.ask("join", name="tea")["code"] == "no_such_room"
        assert person.ask("rooms")["rooms"] == []
    assert ann.ask("create_room", **made)["code"] == "no_such_room"
    again = bob.ask("create_room", **made | {"members": []})
    assert again["info"]["name"] == "tea"
    assert again["room"] != room


@pytest.mark.slow
def test_who_is_kicked_is_out_on_every_node_also_where_nobody_could_be_told(
    three: list[ServerProcess], engine: ValkeyProcess
) -> None:
    ann, eve, _ = everybody = people(three, "ann", "eve", "zoe")
    user, token = register(three[0].url, "bob")
    devices = [talk(server.websocket_url, token) for server in three]
    room = ann.ask("create_room", kind="group", name="Tea", members=["bob", "eve"], nonce=secrets.token_hex(4))["room"]
    for heard in (eve, *devices):
        heard.expect("joined")
    kick = ann.ask("kick", room=room, user="bob", reason="No sugar")
    assert ann.post(room, "Who wants his cup?")["seq"] == kick["seq"] + 1
    assert eve.expect("message")["seq"] == kick["seq"] + 1
    for device in devices:
        left = device.expect("left")
        assert (left["user"], left["by"], left["reason"]) == (user, ann.welcome["me"]["user"], "No sugar")
        assert device.post(room, "Mine!")["code"] == "no_such_room"
        assert "message" not in [frame["op"] for frame in device.heard]
    assert ann.ask("invite", room=room, user="bob")["op"] == "ok"
    for device in devices:
        device.wait(lambda frame: frame["op"] == "joined" and frame["seq"] == kick["seq"] + 2)
    owner_said = ann.ask("ban", room=room, user=user)
    engine.kill()
    assert owner_said["op"] == "ok"
    engine.start()
    until(lambda: all(call(each.url, "/readyz")[0] == 200 for each in three), "all want traffic again")
    for device in devices:
        device.wait(lambda frame: frame["op"] == "left", SECONDS)
    until(lambda: ann.post(room, "Quiet now")["op"] == "ok", "Ann may post")
    eve.wait(lambda frame: frame["op"] == "message" and frame["text"] == "Quiet now")
    for device in devices:
        assert device.ask("history", room=room)["code"] == "no_such_room"
        assert "message" not in [frame["op"] for frame in device.heard]
        device.close()
    for person in everybody:
        person.close()


def test_the_other_person_of_a_dm_is_seen_by_whatever_node_they_are_there(three: list[ServerProcess]) -> None:
    ann, bob = people(three[:2], "ann", "bob")
    ann.ask("create_room", kind="dm", members=["bob"], nonce="1")
    bob.wait(lambda frame: frame["op"] == "joined")
    _, token = call(three[0].url, "/v1/login", {"name": "ann", "password": PASSWORD})
    with ExitStack() as tabs:
        for where in (0, 0, 2):  # a session that is new, one that is there, and one on another node
            assert peer_is_seen(tabs.enter_context(talk(three[where].websocket_url, token["token"])), bob)
    bob.close()
    gone = ann.wait(lambda frame: frame["op"] == "presence" and frame["status"] == "offline")
    assert gone["user"] == bob.welcome["me"]["user"]
    ann.close()


def until_shared(database: str, nodes: int) -> None:
    """Until each node owns its share of the shards, so that none moves any more by itself."""
    with psycopg.connect(database.replace("+psycopg", ""), autocommit=True) as connection:
        for _ in range(3_000):
            shares = connection.execute("SELECT count(*) FROM shards WHERE owner IS NOT NULL GROUP BY owner").fetchall()
            if (
                len(shares) == nodes
                and sum(share for (share,) in shares) == SHARDS
                and min(shares)[0] >= SHARDS // nodes
            ):
                return
            time.sleep(0.01)
    raise AssertionError(f"the shards are not shared: {shares}")


def room_of(owner: Talker, maker: Talker, database: str, *members: str) -> str:
    """A new room that the node owns to which `owner` is connected."""
    for number in range(100):
        made = maker.ask("create_room", kind="group", name="Tea", members=members, nonce=f"tea {number}")
        if owner_of(database, made["room"]) == owner.welcome["node"]:
            return str(made["room"])
    raise AssertionError("no room is that node's")


def owner_of(database: str, room: str) -> str:
    with psycopg.connect(database.replace("+psycopg", "")) as connection:
        row = connection.execute("SELECT owner FROM shards WHERE id = %s", (shard_of(room),)).fetchone()
    assert row is not None
    return str(row[0])


def until_seen(talker: Talker, room: str, who: Talker) -> None:
    """Until `talker` is told that somebody is there: relays say so now and then."""
    for _ in range(1_000):
        members = talker.ask("members", room=room, limit=10)["members"]
        (found,) = [member["user"] for member in members if member["user"]["user"] == who.welcome["me"]["user"]]
        if found.get("status") == "online":
            return
    raise AssertionError("nobody is seen there")


@pytest.mark.slow
def test_rooms_of_a_stopped_node_move_by_its_lease_however_late_its_beats_are_missed(
    tmp_path: Path, engine: ValkeyProcess, database: str
) -> None:
    """At one of the two that stay the room becomes its own, at the other a relay has to look for it."""
    with nodes(tmp_path, 3, engine=engine.url, database=database, HUBBUB_DEAD_AFTER="60") as servers:
        until_shared(database, len(servers))
        ann, bob, cat = people(servers, "ann", "bob", "cat")
        room = room_of(bob, ann, database, "cat")
        cat.wait(lambda frame: frame["op"] == "joined" and frame["room"] == room)
        assert [each.post(room, "Are you there?")["op"] for each in (ann, cat)] == ["ok", "ok"]
        os.kill(servers[1].process.pid, signal.SIGSTOP)
        for each in (ann, cat):
            again = partial(each.ask, "post", room=room, nonce="again", text="Hello?")
            until(lambda again=again: again()["op"] == "ok", "the room is served again")  # type: ignore[misc]
        servers[1].kill()
        for each in (ann, bob, cat):
            each.close()


@pytest.mark.slow
@pytest.mark.parametrize("owner", [0, 1])
def test_people_who_are_there_by_other_nodes_are_seen_and_so_is_their_typing(
    three: list[ServerProcess], database: str, owner: int
) -> None:
    """Also when the room's owner dies with the node by which somebody was there."""
    until_shared(database, len(three))
    ann, bob, cyd = talkers = people(three, "ann", "bob", "cyd")
    room = room_of(talkers[owner], ann, database, "bob", "cyd")
    bob.wait(lambda frame: frame["op"] == "joined" and frame["room"] == room)
    bob.say("typing", room=room)
    for other in (ann, cyd):
        assert other.wait(lambda frame: frame["op"] == "typing")["user"] == bob.welcome["me"]["user"]
        until_seen(other, room, bob)
    three[1].kill()
    for other in (ann, cyd):
        gone = other.wait(lambda frame: frame["op"] == "presence" and frame["status"] == "offline")
        assert gone["user"] == bob.welcome["me"]["user"]
    for talker in talkers:
        talker.close()


def test_an_engine_that_is_not_there_is_one_line_and_an_exit_code(tmp_path: Path, database: str) -> None:
    nobody = f"unix://{tmp_path}/nobody.sock"
    server = node(tmp_path, "alone", engine=nobody, database=database)
    with pytest.raises(AssertionError, match="the server did not start"):
        server.start()
    assert server.process.wait(10) == 6
    (line,) = [line for line in server.log.read_text().splitlines() if line.startswith("hubbub: ")]
    assert line == f"hubbub: the engine {nobody} cannot be reached: No such file or directory"
