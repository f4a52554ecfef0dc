"""`hubbub admin`, `backup` and `restore` beside a running server."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

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
