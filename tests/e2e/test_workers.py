"""Several workers of one server over SQLite, with a Valkey of their own: one writes, and it, too, may die."""

from __future__ import annotations

import os
import re
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.request import urlopen

import pytest

from server.gateway.gathering import home_of
from server.turns import FEW_SECONDS
from tests.harness.people import call
from tests.harness.posters import Poster, gather, judge, stored_facts, wait_for
from tests.harness.server import ServerProcess

SECONDS = 30.0


@pytest.fixture
def server(data: Path) -> Iterator[ServerProcess]:
    with ServerProcess(data, options=("--workers", "3")) as running:
        yield running


def until(condition: Callable[[], object], what: str) -> None:
    end = time.monotonic() + SECONDS
    while not condition():
        assert time.monotonic() < end, f"in vain: {what}"
        time.sleep(0.02)


def all_post_on(posters: list[Poster], times: int) -> None:
    """Each of them gets so many more posts acknowledged."""
    wanted = [(poster, poster.acknowledged + times) for poster in posters]
    until(lambda: all(poster.acknowledged >= number for poster, number in wanted), "everybody posts on")


def process_of(server: ServerProcess, worker: int) -> int:
    """Of the worker in this place, as it is now."""
    return int(re.findall(rf"a worker serves .* worker={worker} worker_pid=(\d+)", server.log.read_text())[-1])


def engine_of(server: ServerProcess) -> int:
    """The process of the Valkey that the server has started."""
    children = Path(f"/proc/{server.process.pid}/task/{server.process.pid}/children").read_text().split()
    (engine,) = [pid for pid in children if "valkey" in Path(f"/proc/{pid}/comm").read_text()]
    return int(engine)


@pytest.mark.slow
@pytest.mark.parametrize("victim", [0, 1])
def test_a_worker_is_killed_and_all_go_on(server: ServerProcess, data: Path, victim: int) -> None:
    """The first one writes: until another one does, posts wait, or are to be sent again."""
    posters = gather(server, count=9)
    for poster in posters:
        poster.start()
    all_post_on(posters, 5)
    before = process_of(server, victim)
    os.kill(before, signal.SIGKILL)
    until(lambda: process_of(server, victim) != before, "there is another one")
    all_post_on(posters, 5)
    for poster in posters:
        poster.finish()
    assert wait_for(posters, 30) == []
    assert [str(finding) for finding in judge(posters, stored_facts(data / "hubbub.sqlite3"))] == []


def moved(server: ServerProcess, way: str) -> int:
    """How many websockets workers have handed to each other, over all workers."""
    with urlopen(f"{server.admin_url}/metrics", timeout=SECONDS) as answer:
        metrics = answer.read().decode()
    (found,) = re.findall(rf'^hubbub_websockets_moved_total{{way="{way}"}} (\d+)', metrics, re.MULTILINE)
    return int(found)


@pytest.mark.slow
def test_the_worker_where_a_room_is_gathered_is_killed_and_all_go_on(server: ServerProcess, data: Path) -> None:
    """Whoever came to another one was handed over, and finds a place elsewhere as long as that one is away."""
    posters = gather(server, count=9)
    before = moved(server, "arrived")
    for poster in posters:
        poster.start()
        time.sleep(3 * FEW_SECONDS)  # then each is let in by the next worker; together, all might be by the home itself
    all_post_on(posters, 5)
    until(lambda: moved(server, "arrived") == moved(server, "handed_over") > before, "those on the way have arrived")
    home = home_of(posters[0].room, 3)
    old = process_of(server, home)
    os.kill(old, signal.SIGKILL)
    until(lambda: process_of(server, home) != old, "there is another one")
    all_post_on(posters, 5)
    for poster in posters:
        poster.finish()
    assert wait_for(posters, 30) == []
    assert [str(finding) for finding in judge(posters, stored_facts(data / "hubbub.sqlite3"))] == []


@pytest.mark.slow
def test_the_engine_of_the_workers_is_killed_and_all_go_on(server: ServerProcess, data: Path) -> None:
    posters = gather(server, count=6)
    for poster in posters:
        poster.start()
    all_post_on(posters, 5)
    os.kill(engine_of(server), signal.SIGKILL)
    all_post_on(posters, 10)
    for poster in posters:
        poster.finish()
    assert wait_for(posters, 30) == []
    assert [str(finding) for finding in judge(posters, stored_facts(data / "hubbub.sqlite3"))] == []
    until(lambda: call(server.url, "/readyz")[0] == 200, "whoever is asked, wants traffic again")
