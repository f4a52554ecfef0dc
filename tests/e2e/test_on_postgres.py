"""The server on a real PostgreSQL: either is killed while people post, and nothing acknowledged is lost or doubled."""

from __future__ import annotations

import time
from pathlib import Path

from tests.harness.people import call, register
from tests.harness.posters import Poster, gather, judge, stored_in_postgres, wait_for
from tests.harness.postgres import PostgresProcess, PostgresServer
from tests.harness.server import ServerProcess

SECONDS = 30.0


def all_post_on(posters: list[Poster], times: int) -> None:
    """Each of them gets so many more posts acknowledged."""
    wanted = [(poster, poster.acknowledged + times) for poster in posters]
    end = time.monotonic() + SECONDS
    while not all(poster.acknowledged >= number for poster, number in wanted):
        assert time.monotonic() < end, "in vain: everybody posts on"
        time.sleep(0.02)


def findings(posters: list[Poster], database: str) -> list[str]:
    for poster in posters:
        poster.finish()
    assert wait_for(posters, SECONDS) == []
    return [str(finding) for finding in judge(posters, stored_in_postgres(database))]


def test_a_server_that_is_killed_goes_on_where_it_was(data: Path, postgres: PostgresServer) -> None:
    database = postgres.database()
    with ServerProcess(data, database=database) as server:
        posters = gather(server, count=6)
        for poster in posters:
            poster.start()
        for _ in range(2):
            all_post_on(posters, 5)
            server.kill()
            server.start()
        assert findings(posters, database) == []
        assert server.stop() == 0


def test_while_the_database_is_away_people_wait_and_then_it_goes_on(data: Path, own_postgres: PostgresProcess) -> None:
    with ServerProcess(data, database=own_postgres.url) as server:
        posters = gather(server, count=6)
        for poster in posters:
            poster.start()
        for _ in range(2):
            all_post_on(posters, 5)
            own_postgres.kill()
            own_postgres.start()
        assert findings(posters, own_postgres.url) == []
        assert server.stop() == 0
    assert "Traceback" not in server.log.read_text()


def test_without_its_database_a_server_wants_no_traffic(data: Path, own_postgres: PostgresProcess) -> None:
    with ServerProcess(data, database=own_postgres.url) as server:
        register(server.url, "ann")
        assert call(server.url, "/readyz")[0] == 200
        own_postgres.stop()
        assert call(server.url, "/readyz")[0] == 503
        own_postgres.start()
        end = time.monotonic() + SECONDS
        while call(server.url, "/readyz")[0] != 200:
            assert time.monotonic() < end
            time.sleep(0.05)
        assert register(server.url, "bob")


def test_no_log_has_the_password(data: Path, own_postgres: PostgresProcess) -> None:
    with ServerProcess(data, database=own_postgres.url.replace("hubbub@", "hubbub:secret@")) as server:
        own_postgres.stop()
        assert call(server.url, "/readyz")[0] == 503
        server.stop()
    assert "secret" not in server.log.read_text()
