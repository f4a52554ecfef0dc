"""`hubbub admin seed` as a person meets it, and the people it made as the server meets them."""

from __future__ import annotations

import io
import stat
from contextlib import nullcontext
from pathlib import Path

import pytest
from click.testing import CliRunner
from sqlalchemy import func, select

from loadtest.people import People
from server.cli.exits import Ended, Exit
from server.cli.main import hubbub
from server.cli.seed import _bar
from server.store.arrivals import NO_PASSWORD
from server.store.opening import open_store
from server.store.tables import users
from tests.harness.people import call, register, talk
from tests.harness.postgres import PostgresServer
from tests.harness.server import ServerProcess


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def seeded(*arguments: str) -> str:
    """What it says, on success."""
    result = CliRunner().invoke(hubbub, ["admin", "seed", *arguments], catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result.output


def refused(*arguments: str) -> Ended:
    """How it ends otherwise."""
    with pytest.raises(Ended) as ended:
        CliRunner().invoke(hubbub, ["admin", "seed", *arguments], catch_exceptions=False, standalone_mode=False)
    assert str(ended.value)
    assert "\n" not in str(ended.value)
    return ended.value


def number_of_users(data: str, database: str = "") -> int:
    with open_store(Path(data), database=database) as store, store.reading.begin() as connection:
        return int(connection.execute(select(func.count()).select_from(users)).scalar_one())


def test_it_says_what_it_wrote_and_how_fast() -> None:
    said = seeded("--users", "50", "--people", "p.json", "--data", "d")
    assert said.startswith("50 people, rooms: 6, memberships: 100, in ")
    assert "people a second" in said
    assert "no passwords" in said
    assert stat.S_IMODE(Path("p.json").stat().st_mode) == 0o600
    assert number_of_users("d") == 50


def test_once_more_it_writes_nothing_and_elsewhere_the_same_people() -> None:
    seeded("--users", "50", "--rooms", "all", "--people", "p.json", "--data", "d")
    manifest = Path("p.json").read_bytes()
    assert "were there already" in seeded("--users", "50", "--people", "p.json", "--data", "d")
    assert seeded("--people", "p.json", "--data", "elsewhere").startswith("50 people")
    assert Path("p.json").read_bytes() == manifest


def test_another_number_or_plan_is_no_reason_to_overwrite_a_manifest() -> None:
    seeded("--users", "5", "--people", "p.json", "--data", "d")
    manifest = Path("p.json").read_bytes()
    for other in (["--users", "6"], ["--rooms", "all"]):
        ended = refused("--people", "p.json", "--data", "d", *other)
        assert ended.code is Exit.WRONG_SETTING
        assert "p.json is there, with 5 people in `all,each:10`" in str(ended)
    assert Path("p.json").read_bytes() == manifest


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--rooms", "all"], "how many people?"),
        (["--users", "5", "--rooms", "some"], "--rooms: `some` is no part of a plan"),
        (["--users", "5", "--database", "mysql://x"], "database"),
    ],
)
def test_what_cannot_be_is_one_line_and_nothing_is_made(arguments: list[str], words: str) -> None:
    ended = refused("--people", "p.json", "--data", "d", *arguments)
    assert ended.code is Exit.WRONG_SETTING
    assert words in str(ended)
    assert not Path("p.json").exists()
    assert not Path("d").exists()


def test_a_file_that_is_no_manifest_is_left_as_it_is() -> None:
    Path("notes.txt").write_text("milk")
    assert "no manifest of people" in str(refused("--users", "5", "--people", "notes.txt", "--data", "d"))
    assert Path("notes.txt").read_text() == "milk"


def test_without_a_place_for_the_manifest_nobody_is_made() -> None:
    ended = refused("--users", "5", "--people", "nowhere/p.json", "--data", "d")
    assert "cannot write nowhere/p.json" in str(ended)
    assert number_of_users("d") == 0


@pytest.mark.parametrize("plan", ["all", "rooms:3x1"])
def test_limits_for_joins_that_are_exceeded_are_named(plan: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HUBBUB_MAX_MEMBERS_PER_ROOM", "4")
    monkeypatch.setenv("HUBBUB_MAX_ROOMS_PER_USER", "2")
    said = seeded("--users", "5" if plan == "all" else "1", "--rooms", plan, "--people", "p.json", "--data", "d")
    wanted = "a room has 5 members" if plan == "all" else "people are in 3 rooms"
    assert wanted in said


def test_who_interrupts_it_is_told_how_to_go_on(monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupt(number: int) -> None:
        if number == 40:
            raise KeyboardInterrupt

    with monkeypatch.context() as meanwhile:
        meanwhile.setattr("server.store.seeding._IN_A_TRANSACTION", 20)
        meanwhile.setattr("server.cli.seed._bar", lambda total: nullcontext(interrupt))
        ended = refused("--users", "50", "--people", "p.json", "--data", "d")
    assert str(ended) == "interrupted: 40 of 50 people are there; --people p.json goes on behind them"
    assert seeded("--people", "p.json", "--data", "d").startswith("10 people behind the 40 that were there")


def test_a_bar_grows_where_somebody_looks(monkeypatch: pytest.MonkeyPatch) -> None:
    shown = io.StringIO()
    monkeypatch.setattr(shown, "isatty", lambda: True)
    monkeypatch.setattr("sys.stderr", shown)
    with _bar(200) as told:
        told(150)
    assert "150/200" in shown.getvalue()


def test_people_are_put_into_postgresql(postgres: PostgresServer) -> None:
    url = postgres.empty_database()
    assert seeded("--users", "50", "--people", "p.json", "--database", url).startswith("50 people")
    assert number_of_users("unused", url) == 50
    assert not Path("data").exists()


def test_nothing_is_put_under_a_server_and_afterwards_it_serves_a_room_of_any_size() -> None:
    """More members than may join, on purpose: those who are seeded talk, and nobody else comes in."""
    data, limit = Path("d"), {"HUBBUB_MAX_MEMBERS_PER_ROOM": "40"}
    with ServerProcess(data, environment=limit):
        assert refused("--users", "50", "--people", "p.json", "--data", "d").code is Exit.DATA_DIRECTORY
    assert not Path("p.json").exists()
    seeded("--users", "50", "--rooms", "all,each:5", "--people", "p.json", "--data", "d")
    people = People.read(Path("p.json"))
    with (
        ServerProcess(data, environment=limit) as server,
        talk(server.websocket_url, people.token(7)) as one,
        talk(server.websocket_url, people.token(9)) as other,
    ):
        assert one.welcome["me"]["user"] == people.user(7)
        rooms = {room["room"]: room for room in one.welcome["rooms"]}
        assert rooms.keys() == {people.room(0), people.room(2)}
        assert [room["unread"] for room in rooms.values()] == [0, 0]
        for room in rooms:
            assert one.post(room, f"hello {room}")["op"] == "ok"
            heard = other.wait(lambda frame, room=room: frame["op"] == "message" and frame["room"] == room)
            assert heard["text"] == f"hello {room}"
        _, token = register(server.url, "stranger")
        with talk(server.websocket_url, token) as stranger:
            assert stranger.ask("join", room=people.room(0))["code"] == "limit_reached"
        status, _ = call(server.url, "/v1/login", {"name": people.name(7), "password": NO_PASSWORD})
        assert status == 401
