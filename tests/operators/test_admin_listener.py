"""The admin listener from outside: what it answers beside a server that people talk on, and who it does not answer."""

from __future__ import annotations

import json
import re
import signal
import socket
import threading
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families as parsed

from server.metrics.exposition import TEXT
from tests.harness.people import Talker, call, close_code, open_websocket, register, talk
from tests.harness.server import ServerProcess
from tests.operators.scrapes import PATIENCE, Scrape, get, scrape, scrape_when

OPERATIONS = (Path(__file__).parents[2] / "docs" / "operations.md").read_text()
ADMIN_PATHS = ("/livez", "/metrics", "/tree", "/top", "/trace?path=hubbub/operators/lag")
SECRET = "what nobody but the two of us may read"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    data = tmp_path_factory.mktemp("operators") / "data"
    with ServerProcess(data, program=["-m", "tests.harness.brittle_server"]) as running:
        yield running


@pytest.fixture
def person(server: ServerProcess) -> Iterator[Callable[[], Talker]]:
    talkers: list[Talker] = []

    def arrive() -> Talker:
        _, token = register(server.url, f"p{time.monotonic_ns()}")
        talkers.append(talk(server.websocket_url, token))
        return talkers[-1]

    yield arrive
    for talker in talkers:
        talker.close()


def two_in_a_room(person: Callable[[], Talker]) -> tuple[Talker, Talker, str]:
    ann, bob = person(), person()
    name = bob.welcome["me"]["name"]
    room = ann.ask("create_room", kind="group", name="Two", members=[name], nonce="n")["room"]
    bob.wait(lambda frame: frame["op"] in {"joined", "room"} or frame.get("room") == room)
    return ann, bob, room


# --- health ------------------------------------------------------------------------------------------------------


def test_it_says_that_the_server_lives_and_is_ready(server: ServerProcess) -> None:
    assert get(server.admin_url, "/livez")[0] == 200
    assert get(server.admin_url, "/readyz")[0] == 200


def test_a_stop_can_be_watched(tmp_path: Path) -> None:
    """A client that does not answer the close frame holds up the stop; meanwhile the server is alive and not ready."""
    with ServerProcess(tmp_path / "data") as server:
        with socket.create_connection(server.address, timeout=PATIENCE) as mute:
            mute.sendall(
                b"GET /v1/ws HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
            )
            assert mute.recv(1_000).startswith(b"HTTP/1.1 101 ")
            admin = server.admin_url
            server.process.send_signal(signal.SIGTERM)
            end = time.monotonic() + PATIENCE
            while get(admin, "/readyz")[0] == 200 and time.monotonic() < end:
                time.sleep(0.01)
            assert get(admin, "/readyz")[0] == 503
            assert get(admin, "/livez")[0] == 200
        assert server.process.wait(PATIENCE) == 0


# --- metrics -----------------------------------------------------------------------------------------------------


def test_a_scrape_is_what_both_formats_ask_for(server: ServerProcess) -> None:
    status, text, headers = get(server.admin_url, "/metrics")
    assert (status, headers["content-type"]) == (200, TEXT)
    families = {family.name: family.type for family in parsed(text)}
    assert families == scrape(server.admin_url).kinds


def test_every_metric_is_explained_to_operators_and_nothing_else_is(server: ServerProcess) -> None:
    of_any_process = OPERATIONS.split("## Several nodes")[0]
    rows = re.findall(r"^\| (`(?:hubbub|process)_[^|]*) \|", of_any_process, re.MULTILINE)
    explained = [name for row in rows for name in re.findall(r"`(\w+)`", row)]
    assert set(explained) == scrape(server.admin_url).names
    assert len(explained) == len(set(explained))


def test_numbers_move_as_people_come_talk_and_go(server: ServerProcess, person: Callable[[], Talker]) -> None:
    def is_quiet(now: Scrape) -> bool:
        return not any(now("hubbub_websockets", state=state) for state in ("opening", "ready", "closing"))

    before = scrape_when(server.admin_url, is_quiet)
    ann, bob, room = two_in_a_room(person)
    for number in range(5):
        ann.post(room, f"line {number}")
    bob.wait(lambda frame: frame.get("text") == "line 4")
    now = scrape_when(server.admin_url, lambda now: now("hubbub_websockets", state="ready") == 2)

    def grown(name: str, **labels: str) -> float:
        return now(name, **labels) - before(name, **labels)

    assert grown("hubbub_handshakes_total", outcome="upgraded", reason="") == 2
    assert grown("hubbub_handshakes_total", outcome="http", reason="") == 2, "two signed up"
    assert grown("hubbub_sockets_accepted_total") == 4
    assert grown("hubbub_messages_total") == 5
    assert grown("hubbub_deliveries_total") >= 10, "five lines to two sessions"
    assert 5 <= grown("hubbub_events_encoded_total") <= 40
    assert 5 <= grown("hubbub_commit_seconds_count") <= grown("hubbub_commit_changes_sum")
    assert grown("hubbub_inbox_taken_total", inbox="hashing") == 2
    assert grown("hubbub_reader_portion_questions_sum") >= 2
    assert now("hubbub_actors", kind="connections") == now("hubbub_actors", kind="sessions") == 2
    assert now("process_open_fds") > 10
    assert now("process_resident_memory_bytes") > 10_000_000

    bob.close()
    after = scrape_when(server.admin_url, lambda after: after("hubbub_websockets", state="ready") == 1)
    closed = {"by": "client", "code": "1000"}
    assert after("hubbub_closes_total", **closed) - now("hubbub_closes_total", **closed) == 1


def test_who_is_refused_and_who_is_closed_is_counted_by_its_reason(
    server: ServerProcess, person: Callable[[], Talker]
) -> None:
    before = scrape(server.admin_url)
    with pytest.raises(Exception, match="401"):
        open_websocket(server.websocket_url, additional_headers={"Authorization": "Bearer no-token"})
    rude = person().websocket
    rude.send("this is no command")
    assert close_code(rude) == 4502
    inventive = person().websocket
    inventive.close(code=4999)
    with socket.create_connection(server.address, timeout=PATIENCE) as torn:
        torn.sendall(b"\x16\x03\x01 this is no HTTP\r\n\r\n")
        assert b" 400 " in torn.recv(1_000)

    def grown(now: Scrape, name: str, **labels: str) -> float:
        return now(name, **labels) - before(name, **labels)

    scrape_when(
        server.admin_url,
        lambda now: (
            grown(now, "hubbub_handshakes_total", outcome="refused", reason="bad_token") == 1
            and grown(now, "hubbub_handshakes_total", outcome="refused", reason="torn") == 1
            and grown(now, "hubbub_closes_total", by="server", code="4502") == 1
            and grown(now, "hubbub_closes_total", by="client", code="other") == 1
        ),
    )


def test_a_crash_is_counted_where_it_happened(server: ServerProcess, person: Callable[[], Talker]) -> None:
    before = scrape(server.admin_url)
    ann, bob, room = two_in_a_room(person)
    assert ann.post(room, "crash")["code"] == "unavailable"
    now = scrape(server.admin_url)
    for name in ("hubbub_actor_crashes_total", "hubbub_actor_restarts_total"):
        assert now(name, kind="rooms") - before(name, kind="rooms") == 1
        assert now(name, kind="sessions") == before(name, kind="sessions")
    end = time.monotonic() + PATIENCE
    while bob.post(room, "is all well again?", nonce="the same")["op"] != "ok":
        assert time.monotonic() < end


def test_looking_often_disturbs_nobody(server: ServerProcess, person: Callable[[], Talker]) -> None:
    ann, bob, room = two_in_a_room(person)
    before = scrape(server.admin_url)
    found: list[Scrape] = []
    readers = [threading.Thread(target=lambda: found.append(scrape(server.admin_url))) for _ in range(10)]
    for number, reader in enumerate(readers):
        reader.start()
        assert ann.post(room, f"while {number} look")["op"] == "ok"
    for reader in readers:
        reader.join(PATIENCE)
    assert len(found) == 10
    for number in range(10):
        assert bob.wait(lambda frame, number=number: frame.get("text") == f"while {number} look")  # type: ignore[misc]
    after = scrape(server.admin_url)
    assert after("hubbub_messages_total") - before("hubbub_messages_total") == 10
    for (name, labels), value in after.values.items():
        if "crashes" in name or "restarts" in name:
            assert value == before(name, **dict(labels)), name
    assert after("hubbub_actors", kind="connections") == before("hubbub_actors", kind="connections")


# --- the tree, the top, and traces -------------------------------------------------------------------------------


def test_the_tree_and_the_top_name_who_is_there(server: ServerProcess, person: Callable[[], Talker]) -> None:
    ann, _bob, room = two_in_a_room(person)
    for number in range(20):
        ann.post(room, f"{number}")
    tree = get(server.admin_url, "/tree")[1]
    assert "rooms: dynamic, running" in tree
    assert "admin: task, running" in tree
    assert "RoomActor" in get(server.admin_url, "/tree?most=1000")[1]
    assert "RoomActor" not in get(server.admin_url, "/tree?most=0")[1]
    top = json.loads(get(server.admin_url, "/top?by=messages&n=1000")[1])
    amounts = {actor["path"]: actor["amount"] for actor in top["actors"]}
    assert amounts[f"hubbub/rooms/{room}"] >= 20
    assert list(amounts.values()) == sorted(amounts.values(), reverse=True)
    assert len(json.loads(get(server.admin_url, "/top?by=messages&n=2")[1])["actors"]) == 2
    assert json.loads(get(server.admin_url, "/top?by=mailbox")[1])["by"] == "mailbox"


def test_a_trace_shows_what_an_actor_is_told_but_not_what_was_said(
    server: ServerProcess, person: Callable[[], Talker]
) -> None:
    ann, _bob, room = two_in_a_room(person)
    path = f"/trace?path=hubbub/rooms/{room}&seconds=60"
    with urllib.request.urlopen(server.admin_url + f"{path}&most=8", timeout=PATIENCE) as lines:
        assert get(server.admin_url, path)[0] == 409, "one trace at a time"
        for _ in range(8):
            ann.post(room, SECRET)
        text = lines.read().decode()
    shown = [json.loads(line) for line in text.splitlines()]
    assert shown[-1] == {"told": 8, "dropped": 0}
    posted = next(line for line in shown if line["type"] == "Request")
    assert (posted["command"], posted["room"]) == ("Post", room)
    assert any(line["type"] == "Outcomes" for line in shown[:-1])
    assert SECRET not in text
    assert ann.welcome["me"]["name"] not in text


def test_the_trace_of_a_connection_shows_bytes_and_events_by_their_size(
    server: ServerProcess, person: Callable[[], Talker]
) -> None:
    ann, _bob, room = two_in_a_room(person)
    for _ in range(50):
        ann.post(room, "so that nobody has handled as much")
    top = json.loads(get(server.admin_url, "/top?by=messages&n=100")[1])
    connection = next(actor["path"] for actor in top["actors"] if "/connections/" in actor["path"])
    with urllib.request.urlopen(f"{server.admin_url}/trace?path={connection}&most=6", timeout=PATIENCE) as lines:
        for _ in range(6):
            ann.post(room, SECRET)
        text = lines.read().decode()
    shown = [json.loads(line) for line in text.splitlines()]
    assert any(line["type"] == "bytes" and line["size"] > len(SECRET) for line in shown)
    assert any(line.get("events") == ["MessageEntry"] and line["room"] == room for line in shown)
    assert SECRET not in text


def test_a_trace_ends_when_its_reader_leaves_although_nothing_is_to_be_told(
    server: ServerProcess, person: Callable[[], Talker]
) -> None:
    _ann, _bob, room = two_in_a_room(person)
    path = f"/trace?path=hubbub/rooms/{room}&seconds=300"

    def begins() -> bool:
        with socket.create_connection(server.admin_address, timeout=PATIENCE) as reader:
            reader.sendall(f"GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
            return reader.recv(1_000).startswith(b"HTTP/1.1 200 ")

    assert begins()
    end = time.monotonic() + PATIENCE
    while not begins():
        assert time.monotonic() < end


# --- who is not answered -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", ADMIN_PATHS)
def test_the_public_port_knows_nothing_of_it(server: ServerProcess, path: str) -> None:
    assert get(server.url, path)[0] == 404


@pytest.mark.parametrize("path", ["/", "/v1/ws", "/v1/rooms", "/healthz", "/state?path=hubbub/rooms", "/metrics/"])
def test_it_answers_operators_and_nobody_else(server: ServerProcess, path: str) -> None:
    upgrade = {"Upgrade": "websocket", "Connection": "Upgrade", "Sec-WebSocket-Version": "13"}
    assert get(server.admin_url, path, headers=upgrade)[0] == 404


@pytest.mark.parametrize(
    "path",
    [
        "/metrics?name=x",
        "/tree?most=-1",
        "/tree?most=1001",
        "/tree?most=all",
        "/top?by=beauty",
        "/top?n=0",
        "/top?n=1.5",
        "/top?m=1",
        "/trace",
        "/trace?path=hubbub/operators/lag&seconds=0",
        "/trace?path=hubbub/operators/lag&seconds=nan",
        "/trace?path=hubbub/operators/lag&seconds=301",
        "/trace?path=hubbub/operators/lag&most=0",
    ],
)
def test_wrong_parameters_are_named(server: ServerProcess, path: str) -> None:
    status, text, _ = get(server.admin_url, path)
    assert (status, json.loads(text)["error"]["code"]) == (400, "bad_request")


@pytest.mark.parametrize("path", ["hubbub", "hubbub/store/writer", "hubbub/rooms/r_none", "%00", "../etc"])
def test_what_is_no_actor_cannot_be_traced(server: ServerProcess, path: str) -> None:
    assert get(server.admin_url, f"/trace?path={path}")[0] == 404


@pytest.mark.parametrize("path", ADMIN_PATHS)
def test_asking_is_all_there_is(server: ServerProcess, path: str) -> None:
    for method in ("POST", "PUT", "DELETE"):
        status, _, headers = get(server.admin_url, path, method=method)
        assert status == 405
        assert set(headers["allow"].split(", ")) == {"GET", "HEAD"}
    assert get(server.admin_url, path, method="HEAD")[:2] == (200, "")


def test_a_page_whose_name_leads_here_is_not_answered(server: ServerProcess) -> None:
    port = server.admin_url.rpartition(":")[2]
    assert get(server.admin_url, "/metrics", headers={"Host": f"evil.example:{port}"})[0] == 421
    for name in (f"localhost:{port}", f"127.0.0.1:{port}", "LOCALHOST", f"[::1]:{port}"):
        assert get(server.admin_url, "/livez", headers={"Host": name})[0] == 200


# --- settings ----------------------------------------------------------------------------------------------------


def test_a_second_server_on_the_same_admin_port_serves_and_says_what_it_lacks(
    server: ServerProcess, tmp_path: Path
) -> None:
    port = server.admin_url.rpartition(":")[2]
    with ServerProcess(tmp_path / "data", environment={"HUBBUB_ADMIN_PORT": port}) as second:
        assert call(second.url, "/readyz")[0] == 200
        log = second.log.read_text()
        assert "no admin listener" in log
        assert f"port {port}" in log


def test_it_can_be_switched_off(tmp_path: Path) -> None:
    with ServerProcess(tmp_path / "data", environment={"HUBBUB_ADMIN": "false"}) as server:
        assert call(server.url, "/readyz")[0] == 200
        assert "admin=http" not in server.log.read_text()


def test_who_opens_it_to_others_is_warned(tmp_path: Path) -> None:
    with ServerProcess(tmp_path / "data", environment={"HUBBUB_ADMIN_HOST": "0.0.0.0"}) as server:
        assert "others can reach it" in server.log.read_text()
        assert get(server.admin_url, "/livez", headers={"Host": "chat.internal"})[0] == 200


def test_it_lets_operators_in_when_the_server_is_full(tmp_path: Path) -> None:
    with (
        ServerProcess(tmp_path / "data", environment={"HUBBUB_MAX_CONNECTIONS": "1"}) as server,
        open_websocket(server.websocket_url),
    ):
        assert call(server.url, "/readyz")[0] == 503
        now = scrape(server.admin_url)
        assert now("hubbub_handshakes_total", outcome="refused", reason="full") == 1
        assert now("hubbub_websockets", state="opening") == 1
