"""Who decides when the next phase begins: one, for all processes.

Pure: the time is given, orders come out, progress and the verdict come in. It knows neither locust nor sockets, so that
the same conductor serves one process and many, and a test can play it as a history.

A phase is over when every process said that it is done, or when its time is. After the scenario's own phases always
come the same three, whatever happened: everybody gets an answer to every post, everybody comes as far as the logs, and
every process tells what it saw. Then it waits for the verdict, which takes I/O and is somebody else's.
"""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass
from typing import Final

from loadtest.people import People
from loadtest.scenarios.messages import (
    NO_VERDICT,
    Glance,
    Options,
    Order,
    PhaseResult,
    Progress,
    Reach,
    Results,
    Settle,
    Testify,
    Verdict,
)
from loadtest.scenarios.play import Phase, Play, Scenario, Summary
from loadtest.scenarios.tallies import Tally, latencies_of

TESTIFY_WITHIN: Final = 120.0  # seconds at least; a ledger of a million posts is tens of megabytes


@dataclass(frozen=True, slots=True)
class _Current:
    """The phase that is played."""

    phase: Phase
    number: int
    since: float


@dataclass(frozen=True, slots=True)
class _Past:
    """A phase that was played; its tally may still grow by what was on the way."""

    number: int
    name: str
    began: float
    seconds: float
    in_time: bool


class Conductor:
    """Plays a scenario with so many processes.

    Parameters
    ----------
    players
        How many there are; they are numbered from 0.

    Attributes
    ----------
    ledgers
        What every process saw, once all have told it or had the time to: now the verdict is awaited. None before.
        Empty bytes for a process that told nothing.
    """

    def __init__(self, scenario: Scenario, options: Options, people: People, players: int) -> None:
        self.ledgers: list[bytes] | None = None
        self._scenario = scenario
        self._options = options
        self._players = players
        self._play: Play = scenario.play(options, people)
        self._closing = self._close()
        self._summary = Summary()
        self._is_closing = False
        self._current: _Current | None = None
        self._past: list[_Past] = []
        self._tallies: dict[int, Tally] = {}
        self._all = Tally()
        self._since_glance = Tally()
        self._latest: dict[int, Progress] = {}
        self._done: set[int] = set()
        self._gone: set[int] = set()
        self._heads: dict[str, int] = {}
        self._told: dict[int, bytes] = {}
        self._failures: list[str] = []
        self._began: float | None = None
        self._now = 0.0
        self._verdict: Verdict | None = None

    @property
    def finished(self) -> bool:
        return self._verdict is not None

    @property
    def left(self) -> tuple[int, ...]:
        """The processes that have not done what is to be done in the present phase; none between two phases."""
        if self._current is None:
            return ()
        settled = self._done | self._gone
        return tuple(player for player in range(self._players) if player not in settled)

    @property
    def order(self) -> int:
        """The number of the phase that is played, or of the last one."""
        return len(self._past) if self._current is None else self._current.number

    # --- what comes in -------------------------------------------------------------------------------------------

    def heard(self, player: int, progress: Progress) -> None:
        """A process told its progress."""
        self._latest[player] = progress
        for measured in progress.measured:
            latencies = latencies_of(measured)
            for tally in (self._tallies.setdefault(measured.order, Tally()), self._since_glance):
                tally.add(player, measured, latencies)
            self._all.add(player, measured, {})
        for room, seq in progress.heads.items():
            self._heads[room] = max(seq, self._heads.get(room, 0))
        if progress.ledger:
            self._told[player] = progress.ledger
        if progress.done and self._current is not None and progress.order == self._current.number:
            self._done.add(player)

    def lost(self, player: int, why: str) -> None:
        """A process is gone: what its people saw nobody will know. It is waited for no longer."""
        if player not in self._gone:
            self._gone.add(player)
            self._failures.append(f"process {player} was lost: {why}")

    def stop(self) -> None:
        """Let the scenario be; what was done so far is checked all the same."""
        if not self._is_closing and self._current is not None:
            self._failures.append(f"stopped in the phase {self._current.phase.name!r}")
            self._is_closing = True
            self._play.close()
            self._end_phase(in_time=False)

    def judged(self, now: float, verdict: Verdict) -> None:
        """The verdict that was awaited."""
        self._now = now
        self._verdict = verdict

    # --- what comes out ------------------------------------------------------------------------------------------

    def tick(self, now: float) -> list[Order]:
        """The orders that are due, each for every process. To be called several times a second."""
        self._now = now
        if self._began is None:
            self._began = now
            return self._next(None)
        if self._current is None:
            return [] if self._is_over else self._next(None)
        if not self.left:
            return self._next(self._end_phase(in_time=True))
        if now >= self._current.since + self._current.phase.within:
            self._failures.append(self._in_vain(self._current))
            return self._next(self._end_phase(in_time=False))
        return []

    def glance(self, now: float) -> Glance:
        """How it stands; latencies are of the time since the last glance."""
        recent, self._since_glance = self._since_glance, Tally()
        latest = self._latest.values()
        return Glance(
            at=now - (self._began or now),
            phase=self._current.phase.name if self._current else "verdict",
            players=self._players - len(self._gone),
            wanted=sum(progress.wanted for progress in latest),
            connected=sum(progress.connected for progress in latest),
            ready=sum(progress.ready for progress in latest),
            connects=self._all.counts["connects"],
            posted=self._all.counts["posted"],
            acknowledged=self._all.counts["acknowledged"],
            delivered=self._all.counts["delivered"],
            ack=recent.latency("ack"),
            seen=recent.latency("seen"),
            failures=_troubles(self._all),
            clients_cpu=recent.clients_cpu(),
        )

    def results(self) -> Results:
        """What came of it; complete once `finished`."""
        return Results(
            scenario=self._scenario.name,
            options=self._options,
            players=self._players,
            seconds=self._now - (self._began or self._now),
            phases=[self._result(past) for past in self._past],
            figures=self._summary.figures,
            words=self._summary.words,
            failures=list(self._failures),
            verdict=self._verdict or NO_VERDICT,
        )

    # --- phases --------------------------------------------------------------------------------------------------

    @property
    def _is_over(self) -> bool:
        return self.ledgers is not None

    def _next(self, ended: PhaseResult | None) -> list[Order]:
        phase = self._phase_after(ended)
        if phase is None:
            self.ledgers = [self._told.get(player, b"") for player in range(self._players)]
            return []
        number = len(self._past) + 1
        self._done.clear()
        self._current = _Current(phase, number, self._now)
        self._tallies.setdefault(number, Tally())
        return [Order(number, phase.name, phase.doing, phase.talk)]

    def _phase_after(self, ended: PhaseResult | None) -> Phase | None:
        if not self._is_closing:
            try:
                return next(self._play) if ended is None else self._play.send(ended)
            except StopIteration as over:
                self._summary = over.value
                self._is_closing = True
        return next(self._closing, None)

    def _close(self) -> Generator[Phase, None, None]:
        """How every scenario ends. What comes of these phases changes nothing about what follows."""
        within = self._options.settle_within
        yield Phase("settle", Settle(), within, "every post is answered")
        yield Phase("reach", Reach(dict(self._heads)), within, "everybody has all that was acknowledged")
        yield Phase("testify", Testify(), max(TESTIFY_WITHIN, within), "every process told what it saw")

    def _end_phase(self, *, in_time: bool) -> PhaseResult:
        assert self._current is not None
        assert self._began is not None
        current, self._current = self._current, None
        past = _Past(
            current.number, current.phase.name, current.since - self._began, self._now - current.since, in_time
        )
        self._past.append(past)
        return self._result(past)

    def _result(self, past: _Past) -> PhaseResult:
        return self._tallies[past.number].result(past.name, past.began, past.seconds, past.in_time)

    def _in_vain(self, current: _Current) -> str:
        return (
            f"{current.phase.name}: not within {current.phase.within:g} s: {current.phase.expects} "
            f"({len(self.left)} of {self._players} processes still waited)"
        )


def _troubles(tally: Tally) -> dict[str, int]:
    found = {str(status): count for status, count in tally.refusals.items()}
    found |= {f"close {code}": count for code, count in tally.closes.items()}
    found |= {f"errno {number}": count for number, count in tally.failures.items()}
    refused = tally.counts["refused"]
    return found | ({"refused commands": refused} if refused else {})
