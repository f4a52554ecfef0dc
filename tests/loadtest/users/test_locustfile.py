"""Scenarios by locust, against a real server: what comes out, how it ends, and what it says of a wrong setting."""

from __future__ import annotations

import os
import signal
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.harness.locusts import CHAT, PLAY, Locust, populate
from tests.harness.server import ServerProcess

PEOPLE = 60


class Place(NamedTuple):
    """A server, its people, and where to write."""

    server: ServerProcess
    people: Path

    def options(self, *more: str) -> tuple[str, ...]:
        return ("--host", self.server.url, "--people", str(self.people), *more)

    def play(self, journal: Path, scenario: str, *more: str) -> Locust:
        """What is not said here comes from the environment."""
        chosen = {"HUBBUB_LOAD_SCENARIO": scenario, "HUBBUB_LOAD_CONNECTIONS": str(PEOPLE)}
        return Locust(PLAY, *self.options(*more), journal=journal, environment=chosen)


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    data = tmp_path_factory.mktemp("load") / "data"
    people = populate(data, PEOPLE, "all,each:10")
    with ServerProcess(data) as server:
        yield Place(server, people)


def test_two_processes_play_together_and_the_verdict_is_the_exit_code(place: Place, tmp_path: Path) -> None:
    with place.play(tmp_path / "journal", "broadcast", "--repeats", "2", "--processes", "2") as locust:
        code, output = locust.ended()
        assert code == 0, output
        *glances, last = locust.lines()
    assert {"phase", "wanted", "connected", "posted", "delivered"} <= glances[0].keys()
    results = last["results"]
    assert (results["players"], results["failures"]) == (2, [])
    assert results["verdict"]["posts"] == 2
    assert results["verdict"]["findings"] == results["verdict"]["unchecked"] == []
    assert sum(phase["counts"]["delivered"] for phase in results["phases"]) == 2 * PEOPLE


def test_what_the_crowd_saw_is_in_locusts_own_tables_too(place: Place, tmp_path: Path) -> None:
    """Locust waits half a second for its workers' last figures, and on a busy machine goes without. What they told
    before, every three seconds, it has: so this run is longer than that."""
    steady = ("--seconds", "10", "--rate", "20", "--processes", "2")
    with place.play(tmp_path / "journal", "steady", *steady) as locust:
        code, output = locust.ended()
    assert code == 0, output
    assert "CROWD    post to seen" in output


def test_a_master_whose_port_is_taken_says_so_and_leaves_nobody_waiting(place: Place, tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        ports = ("--master-bind-host", "127.0.0.1", "--master-bind-port", port, "--master-port", port)
        with place.play(tmp_path / "journal", "broadcast", "--processes", "2", *ports) as locust:
            code, output = locust.ended()
    assert code == 1, output
    assert f"port (127.0.0.1:{port}) was busy" in output
    assert "Traceback" not in output


@pytest.mark.parametrize(
    ("how", "processes"),
    [(signal.SIGINT, ()), (signal.SIGINT, ("--processes", "2")), (signal.SIGTERM, ("--processes", "2"))],
    ids=["Ctrl-C", "Ctrl-C of two", "SIGTERM of two"],
)
def test_whoever_stops_it_still_gets_a_verdict(
    place: Place, tmp_path: Path, how: signal.Signals, processes: tuple[str, ...]
) -> None:
    with place.play(tmp_path / "journal", "steady", "--seconds", "600", "--rate", "40", *processes) as locust:
        locust.wait(lambda glance: glance["acknowledged"] >= 5)
        if how is signal.SIGINT:
            os.killpg(locust.process.pid, how)  # as a terminal does
        else:
            locust.process.send_signal(how)
        code, output = locust.ended()
        results = locust.lines()[-1]["results"]
    assert code == 1, output
    assert [failure.partition(" in ")[0] for failure in results["failures"]] == ["stopped"]
    assert results["verdict"]["posts"] >= 5
    assert results["verdict"]["findings"] == results["verdict"]["unchecked"] == []


def test_a_process_that_dies_fails_the_run_by_name(place: Place, tmp_path: Path) -> None:
    with place.play(tmp_path / "journal", "broadcast", "--repeats", "1000", "--processes", "2") as locust:
        locust.wait(lambda glance: glance["acknowledged"] >= 1)
        os.kill(locust.workers()[0], signal.SIGKILL)
        code, output = locust.ended(90)
        results = locust.lines()[-1]["results"]
    assert code == 1, output
    assert any("was lost: it died" in failure for failure in results["failures"]), results["failures"]
    assert results["verdict"]["unchecked"] == ["1 of 2 processes did not tell what they saw"]


@pytest.mark.parametrize(
    ("wrong", "complaint"),
    [
        (("--share", "1.5"), "--share"),
        (("--connections", "61"), "--connections 61:"),
        (("--people", "nobody.json"), "nobody.json: No such file"),
        (("--host", "ftp://x"), "the scheme must be http"),
        (("--connections", "60", "--journal", "/nowhere/at/all"), "--journal /nowhere/at/all"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_wrong_setting_is_one_line_and_exit_code_2(place: Place, wrong: tuple[str, ...], complaint: str) -> None:
    with Locust(PLAY, *place.options(*wrong)) as locust:
        code, output = locust.ended()
    assert code == 2
    assert [complaint in line for line in output.splitlines() if "INFO" not in line] == [True], output


@pytest.mark.parametrize("processes", [(), ("--processes", "2")], ids=["alone", "with workers"])
def test_people_with_think_times_are_checked_in_the_end(place: Place, processes: tuple[str, ...]) -> None:
    options = ("-u", "20", "-r", "20", "-t", "3s", "--pace", "40", *processes)
    with Locust(CHAT, *place.options(*options)) as locust:
        code, output = locust.ended()
    assert code == 0, output
    for name in ("connect", "hello", "history", "post to ack", "post to seen", "read"):
        assert f"CHAT {name} " in output
    assert "entries of" in output
    assert "0 broken promises" in output
    assert "checked: 0 posts" not in output
