"""Exactly as many come by an invite as it says: at once, over several nodes, and across a kill."""

from __future__ import annotations

import json
import secrets
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from functools import partial
from pathlib import Path

import pytest
from websockets.exceptions import ConnectionClosed

from tests.harness.cluster import nodes
from tests.harness.people import PASSWORD, Frame, Talker, call, register, talk
from tests.harness.postgres import PostgresServer
from tests.harness.server import ServerProcess
from tests.harness.valkey import ValkeyProcess

USES, PEOPLE = 5, 12


@contextmanager
def crowd(servers: list[ServerProcess]) -> Iterator[list[Talker]]:
    """People who are connected, to one server after the other."""
    with ExitStack() as open_talkers:
        found = []
        for number in range(PEOPLE):
            server = servers[number % len(servers)]
            _, token = register(server.url, f"guest{number}")
            found.append(open_talkers.enter_context(talk(server.websocket_url, token)))
        yield found


def host(server: ServerProcess) -> tuple[Talker, str, str]:
    """Somebody with a group, the group, and the code of an invite."""
    talker = talk(server.websocket_url, register(server.url, "ann")[1])
    room = talker.ask("create_room", kind="group", name="Tea", members=[], nonce="tea")["room"]
    return talker, room, talker.ask("create_invite", room=room, nonce="n", uses=USES)["invite"]


def join_together(people: list[Talker], code: str) -> list[Frame]:
    asked = [(talker, talker.say("join", invite=code)) for talker in people]
    return [talker.wait(partial(_answers, number), 30) for talker, number in asked]


def _answers(number: int, frame: Frame) -> bool:
    return frame.get("id") == number


def members_of(ann: Talker, room: str) -> int:
    return len(ann.ask("members", room=room, limit=200)["members"]) - 1


def judge(answers: list[Frame]) -> None:
    assert [answer.get("code") for answer in answers if answer["op"] == "error"] == ["no_such_invite"] * (PEOPLE - USES)
    assert sorted(answer["info"]["last_seq"] for answer in answers if answer["op"] == "ok")[-1] <= USES + 1


def test_at_once(server: ServerProcess) -> None:
    ann, room, code = host(server)
    with ann, crowd([server]) as people:
        judge(join_together(people, code))
        assert members_of(ann, room) == USES
        assert ann.ask("invites", room=room)["invites"] == []


def test_across_a_kill(data: Path) -> None:
    """Whoever was not answered asks again, as clients do, and is let in once or not at all."""
    running = ServerProcess(data)
    with running:
        ann, room, code = host(running)
        tokens = [register(running.url, f"guest{number}")[1] for number in range(PEOPLE)]
        people = [talk(running.websocket_url, token) for token in tokens]
        for talker in people:
            talker.websocket.send(json.dumps({"op": "join", "id": 1, "invite": code}))
        people[0].wait(lambda frame: frame.get("id") == 1)
        running.kill()
        for talker in (ann, *people):
            with suppress(ConnectionClosed):
                talker.close()
        running.start()
        with ExitStack() as again:
            back = [again.enter_context(talk(running.websocket_url, token)) for token in tokens]
            judge(join_together(back, code))
            ann_again = again.enter_context(talk(running.websocket_url, login(running, "ann")))
            assert members_of(ann_again, room) == USES


def login(server: ServerProcess, name: str) -> str:
    token: str = call(server.url, "/v1/login", {"name": name, "password": PASSWORD})[1]["token"]
    return token


@pytest.mark.slow
def test_over_several_nodes(tmp_path: Path, postgres: PostgresServer) -> None:
    with (
        ValkeyProcess() as engine,
        postgres.lent_database() as database,
        nodes(tmp_path, 3, engine=engine.url, database=database) as three,
    ):
        ann, room, code = host(three[0])
        with ann, crowd(three) as people:
            judge(join_together(people, code))
            assert members_of(ann, room) == USES
            more = ann.ask("create_invite", room=room, nonce=secrets.token_hex(4), uses=1)["invite"]
            late = [talker for talker in people if talker.ask("invite_info", invite=more)["op"] == "ok"]
            assert len(late) == PEOPLE
