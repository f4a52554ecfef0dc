"""A new program, and new settings, for workers that people talk on: nobody loses anything by it."""

from __future__ import annotations

import re
import signal
import time
import urllib.request
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from tests.harness.posters import Poster, gather, judge, stored_facts, stored_in_postgres, wait_for
from tests.harness.postgres import PostgresServer
from tests.harness.server import ServerProcess

WORKERS = 3
SECONDS = 30.0
ROLLED = "every worker runs the new program"

PROGRAM = """
from starlette.responses import PlainTextResponse
from server.cli.main import main
from server.http_api import health_calls
health_calls.json_response = lambda *_: PlainTextResponse("version {version}")
if __name__ == "__main__":
    main()
"""


class Workers(ServerProcess):
    """A server of several workers, whose program can be rewritten while it runs."""

    def __init__(self, folder: Path, *options: str, environment: dict[str, str] | None = None) -> None:
        self.file = folder / "program.py"
        self.write(version=1)
        super().__init__(
            folder / "data",
            program=[str(self.file)],
            options=["--workers", str(WORKERS), "--drain", "1", *options],
            environment=environment,
        )

    def write(self, *, version: int) -> None:
        self.file.write_text(PROGRAM.format(version=version))

    def says(self, words: str, times: int = 1) -> None:
        """Wait for it in the log."""
        until(lambda: self.log.read_text().count(words) >= times, words)

    def pids(self) -> dict[int, int]:
        """Of the workers, by number."""
        served = re.findall(r"a worker serves .*worker=(\d+) worker_pid=(\d+)", self.log.read_text())
        return {int(index): int(pid) for index, pid in served}

    def versions(self) -> set[str]:
        """Of whoever answers some connects: all workers, nearly for sure."""
        return {self._version() for _ in range(20 * WORKERS)}

    def _version(self) -> str:
        with urllib.request.urlopen(self.url + "/healthz", timeout=10) as answer:
            text: str = answer.read().decode()
            return text


def until(condition: Callable[[], object], what: str) -> None:
    end = time.monotonic() + SECONDS
    while not condition():
        assert time.monotonic() < end, f"in vain: {what}"
        time.sleep(0.02)


def all_post_on(posters: list[Poster], times: int = 5) -> None:
    """Each of them gets so many more posts acknowledged."""
    wanted = [(poster, poster.acknowledged + times) for poster in posters]
    until(lambda: all(poster.acknowledged >= number for poster, number in wanted), "everybody posts on")


def roll_under_traffic(server: Workers, versions: Sequence[int]) -> list[Poster]:
    """One new program after the other, while people post; those, when everything they have said is answered."""
    with server:
        parent, before = server.process.pid, server.pids()
        posters = gather(server, count=8)
        for poster in posters:
            poster.start()
        assert server.versions() == {"version 1"}
        for version in versions:
            all_post_on(posters)
            server.write(version=version)
            server.process.send_signal(signal.SIGUSR2)
            server.says(ROLLED, version - 1)
            assert server.versions() == {f"version {version}"}
        all_post_on(posters)
        for poster in posters:
            poster.finish()
        assert wait_for(posters, SECONDS) == []
        assert server.process.pid == parent
        assert not set(before.values()) & set(server.pids().values())
        assert server.stop(30) == 0
    return posters


@pytest.mark.slow
def test_an_upgrade_under_traffic_loses_nothing(tmp_path: Path) -> None:
    """Twice, so that the program that took over hands over, too."""
    server = Workers(tmp_path)
    posters = roll_under_traffic(server, (2, 3))
    assert [str(finding) for finding in judge(posters, stored_facts(server.data / "hubbub.sqlite3"))] == []


@pytest.mark.slow
def test_an_upgrade_of_workers_that_share_the_rooms_loses_nothing(tmp_path: Path, postgres: PostgresServer) -> None:
    """Over PostgreSQL each of them owns some, and hands them to the others before it goes."""
    with postgres.lent_database() as database:
        url = database.replace("postgresql://", "postgresql+psycopg://")
        posters = roll_under_traffic(Workers(tmp_path, "--database", url), (2,))
        assert [str(finding) for finding in judge(posters, stored_in_postgres(database))] == []


def test_a_hangup_changes_the_log_level_of_all_workers(tmp_path: Path) -> None:
    file = tmp_path / "hubbub.toml"
    file.write_text('log_level = "warning"')
    server = Workers(tmp_path, "--config", str(file))
    del server._environment["HUBBUB_LOG_LEVEL"]  # it would win over the file
    with server:
        file.write_text('log_level = "loud"')
        server.process.send_signal(signal.SIGHUP)
        server.says("the settings stay as they were")
        file.write_text('log_level = "info"')
        server.process.send_signal(signal.SIGHUP)
        until(
            lambda: set(re.findall(r"settings were read anew .*worker=(\d)", server.log.read_text())) == set("012"),
            "all have heard of it",
        )
