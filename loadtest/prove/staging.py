"""What lives during a proof: people are written, server and load are started, everything is watched, all is stopped.

The rule: whatever ends before it was told to breaks the run off, as a `Fault` that names it. What goes wrong in the
load itself is no fault, but a result: the load says so, and ends by itself.
"""

from __future__ import annotations

import os
import re
import socket
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from loadtest.people import People
from loadtest.precedence import take_precedence
from loadtest.prove.admin import Admin
from loadtest.prove.forecast import Forecast, Wish
from loadtest.prove.journal import Journal
from loadtest.prove.processes import Fault, Process, Program, in_words
from loadtest.prove.sampling import HARNESS, SERVER, Sample, Sampler
from loadtest.prove.showing import Screen
from loadtest.prove.warming import warm_up
from loadtest.scenarios.messages import Glance, Results
from loadtest.scenarios.proof import ASSEMBLY, ASSEMBLY_SECONDS, HOLD, REST

ROOMS: Final = "all,each:10"
"""Everybody in one channel, and each in one of many rooms of ten."""

_READY: Final = "hubbub is serving on "
_ADMIN: Final = re.compile(r"admin=(http://\S+)")
_SERVES: Final = re.compile(r"a worker serves\b.*?\bworker=(\d+)\b.*?\bworker_pid=(\d+)")
_REST_LOOKS: Final = (
    2.0,
    12.0,
)  # seconds behind the beginning of a rest: between the two nothing but heartbeats goes on
_LOOK_SECONDS: Final = 0.1
_START_SECONDS: Final = 30.0  # and for each worker …
_START_SECONDS_EACH: Final = 3.0
_SEED_SECONDS: Final = 60.0  # and for each thousand people …
_SEED_SECONDS_EACH: Final = 1.0
_SILENCE: Final = 300.0  # seconds: nothing is told while the logs are read for the verdict
_SETTLED_AFTER: Final = 0.8  # of that time; then nobody comes for a while yet
_LOAD_ENDS_WITHIN: Final = 30.0  # seconds, and for each thousand people …
_LOAD_ENDS_WITHIN_EACH: Final = 0.1
_LEAVE_SECONDS: Final = 60.0
_LAST_ANSWER: Final = 10.0
_LOCUSTFILE: Final = Path(__file__).parents[1] / "locustfile.py"


class Stage:
    """See the top of this file.

    Parameters
    ----------
    folder
        For data, logs, the people's manifest and the load's journal.

    Attributes
    ----------
    steps
        Seconds that each step took.
    glances
        What the load told, and when it was read, by the sampler's clock.
    results
        Of the load; None if it did not come so far.
    notes
        What is to be known beside the results.
    is_warm
        Whether a few people were there before.
    empty
        The look when locust was there, and nobody was connected.
    ended_processes
        How many of the server's were not there any more in the end, beside the one that was killed on purpose; None
        where they could not be seen.
    """

    def __init__(self, folder: Path, wish: Wish, expected: Forecast, screen: Screen) -> None:
        self._folder = folder
        self._wish = wish
        self._expected = expected
        self._screen = screen
        self._programs: list[Program] = []
        self._server: Program | None = None
        self._at_first: set[Process] = set()
        self._victim: int | None = None
        self._resting: tuple[str, float] = ("", 0.0)  # the phase of the newest glance, and since when
        self._rest_looks: list[float] = []
        self.steps: dict[str, float] = {}
        self.sampler: Sampler | None = None
        self.admin: Admin | None = None
        self.glances: list[tuple[float, Glance]] = []
        self.results: Results | None = None
        self.is_warm = False
        self.notes: list[str] = []
        self.empty: Sample | None = None
        self.ended_processes: int | None = None

    @property
    def players(self) -> int:
        """Processes of the load."""
        return self._expected.players

    # --- in this order -------------------------------------------------------------------------------------------

    def seed(self) -> Path:
        """Write the people into a new database: their manifest. Raises `Fault`."""
        users, people = self._wish.connections, self._folder / "people.json"
        with self._step("seed"):
            command = [*_hubbub("admin", "seed"), "--users", str(users), "--rooms", ROOMS, "--people", str(people)]
            program = self._start("hubbub admin seed", [*command, "--data", str(self._data)])
            program.expect_end()
            self._await(program, _SEED_SECONDS + users / 1_000 * _SEED_SECONDS_EACH)
        return people

    def serve(self, people: Path) -> str:
        """Start the server, and let a few people come and go: its URL. Raises `Fault`."""
        workers = self._expected.workers
        with self._step("start the server"):
            command = [*_hubbub("serve"), "--port", "0", "--data", str(self._data), "--workers", str(workers)]
            settings = self._expected.settings | {"HUBBUB_ADMIN_PORT": "0"}
            self._server = self._start("the server", command, settings, reads=True)
            line = self._server.first_line(_START_SECONDS + workers * _START_SECONDS_EACH)
            if not line.startswith(_READY):
                raise Fault(f"the server said {line!r} instead of where it is", self._server.last_words())
        url = line.removeprefix(_READY).strip().rstrip("/")
        self._find_admin(self._server)
        with self._step("warm up"):
            self._warm_up(url, People.read(people))
        return url

    def play(self, url: str, people: Path, options: Sequence[str]) -> None:
        """Start the load, and watch until it has ended by itself. Raises `Fault`."""
        journal = Journal(self._folder / "journal.jsonl")
        with self._step("start locust"):
            self._victim = self._one_worker() if self._wish.kills else None
            killing = [] if self._victim is None else ["--kill", str(self._victim)]
            load = self._start("locust", self._locust(url, people, journal.file, [*killing, *options]))
            take_precedence()
            self._look_from_here(load)
            self._watch(load, journal, until=lambda: bool(self.glances))
            if self.glances[-1][1].phase == ASSEMBLY:
                settled_at = time.monotonic() + ASSEMBLY_SECONDS * _SETTLED_AFTER
                self._watch(load, journal, until=lambda: time.monotonic() >= settled_at)
            self.empty = self.sampler.look(each=True) if self.sampler is not None else None
        with self._step("play and check"):
            self._watch(load, journal, until=lambda: self.results is not None)
        self._look_for_the_last_time()
        with self._step("end of locust"):
            load.expect_end()
            self._let_end(load)

    def stop(self, seconds: float, in_a_hurry: Callable[[], bool]) -> None:
        """End everything that lives, the last that was started first."""
        self._screen.step("stopping")
        if self.admin is not None:
            self.admin.close()
        for program in reversed(self._programs):
            program.stop(seconds, in_a_hurry)

    # --- starting ------------------------------------------------------------------------------------------------

    @property
    def _data(self) -> Path:
        return self._folder / "data"

    def _start(
        self, name: str, command: Sequence[str], settings: dict[str, str] | None = None, *, reads: bool = False
    ) -> Program:
        log = self._folder / f"{name.replace(' ', '-')}.log"
        program = Program(name, command, log, environment=environment() | (settings or {}), reads=reads)
        self._programs.append(program)
        return program

    def _locust(self, url: str, people: Path, journal: Path, options: Sequence[str]) -> list[str]:
        port = str(_free_port())
        return [
            *(sys.executable, "-m", "locust", "-f", str(_LOCUSTFILE), "--headless", "--host", url),
            *("--processes", str(self._expected.players), "--master-bind-host", "127.0.0.1"),
            *("--master-bind-port", port, "--master-port", port),
            *("--people", str(people), "--journal", str(journal)),
            *("--scenario", self._wish.scenario, "--connections", str(self._wish.connections)),
            *options,
        ]

    @contextmanager
    def _step(self, name: str) -> Iterator[None]:
        self._screen.step(name)
        began = time.monotonic()
        yield
        self.steps[name] = round(time.monotonic() - began, 2)

    def _let_end(self, load: Program) -> None:
        """What it had to tell is told; if it does not end by itself, it is ended with the others."""
        within = _LOAD_ENDS_WITHIN + self._wish.connections / 1_000 * _LOAD_ENDS_WITHIN_EACH
        end = time.monotonic() + within
        while load.ended() is None and time.monotonic() < end:
            self._check_others(load)
            self._screen.show(None, None)
            time.sleep(_LOOK_SECONDS)
        if load.ended() is None:
            self.notes.append(f"Locust had told its results and did not end within {within:.0f} s; it was killed.")

    def _await(self, program: Program, seconds: float) -> None:
        """Until it has ended by itself, and well."""
        end = time.monotonic() + seconds
        while (code := program.ended()) is None:
            self._check_others(program)
            if time.monotonic() > end:
                raise Fault(f"{program.name} did not end within {seconds:.0f} s", program.last_words())
            self._screen.show(None, None)
            time.sleep(_LOOK_SECONDS)
        if code != 0:
            raise Fault(f"{program.name} failed: {in_words(code)}", program.last_words())

    def _check_others(self, but: Program) -> None:
        for program in self._programs:
            if program is not but:
                program.check()

    # --- watching ------------------------------------------------------------------------------------------------

    def _look_from_here(self, load: Program) -> None:
        families = {HARNESS: load.family}
        if self._server is not None:
            families[SERVER] = self._server.family
            self._at_first = set(self._server.family())
        self.sampler = Sampler(families)

    def _find_admin(self, server: Program) -> None:
        found = _ADMIN.search(server.log.read_text(errors="replace"))
        self.admin = None if found is None else Admin(found[1], self._now, self._expected.workers)

    def _one_worker(self) -> int | None:
        """The process to kill in the end, where there are several: the last one, or the first one, which owns the rooms
        of a server with SQLite."""
        if self._server is None or self._expected.workers < 2:
            return None
        served = _SERVES.findall(self._server.log.read_text(errors="replace"))
        choose = min if self._wish.kills_owner else max
        return choose(((int(worker), int(pid)) for worker, pid in served), default=(0, None))[1]

    def _now(self) -> float:
        return 0.0 if self.sampler is None else self.sampler.now()

    def _warm_up(self, url: str, people: People) -> None:
        """See `warming.py`. Whoever came is to be gone again before anything is measured."""
        self.is_warm = warm_up(url, people, self._expected.workers)
        end = time.monotonic() + _LEAVE_SECONDS
        while self.admin is not None and time.monotonic() < end:
            told = self.admin.ask_now(_LAST_ANSWER)
            if told is not None and told.ready == told.opening == 0:
                break
            time.sleep(_LOOK_SECONDS)

    def _watch(self, load: Program, journal: Journal, until: Callable[[], bool]) -> None:
        assert self.sampler is not None
        silent_since = time.monotonic()
        while not until():
            is_over = load.ended() is not None  # looked at first: its last words are written by then
            for glance in journal.news():
                silent_since = time.monotonic()
                self.glances.append((self.sampler.now(), glance))
                self._note_rest(glance.phase)
            self.results = journal.results
            self._look(self.sampler)
            self._check_others(load)
            if is_over and self.results is None:
                load.check()
            if time.monotonic() > silent_since + _SILENCE:
                raise Fault(f"locust has told nothing for {_SILENCE:.0f} s", load.last_words())
            time.sleep(_LOOK_SECONDS)

    def _note_rest(self, phase: str) -> None:
        """Two looks are due where people pause, whenever else there was one."""
        known, _ = self._resting
        if phase != known:
            now = time.monotonic()
            self._resting = phase, now
            self._rest_looks = [now + after for after in _REST_LOOKS] if phase.startswith((REST, HOLD)) else []

    def _look(self, sampler: Sampler) -> None:
        if self._rest_looks and time.monotonic() >= self._rest_looks[0]:
            del self._rest_looks[0]
            sampler.look(each=True)
        sampler.look_if_due(each=True)
        if self.admin is not None:
            self.admin.step()
        self._screen.show(self.glances[-1][1] if self.glances else None, _last(sampler.samples))

    def _look_for_the_last_time(self) -> None:
        if self._server is not None:
            gone = self._at_first - set(self._server.family())
            self.ended_processes = sum(process.pid != self._victim for process in gone)
        if self.admin is not None:
            self.admin.ask_now(_LAST_ANSWER)


def _last(samples: Sequence[Sample]) -> Sample | None:
    return samples[-1] if samples else None


def _hubbub(*words: str) -> list[str]:
    return [sys.executable, "-m", "server", *words]


def environment() -> dict[str, str]:
    """Ours, without what is meant for other servers and loads: their settings, or their database, are none of this."""
    return {name: value for name, value in os.environ.items() if not name.startswith(("HUBBUB_", "LOCUST_"))}


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
        return port
