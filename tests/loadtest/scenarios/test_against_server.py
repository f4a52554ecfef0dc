"""Every scenario against the real server, in one process and without locust: two hundred people, and a good verdict.

All of them on the same people and the same server, one after the other: what was said in an earlier run is no concern
of a later one.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Iterator

import pytest
from msgspec.structs import replace

from clients.endpoint import Endpoint, endpoint_of
from loadtest.people import People
from loadtest.scenarios.messages import Glance, Options
from loadtest.scenarios.running import run
from loadtest.scenarios.table import SCENARIOS
from server.store.opening import open_store
from server.store.seeding import seed
from tests.harness.server import ServerProcess

COUNT = 200

CHOSEN: dict[str, Options] = {
    "steady": Options(rate=100.0),
    "broadcast": Options(repeats=3),
    "storm": Options(rate=100.0, share=0.5),
    "churn": Options(rate=50.0, churn=40.0, away=0.1),
    "slow": Options(rate=50.0, sip=500.0),
    "ladder": Options(rate=20.0, step=8.0, limit=1e-6),
    "proof": Options(rate=100.0, repeats=2, posts=50),
}


@pytest.fixture(scope="module")
def people() -> People:
    return People.made(COUNT, "all,each:10")


@pytest.fixture(scope="module")
def endpoint(tmp_path_factory: pytest.TempPathFactory, people: People) -> Iterator[Endpoint]:
    data = tmp_path_factory.mktemp("scenarios") / "data"
    with open_store(data) as store:
        seed(store, people, lambda token: hashlib.sha256(token.encode()).digest(), time.time_ns() // 1_000_000)
    with ServerProcess(data) as server:
        yield endpoint_of(server.url)


@pytest.mark.parametrize("name", SCENARIOS)
def test_a_good_server_comes_to_a_good_end(endpoint: Endpoint, people: People, name: str) -> None:
    options = replace(CHOSEN[name], scenario=name, connections=COUNT, seconds=0.5)
    glances: list[Glance] = []
    results = run(people, [endpoint], options, glances.append)
    assert (results.failures, results.verdict.findings, results.verdict.unchecked) == ([], [], [])
    assert results.exit_code == 0
    assert results.verdict.posts > 0
    assert results.verdict.entries_read == results.verdict.posts, "what was said in earlier runs is not read again"
    assert results.phases[0].counts["connects"] == COUNT
    assert glances[0].wanted == COUNT
    assert results.words or name == "slow", "of a calm in which a busy machine saw no post there is nothing to say"
