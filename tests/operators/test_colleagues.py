"""The admin listener of several workers, from outside: one answer for all of them, whoever gives it."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.harness.people import register, talk
from tests.harness.server import ServerProcess
from tests.operators.scrapes import PATIENCE, get, scrape, scrape_when

WORKERS = 3
LAG = "hubbub/operators/lag"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    data = tmp_path_factory.mktemp("colleagues") / "data"
    with ServerProcess(data, options=["--workers", str(WORKERS)]) as running:
        yield running


def pid_of(server: ServerProcess, worker: int) -> int:
    """Of the newest process in this place."""
    return int(re.findall(rf"a worker serves .*worker={worker} worker_pid=(\d+)", server.log.read_text())[-1])


def until(condition: Callable[[], object]) -> None:
    end = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < end, "it did not come to that"
        time.sleep(0.02)


def test_all_are_asked_whether_they_are_ready(server: ServerProcess) -> None:
    assert get(server.admin_url, "/livez")[0] == 200
    assert get(server.admin_url, "/readyz")[:2] == (200, '{"status":"ready"}')


def test_who_is_stopped_is_named_and_left_out(server: ServerProcess) -> None:
    """Whichever of the others answers: the stopped one does not accept."""
    stopped = pid_of(server, 2)
    os.kill(stopped, signal.SIGSTOP)
    try:
        status, text, _ = get(server.admin_url, "/readyz")
        assert (status, json.loads(text)["error"]["message"]) == (503, "worker 2: it does not answer")
        now = scrape(server.admin_url)
        assert [now("hubbub_worker_up", worker=str(worker)) for worker in range(WORKERS)] == [1, 1, 0]
    finally:
        os.kill(stopped, signal.SIGCONT)
    until(lambda: get(server.admin_url, "/readyz")[0] == 200)


def test_a_scrape_is_of_all_workers(server: ServerProcess) -> None:
    before = scrape(server.admin_url)
    assert all(before("process_resident_memory_bytes", worker=str(worker)) for worker in range(WORKERS))
    tokens = [register(server.url, f"person{number}")[1] for number in range(6)]
    talkers = [talk(server.websocket_url, token) for token in tokens]
    try:
        now = scrape_when(server.admin_url, lambda now: now("hubbub_websockets", state="ready") == len(talkers))
    finally:
        for talker in talkers:
            talker.close()
    upgraded = {"outcome": "upgraded", "reason": ""}
    assert now("hubbub_handshakes_total", **upgraded) - before("hubbub_handshakes_total", **upgraded) == len(talkers)


def test_counters_do_not_step_back_when_a_worker_is_replaced(server: ServerProcess) -> None:
    for _ in range(30):
        get(server.url, "/healthz")
    before = scrape(server.admin_url)
    assert before("hubbub_sockets_accepted_total") >= 30
    for worker in range(WORKERS):
        replaced = pid_of(server, worker)
        os.kill(replaced, signal.SIGKILL)
        until(lambda worker=worker, replaced=replaced: pid_of(server, worker) != replaced)
    until(lambda: get(server.admin_url, "/readyz")[0] == 200)
    after = scrape(server.admin_url)
    assert after("hubbub_sockets_accepted_total") >= before("hubbub_sockets_accepted_total")
    assert after("hubbub_scheduler_lag_seconds_count") >= before("hubbub_scheduler_lag_seconds_count")
    assert len(list((server.data / "run").glob("*.admin"))) == WORKERS, "what the killed ones left is taken away"


def test_the_tree_is_that_of_each(server: ServerProcess) -> None:
    _, text, _ = get(server.admin_url, "/tree?most=1")
    assert re.findall(r"^(\d)\.n_[0-9a-f]{8}$", text, re.MULTILINE) == ["0", "1", "2"]
    assert text.count("hubbub: supervisor") == WORKERS


def test_the_top_is_over_all_and_says_where_an_actor_lives(server: ServerProcess) -> None:
    def actors() -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = json.loads(get(server.admin_url, "/top?by=messages&n=100")[1])["actors"]
        return found

    everywhere = set(range(WORKERS))
    until(lambda: {actor["worker"] for actor in actors() if actor["path"] == LAG} == everywhere)
    amounts = [actor["amount"] for actor in actors()]
    assert amounts == sorted(amounts, reverse=True)
    assert len(json.loads(get(server.admin_url, "/top?by=messages&n=2")[1])["actors"]) == 2


def test_a_trace_is_told_by_the_worker_that_has_the_actor(server: ServerProcess) -> None:
    for worker in range(WORKERS):
        status, text, headers = get(server.admin_url, f"/trace?path={LAG}&worker={worker}&seconds=10&most=2")
        assert (status, headers["content-type"]) == (200, "application/x-ndjson")
        *told, last = map(json.loads, text.splitlines())
        assert [line["type"] for line in told] == ["Tick", "Tick"]
        assert last == {"told": 2, "dropped": 0}


def test_what_cannot_be_traced_is_refused_as_ever(server: ServerProcess) -> None:
    assert get(server.admin_url, "/trace?path=hubbub/nowhere")[0] == 404
    assert get(server.admin_url, f"/trace?path={LAG}&worker=9")[0] == 404
    assert get(server.admin_url, f"/trace?path={LAG}", method="HEAD")[0] == 200


def test_only_their_owner_can_reach_the_sockets_between_workers(server: ServerProcess) -> None:
    assert Path(server.data / "run").stat().st_mode & 0o077 == 0


@pytest.mark.parametrize("nonsense", [b"", b"\x00\x00", b"\xff\xff\xff\xff", b"\x00\x00\x00\x01\xc1"])
def test_nonsense_between_workers_disturbs_nobody(server: ServerProcess, nonsense: bytes) -> None:
    for path in (server.data / "run").glob("*.admin"):
        with socket.socket(socket.AF_UNIX) as sock:
            sock.connect(str(path))
            sock.sendall(nonsense)
            sock.shutdown(socket.SHUT_WR)
            sock.settimeout(PATIENCE)
            assert sock.recv(1) == b""
    assert get(server.admin_url, "/readyz")[0] == 200
