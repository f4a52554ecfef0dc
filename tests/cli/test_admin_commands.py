"""`hubbub admin`, `backup` and `restore` beside a running server."""

from __future__ import annotations

import json
import os
import secrets
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.harness import preloaded
from tests.harness.people import PASSWORD, call, close_code, register, talk
from tests.harness.server import ServerProcess


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    """One server for all tests: each has people of its own."""
    with ServerProcess(tmp_path_factory.mktemp("server") / "data") as running:
        yield running


def users_of(data: Path) -> dict[str, str]:
    """Name to role."""
    lines = hubbub(data, "admin", "users", "list").stdout.splitlines()
    return {line.split("\t")[0]: line.split("\t")[2] for line in lines}


def hubbub(data: Path, *arguments: str, password: str | None = None) -> subprocess.CompletedProcess[str]:
    environment = os.environ | ({"HUBBUB_PASSWORD": password} if password else {})
    return preloaded.run([*arguments, "--data", str(data)], environment)


def test_users_are_listed_and_nobody_is_special(server: ServerProcess) -> None:
    for name in ("first", "second"):
        register(server.url, name)
    users = users_of(server.data)
    assert list(users) == sorted(users)
    assert (users["first"], users["second"]) == ("user", "user")


def test_an_administrator_is_made_and_unmade(server: ServerProcess) -> None:
    register(server.url, "boss")
    for arguments, role in (([], "administrator"), (["--no-longer"], "user")):
        assert hubbub(server.data, "admin", "users", "administrator", "boss", *arguments).returncode == 0
        assert users_of(server.data)["boss"] == role


def test_a_new_password_signs_out_everywhere_within_seconds(server: ServerProcess) -> None:
    _, token = register(server.url, "ada")
    with talk(server.websocket_url, token) as ada:
        ended = hubbub(server.data, "admin", "users", "password", "ada", password="another password")
        assert ended.returncode == 0, ended.stderr
        assert close_code(ada.websocket) == 4500
    status, _ = call(server.url, "/v1/login", {"name": "ada", "password": PASSWORD})
    assert status == 401
    status, _ = call(server.url, "/v1/login", {"name": "ada", "password": "another password"})
    assert status == 200


@pytest.fixture(scope="module")
def careless(server: ServerProcess) -> None:
    register(server.url, "careless")


@pytest.mark.usefixtures("careless")
@pytest.mark.parametrize(
    ("arguments", "password", "words"),
    [
        (["admin", "users", "password", "nobody"], "long enough", "there is no user nobody"),
        (["admin", "users", "show", "nobody"], None, "there is no user nobody"),
        (["admin", "users", "disable", "nobody"], None, "there is no user nobody"),
        (["admin", "users", "delete", "nobody", "--yes"], None, "there is no user nobody"),
        (["admin", "rooms", "show", "nothing"], None, "no such room"),
        (["admin", "rooms", "members", "nothing"], None, "no such room"),
        (["admin", "tokens", "revoke", "s_nothing"], None, "there is no token s_nothing"),
        (["admin", "users", "password", "careless"], "short", "8 to"),
        (["admin", "users", "administrator", "nobody"], None, "no such user"),
    ],
)
def test_what_cannot_be_done_is_one_line(
    server: ServerProcess, arguments: list[str], password: str | None, words: str
) -> None:
    ended = hubbub(server.data, *arguments, password=password)
    assert ended.returncode == 1
    assert len(ended.stderr.splitlines()) == 1
    assert words in ended.stderr


def lines_of(data: Path, *arguments: str) -> list[Any]:
    """What a command says to programs."""
    return [json.loads(line) for line in hubbub(data, "admin", *arguments, "--json").stdout.splitlines()]


def test_users_are_searched_and_shown_for_people_and_for_programs(server: ServerProcess) -> None:
    user, _ = register(server.url, "marie.curie")
    (found,) = lines_of(server.data, "users", "list", "--search", "CURIE")
    assert (found["user"], found["name"], found["devices"], found["disabled_since"]) == (user, "marie.curie", 1, None)
    assert lines_of(server.data, "users", "show", user) == [found]
    assert "name\tmarie.curie" in hubbub(server.data, "admin", "users", "show", "marie.curie").stdout


def test_who_is_disabled_is_out_within_seconds_and_stays_out_until_enabled(server: ServerProcess) -> None:
    _, token = register(server.url, "mallory")
    with talk(server.websocket_url, token) as mallory:
        assert hubbub(server.data, "admin", "users", "disable", "mallory").returncode == 0
        assert close_code(mallory.websocket) == 4500
    body = {"name": "mallory", "password": PASSWORD}
    status, answer = call(server.url, "/v1/login", body)
    assert (status, answer["error"]["code"]) == (403, "forbidden")
    assert users_of(server.data)["mallory"] == "user, disabled"
    assert hubbub(server.data, "admin", "users", "enable", "mallory").returncode == 0
    assert call(server.url, "/v1/me", token=token)[0] == 401, "what has ended stays so"
    assert call(server.url, "/v1/login", body)[0] == 200


def test_a_password_is_made_up_and_printed_alone(server: ServerProcess) -> None:
    register(server.url, "forgetful")
    made = hubbub(server.data, "admin", "users", "password", "forgetful", "--generate").stdout.strip()
    assert call(server.url, "/v1/login", {"name": "forgetful", "password": made})[0] == 200


def test_tokens_are_listed_by_whose_they_are_and_one_is_revoked(server: ServerProcess) -> None:
    _, token = register(server.url, "traveller")
    call(server.url, "/v1/login", {"name": "traveller", "password": PASSWORD, "device": "lost"})
    listed = {one["device"]: one["token"] for one in lines_of(server.data, "tokens", "list", "--user", "traveller")}
    assert set(listed) == {None, "lost"}
    with talk(server.websocket_url, token) as here:
        assert here.welcome["session"] == listed[None]
        assert hubbub(server.data, "admin", "tokens", "revoke", listed[None]).returncode == 0
        assert close_code(here.websocket) == 4500
    assert len(lines_of(server.data, "tokens", "list", "--user", "traveller")) == 1
    assert hubbub(server.data, "admin", "users", "sign-out", "traveller").returncode == 0
    assert lines_of(server.data, "tokens", "list", "--user", "traveller") == []


def test_rooms_and_who_is_in_them(server: ServerProcess) -> None:
    user, token = register(server.url, "host")
    with talk(server.websocket_url, token) as host:
        room = host.ask("create_room", kind="channel", name="parlour", nonce=secrets.token_hex(8))["room"]
    (found,) = lines_of(server.data, "rooms", "list", "--kind", "channel", "--search", "parl")
    assert (found["room"], found["members"]) == (room, 1)
    assert lines_of(server.data, "rooms", "show", "parlour") == lines_of(server.data, "rooms", "show", room) == [found]
    (member,) = lines_of(server.data, "rooms", "members", "parlour")
    assert (member["user"], member["name"], member["role"]) == (user, "host", "owner")


def test_a_room_is_deleted_by_the_server_that_runs_and_whoever_is_there_hears_it(server: ServerProcess) -> None:
    _, token = register(server.url, "tenant")
    with talk(server.websocket_url, token) as tenant:
        room = tenant.ask("create_room", kind="group", name="attic", nonce=secrets.token_hex(8))["room"]
        asked = hubbub(server.data, "admin", "rooms", "delete", room)
        assert (asked.returncode, "attic" in asked.stderr) == (1, True), "nobody has said yes"
        ended = hubbub(server.data, "admin", "rooms", "delete", room, "--reason", "Fire", "--yes", "--wait", "60")
        assert ended.stdout == f"attic ({room}) is deleted\n", ended.stderr
        left = tenant.wait(lambda frame: frame["op"] == "left", 60)
        assert (left["room"], left["reason"], left.get("by")) == (room, "Fire", None)
        assert tenant.ask("history", room=room)["code"] == "no_such_room"
    (end,) = lines_of(server.data, "audit", room)
    assert (end["act"], end["by"], end["reason"]) == ("delete_room", "operator", "Fire")
    assert hubbub(server.data, "admin", "rooms", "delete", room, "--yes").returncode == 1


def test_a_conversation_of_two_is_not_an_operator_s_to_delete(server: ServerProcess) -> None:
    register(server.url, "tete")
    _, token = register(server.url, "a-tete")
    with talk(server.websocket_url, token) as one:
        room = one.ask("create_room", kind="dm", members=["tete"], nonce=secrets.token_hex(8))["room"]
    ended = hubbub(server.data, "admin", "rooms", "delete", room, "--yes")
    assert (ended.returncode, "theirs" in ended.stderr) == (1, True)


def test_who_and_what_is_deleted_while_no_server_runs_the_next_one_sees_to(tmp_path: Path) -> None:
    with ServerProcess(tmp_path / "data") as server:
        _, token = register(server.url, "goner")
        with talk(server.websocket_url, token) as goner:
            for name in ("empty", "condemned"):
                goner.ask("create_room", kind="channel", name=name, nonce=secrets.token_hex(8))
        assert server.stop() == 0
    asked = hubbub(tmp_path / "data", "admin", "users", "delete", "goner")
    assert (asked.returncode, list(users_of(tmp_path / "data"))) == (1, ["goner"]), "nobody has said yes"
    assert hubbub(tmp_path / "data", "admin", "users", "delete", "goner", "--yes").returncode == 0
    assert users_of(tmp_path / "data") == {}
    assert "\tdelete_user\tby operator\tu_" in hubbub(tmp_path / "data", "admin", "audit").stdout
    wished = hubbub(tmp_path / "data", "admin", "rooms", "delete", "condemned", "--yes", "--wait", "0")
    assert "will be deleted when a server starts" in wished.stdout
    assert len(lines_of(tmp_path / "data", "rooms", "list")) == 2
    with ServerProcess(tmp_path / "data") as server:
        end = time.monotonic() + 30
        while lines_of(server.data, "rooms", "members", "empty") or len(lines_of(server.data, "rooms", "list")) > 1:
            assert time.monotonic() < end
        assert call(server.url, "/v1/me", token=token)[0] == 401


def test_registration_closes_and_opens_while_serving(server: ServerProcess) -> None:
    assert hubbub(server.data, "admin", "registration", "close").returncode == 0
    status, answer = call(server.url, "/v1/register", {"name": "newcomer", "password": PASSWORD})
    assert (status, answer["error"]["code"]) == (403, "registration_closed")
    assert hubbub(server.data, "admin", "registration", "open").returncode == 0
    register(server.url, "newcomer")


def test_a_backup_is_made_while_serving_and_put_back_while_not(tmp_path: Path) -> None:
    file = tmp_path / "copy.sqlite3"
    with ServerProcess(tmp_path / "data") as server:
        register(server.url, "early")
        assert hubbub(server.data, "backup", str(file)).returncode == 0
        assert hubbub(server.data, "backup", str(file)).returncode == 1, "nothing is overwritten"
        register(server.url, "late")
        live = hubbub(server.data, "restore", str(file), "--replace")
        assert live.returncode == 3
        assert f"in use by pid {server.process.pid}" in live.stderr
        assert server.stop() == 0
    refused = hubbub(server.data, "restore", str(file))
    assert refused.returncode == 1
    assert "--replace" in refused.stderr
    assert hubbub(server.data, "restore", str(file), "--replace").returncode == 0
    assert list(users_of(server.data)) == ["early"]


def test_without_a_database_there_is_nothing_to_administer(tmp_path: Path) -> None:
    ended = hubbub(tmp_path / "nowhere", "admin", "users", "list")
    assert ended.returncode == 1
    assert "Traceback" not in ended.stderr
    assert not (tmp_path / "nowhere").exists()


def test_migrate_makes_a_database_that_can_be_administered(tmp_path: Path) -> None:
    assert hubbub(tmp_path / "data", "migrate").returncode == 0
    assert hubbub(tmp_path / "data", "admin", "users", "list").returncode == 0
