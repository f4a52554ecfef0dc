"""`hubbub prove` as a person starts it: small and whole, and with what goes wrong on the way."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from loadtest.people import People
from loadtest.prove.processes import Process, descendants, table
from loadtest.prove.results import Report, read
from loadtest.prove.sampling import HARNESS, SERVER
from tests.harness.server import ServerProcess

SMALL = ("--hold", "1", "--", "--posts", "20", "--repeats", "1")
LONG = ("--hold", "120")


class Proving:
    """A `hubbub prove` that runs.

    Parameters
    ----------
    folder
        For its report, and for its temporary files.
    """

    def __init__(self, folder: Path, *arguments: str) -> None:
        self.report = folder / "report"
        self.temporary = folder / "temporary"
        self.temporary.mkdir()
        clean = {name: value for name, value in os.environ.items() if not name.startswith("HUBBUB_")}
        self.process = subprocess.Popen(
            [sys.executable, "-m", "server", "prove", "--connections", "100", "--report", str(self.report), *arguments],
            env=clean | {"TMPDIR": str(self.temporary), "MPLBACKEND": "nonsense"},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        self.family: set[Process] = set()

    def look(self) -> list[Process]:
        """All it has started, and has not ended."""
        now = descendants(self.process.pid, table())
        self.family.update(now)
        return now

    def until(self, holds: Callable[[], bool], seconds: float = 60.0) -> None:
        end = time.monotonic() + seconds
        while not holds():
            self.look()
            assert self.process.poll() is None, self.process.communicate()[0]
            assert time.monotonic() < end, "in vain"
            time.sleep(0.05)

    def plays(self) -> bool:
        """Whether everybody is connected."""
        journals = list(self.temporary.glob("hubbub-prove-*/journal.jsonl"))
        return bool(journals) and b'"phase":"hold"' in journals[0].read_bytes()

    def loads(self) -> bool:
        """Whether the server is there, and locust begins."""
        return bool(list(self.temporary.glob("hubbub-prove-*/locust.log")))

    def server(self) -> int:
        """The process id that the server names in its log."""
        (log,) = self.temporary.glob("hubbub-prove-*/the-server.log")
        found = re.search(r" pid=(\d+)", log.read_text())
        assert found is not None
        return int(found[1])

    def end(self, seconds: float = 120.0) -> str:
        """All it said, once it has ended."""
        end = time.monotonic() + seconds
        while self.process.poll() is None and time.monotonic() < end:
            self.look()
            time.sleep(0.1)
        return self.process.communicate(timeout=10)[0]

    def left(self) -> list[Process]:
        """What is still there of all that was seen."""
        now = table()
        return [one for one in self.family if one.pid in now and now[one.pid][1] == one]


@pytest.fixture
def prove(tmp_path: Path) -> Iterator[Callable[..., Proving]]:
    started: list[Proving] = []

    def start(*arguments: str) -> Proving:
        started.append(Proving(tmp_path, *arguments))
        return started[-1]

    yield start
    for proving in started:
        proving.process.kill()
        proving.process.communicate(timeout=10)
        for process in proving.left():
            os.kill(process.pid, signal.SIGKILL)


def read_report(proving: Proving) -> Report:
    return read(proving.report / "results.json")


@pytest.mark.slow
def test_a_small_proof_is_complete_and_leaves_nothing_behind(prove: Callable[..., Proving]) -> None:
    proving = prove(*SMALL)
    said = proving.end()
    assert proving.process.returncode == 0, said
    assert proving.left() == []
    assert list(proving.temporary.iterdir()) == []
    for words in ("time expected", "HUBBUB_MAX_CONNECTIONS", "connected", "nothing lost", "proved"):
        assert words in said
    report = read_report(proving)
    assert report.outcome == "proved"
    assert report.results is not None
    assert [phase.name for phase in report.results.phases][:3] == ["come", "hold", "small rooms"]
    assert report.results.verdict.posts >= 21
    assert report.memory is not None
    assert report.memory.connections == 100
    assert report.connections_by_worker.keys() == {"0"}
    assert {SERVER, HARNESS} <= report.samples[-1].groups.keys()
    assert report.surroundings.busy_others is not None
    assert report.seeded is not None
    assert report.kernel_settings
    assert all(claim.met for claim in report.claims if claim.decides)
    page = (proving.report / "index.html").read_text()
    assert "http:" not in page
    assert {file.name for file in proving.report.iterdir()} >= {"connected.png", "storm.png", "broadcast.png"}


@pytest.mark.slow
def test_a_server_that_is_killed_is_named_and_nothing_stays(prove: Callable[..., Proving]) -> None:
    proving = prove(*LONG)
    proving.until(proving.plays)
    os.kill(proving.server(), signal.SIGKILL)
    said = proving.end()
    assert proving.process.returncode == 1, said
    assert "the server ended before it was told to: SIGKILL" in said
    assert proving.left() == []
    assert list(proving.temporary.iterdir()) == []
    report = read_report(proving)
    assert report.outcome == "broken off"
    assert report.glances
    assert "SIGKILL" in (proving.report / "index.html").read_text()


def test_who_breaks_it_off_on_the_way_finds_nothing_left(prove: Callable[..., Proving]) -> None:
    proving = prove(*LONG)
    proving.until(proving.loads)
    proving.process.send_signal(signal.SIGINT)
    said = proving.end(30)
    assert proving.process.returncode == 1
    assert "it was broken off by SIGINT" in said
    assert len(proving.family) >= 3
    assert proving.left() == []
    assert list(proving.temporary.iterdir()) == []
    assert read_report(proving).outcome == "broken off"


@pytest.mark.slow
def test_a_server_that_is_there_is_left_as_it_was(prove: Callable[..., Proving], tmp_path: Path) -> None:
    people, data = str(tmp_path / "people.json"), tmp_path / "data"
    seeding = [sys.executable, "-m", "server", "admin", "seed", "--users", "100", "--rooms", "all,each:10"]
    subprocess.run([*seeding, "--people", people, "--data", str(data)], check=True, capture_output=True, timeout=60)
    with ServerProcess(data) as server:
        proving = prove("--server", server.url, "--people", people, *SMALL)
        said = proving.end()
        assert proving.process.returncode == 0, said
        assert server.process.poll() is None
    report = read_report(proving)
    assert report.target == server.url
    assert report.samples[-1].groups.keys() == {HARNESS}
    assert report.memory is not None
    assert report.memory.server_unique is None
    assert any("started by somebody else" in note for note in report.notes)
    assert proving.left() == []


def refused(*arguments: str) -> str:
    """What is said by a run that does not begin."""
    command = [sys.executable, "-m", "server", "prove", *arguments]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert ended.returncode == 2, ended.stderr
    assert "Traceback" not in ended.stderr
    return ended.stderr


def test_what_the_machine_does_not_allow_is_refused_with_the_command(tmp_path: Path) -> None:
    said = refused("--connections", "60000", "--players", "1", "--report", str(tmp_path / "report"))
    assert "open files of a locust process: 60,500 needed" in said
    assert "sudo prlimit --pid $$ --nofile=61000:61000" in said
    assert not (tmp_path / "report").exists()


def test_a_server_goes_with_its_people() -> None:
    assert "--server and --people go together" in refused("--server", "http://127.0.0.1:1")


def test_a_server_that_is_not_there_is_said_before_anything_begins(tmp_path: Path) -> None:
    People.made(10, "all").write(tmp_path / "people.json")
    given = ("--server", "http://127.0.0.1:1", "--people", str(tmp_path / "people.json"))
    assert "Connection refused" in refused(*given, "--connections", "10")
    assert "has 10 people, and 11 are wanted" in refused(*given, "--connections", "11")


def test_people_that_are_none_are_said(tmp_path: Path) -> None:
    given = ("--server", "http://127.0.0.1:1", "--people", str(tmp_path / "people.json"))
    assert "No such file" in refused(*given)
    (tmp_path / "people.json").write_text("{}")
    assert "people.json" in refused(*given)


def test_an_unknown_scenario_is_answered_with_those_there_are() -> None:
    assert "proof" in refused("--scenario", "earthquake")


def test_without_the_extra_the_line_that_helps_is_said(tmp_path: Path) -> None:
    program = (
        "import importlib.util, sys\n"
        "find = importlib.util.find_spec\n"
        "importlib.util.find_spec = lambda name: None if name == 'locust' else find(name)\n"
        "sys.argv = ['hubbub', 'prove']\n"
        "from server.cli.main import main\n"
        "main()\n"
    )
    ended = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=False)
    assert ended.returncode == 2
    assert ended.stderr == "hubbub: locust missing: pip install 'hubbub[loadtest]'\n"
