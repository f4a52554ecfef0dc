"""The one who directs a run, in locust's master or its only process: it stands between locust and a `Conductor`.

Locust decides when a run begins and may ask it to stop; the conductor decides what happens in between. The rules:
- A run ends with a verdict, also one that is interrupted (Ctrl-C, the web page's button, SIGTERM): locust's end is held
  up until everything was told and checked, within stated times.
- A process that falls silent or goes away fails the run, by name.
- The verdict is the exit code: 0 good, 1 not. What locust counts as failed requests does not change it: to be cut off
  is no failure in a storm.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import gevent
import msgspec
from gevent import Greenlet
from gevent.event import Event
from locust.env import Environment
from locust.rpc import Message
from locust.runners import MasterRunner, Runner

from loadtest.people import People
from loadtest.scenarios.conducting import Conductor
from loadtest.scenarios.messages import Glance, Options, Results, Verdict
from loadtest.scenarios.table import SCENARIOS
from loadtest.scenarios.verdict import judge, time_to_judge
from loadtest.users.casting import (
    BROKEN,
    CAST,
    LEFT,
    ORDER,
    OVER,
    PROGRESS,
    Broken,
    Cast,
    Given,
    Left,
    Over,
    Told,
    packed,
    unpacked,
)
from loadtest.users.flags import BadSettings, endpoints_of, options_of, people_of

SILENCE: Final = 20.0  # seconds without a word from a process, which tells something every few; and for each …
_SILENCE_EACH: Final = 2.0  # process: many of them have to wait for a processor
STOP_WITHIN: Final = 240.0  # seconds from being asked to stop to the verdict
GOOD, BAD, BAD_SETTINGS = 0, 1, 2

_TICK: Final = 0.05  # seconds
_LOOK_EVERY: Final = 1.0  # seconds, for processes that are gone
_LOCAL: Final = "local"  # the name of the only process
_log = logging.getLogger("hubbub")


class Journal:
    """A file with a line of JSON for each second of a run, and its results as the last line.

    Raises
    ------
    BadSettings
        It cannot be written.
    """

    def __init__(self, path: str) -> None:
        self._path = Path(path) if path else None
        try:
            if self._path is not None:
                self._path.write_bytes(b"")
        except OSError as error:
            raise BadSettings(f"--journal {path}: {error.strerror}") from None

    def write(self, line: Glance | dict[str, Results]) -> None:
        if self._path is not None:
            with self._path.open("ab") as file:
                file.write(msgspec.json.encode(line) + b"\n")


@dataclass(frozen=True, slots=True)
class Chosen:
    """What a run is made of."""

    people: People
    host: str
    options: Options
    journal: Journal


class Run:
    """One run of a scenario, from the casting to the verdict.

    Parameters
    ----------
    members
        The processes that play, by locust's names for them; the place is the player's number.
    judged
        Told the results, once.
    """

    def __init__(
        self, number: int, runner: Runner, chosen: Chosen, members: list[str], judged: Callable[[Results], None]
    ) -> None:
        self.over = Event()
        self.members = members
        self._number = number
        self._runner = runner
        self._chosen = chosen
        self._judged = judged
        options = chosen.options
        self._conductor = Conductor(SCENARIOS[options.scenario], options, chosen.people, len(members))
        self._silence = SILENCE + _SILENCE_EACH * len(members)
        self._heard_at = dict.fromkeys(range(len(members)), time.monotonic())
        self._processes: dict[int, int] = {}  # of this machine, by player
        self._told_left: tuple[int, tuple[int, ...]] = (0, ())  # of which order, and who were left
        self._has_forked = getattr(runner.environment.parsed_options, "processes", None) is not None

    def begin(self) -> None:
        for player, member in enumerate(self.members):
            cast = Cast(self._number, player, len(self.members), self._chosen.host, self._chosen.options)
            self._send(CAST, cast, member)
        gevent.spawn(self._conduct)

    # --- what processes say --------------------------------------------------------------------------------------

    def told(self, told: Told) -> None:
        if told.run == self._number:
            self._heard_at[told.progress.player] = time.monotonic()
            if self._has_forked:
                self._processes[told.progress.player] = told.process
            self._conductor.heard(told.progress.player, told.progress)

    def broken(self, broken: Broken) -> None:
        if broken.run == self._number:
            self._lost(broken.player, broken.why)

    # --- what it does --------------------------------------------------------------------------------------------

    def stop(self) -> None:
        """Let it be; what was seen is still checked. Returns when there is a verdict, or no time left for one."""
        self._conductor.stop()
        if not self.over.wait(STOP_WITHIN):
            self._end()

    def _conduct(self) -> None:
        try:
            self._until_judged()
        except Exception:
            _log.exception("the run cannot go on")
        finally:
            self._end()

    def _until_judged(self) -> None:
        glance_at = look_at = 0.0
        judging: Greenlet | None = None
        while not self._conductor.finished:
            now = time.monotonic()
            if now >= look_at:
                look_at = now + _LOOK_EVERY
                self._look_for_lost(now)
            for order in self._conductor.tick(now):
                for member in self.members:
                    self._send(ORDER, Given(self._number, order), member)
            self._tell_who_are_left()
            if now >= glance_at:
                glance_at = now + 1.0
                self._chosen.journal.write(self._conductor.glance(now))
            if self._conductor.ledgers is not None and judging is None:
                judging = gevent.spawn(self._verdict, self._conductor.ledgers)
            if judging is not None and judging.ready():
                self._conductor.judged(time.monotonic(), judging.get())
            gevent.sleep(_TICK)

    def _tell_who_are_left(self) -> None:
        """To those: who let their people come in turns need not wait for who has none left."""
        order, left = self._conductor.order, self._conductor.left
        if (order, left) == self._told_left or not left:
            return
        self._told_left = order, left
        if len(left) < len(self.members):
            for place, player in enumerate(left):
                self._send(LEFT, Left(self._number, order, place, len(left)), self.members[player])

    def _verdict(self, ledgers: list[bytes]) -> Verdict:
        seconds = time_to_judge(self._chosen.options.connections)
        return judge(self._chosen.people, endpoints_of(self._chosen.host), ledgers, seconds)

    def _look_for_lost(self, now: float) -> None:
        for player, member in enumerate(self.members):
            if isinstance(self._runner, MasterRunner) and member not in self._runner.clients:
                self._lost(player, "it has left")
            elif _is_dead(self._processes.get(player)):
                self._lost(player, "it died")
            elif now > self._heard_at[player] + self._silence:
                self._lost(player, f"nothing was heard of it for {self._silence:g} s")

    def _lost(self, player: int, why: str) -> None:
        """What the others would still do is worth nothing without it."""
        self._conductor.lost(player, why)
        self._conductor.stop()

    def _end(self) -> None:
        if self.over.is_set():
            return
        results = self._conductor.results()
        self._chosen.journal.write({"results": results})
        self._judged(results)
        for member in self.members:
            self._send(OVER, Over(self._number), member)
        self.over.set()

    def _send(self, name: str, what: Cast | Given | Left | Over, member: str) -> None:
        self._runner.send_message(name, packed(what), member)


class Director:
    """Begins runs when locust does, and holds up its end until they are judged."""

    def __init__(self, environment: Environment, runner: Runner) -> None:
        self._environment = environment
        self._runner = runner
        self._run: Run | None = None
        self._runs = 0
        runner.register_message(PROGRESS, self._told)
        runner.register_message(BROKEN, self._broken)
        environment.events.test_stopping.add_listener(self._stopping)
        environment.events.test_stop.add_listener(self._stopped)

    def check(self) -> None:
        """Whether a run could begin with the settings as they are.

        Raises
        ------
        BadSettings
        """
        self._settings()

    def tick(self) -> tuple[int, float] | None:
        """What locust's shape asks every second: how many users, one in each process; None when it is over."""
        if self._run is None:
            self._begin()
        if self._run is None or self._run.over.is_set():
            return None
        return len(self._run.members), float(len(self._run.members))

    def _begin(self) -> None:
        try:
            chosen = self._settings()
        except BadSettings as error:
            _log.error(error)
            self._environment.process_exit_code = BAD_SETTINGS
            return
        self._runs += 1
        self._run = Run(self._runs, self._runner, chosen, self._members(), self._judged)
        self._run.begin()

    def _settings(self) -> Chosen:
        parsed = self._environment.parsed_options
        assert parsed is not None
        host = self._environment.host or ""
        options = options_of(parsed)
        endpoints_of(host)
        return Chosen(people_of(parsed, options.connections), host, options, Journal(parsed.journal))

    def _members(self) -> list[str]:
        if isinstance(self._runner, MasterRunner):
            return sorted(client.id for client in self._runner.clients.ready)
        return [_LOCAL]

    # --- what locust tells ---------------------------------------------------------------------------------------

    def _told(self, msg: Message, **_: object) -> None:
        if self._run is not None:
            self._run.told(unpacked(msg.data, Told))

    def _broken(self, msg: Message, **_: object) -> None:
        if self._run is not None:
            self._run.broken(unpacked(msg.data, Broken))

    def _stopping(self, **_: object) -> None:
        if self._run is not None and not self._run.over.is_set():
            _log.info("stopping; what was seen is being checked")
            self._run.stop()

    def _stopped(self, **_: object) -> None:
        self._run = None

    def _judged(self, results: Results) -> None:
        self._environment.process_exit_code = BAD if results.exit_code else GOOD
        for line in told_in_words(results):
            _log.log(logging.ERROR if results.exit_code else logging.INFO, line)


def _is_dead(process: int | None) -> bool:
    """Whether a process of this machine has ended; if it is our child, it is a zombie then, until locust looks."""
    if process is None:
        return False
    try:
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] in ("Z", "X")
    except OSError:
        return True


def told_in_words(results: Results) -> list[str]:
    """What came out, for a terminal."""
    verdict = results.verdict
    return [
        f"{results.scenario}, {results.options.connections} people in {results.players} processes, "
        f"{results.seconds:.0f} s: {'NOT GOOD' if results.exit_code else 'good'}",
        *(f"  {line}" for line in results.words),
        f"  checked: {verdict.posts} posts, {verdict.readers} readers, {verdict.entries_read} entries of "
        f"{verdict.rooms_read} rooms",
        *(f"  did not happen: {line}" for line in results.failures),
        *(f"  unchecked: {line}" for line in verdict.unchecked),
        *(f"  broken: {found.kind} in {found.room}: {found.words}" for found in verdict.findings[:10]),
        *([f"  and {len(verdict.findings) - 10} more broken promises"] if len(verdict.findings) > 10 else []),
    ]
