"""What a person sees while it runs: a forecast first, then how it stands, then what came of it.

On a terminal one panel is drawn anew; elsewhere (a file, continuous integration) a line is written when a phase begins
and every ten seconds. Nothing here decides anything, and no thread draws: whoever watches calls `show`.
"""

from __future__ import annotations

import time
from collections import deque
from types import TracebackType
from typing import Final

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from loadtest.prove.forecast import Forecast, Wish
from loadtest.prove.results import Report
from loadtest.prove.sampling import Sample
from loadtest.scenarios.messages import Glance

_DRAW_EVERY: Final = 0.25  # seconds
_LINE_EVERY: Final = 10.0
_RATE_OVER: Final = 10.0  # seconds: of many processes of the load each has people come in a second of its own


class Screen:
    """See the top of this file.

    Parameters
    ----------
    expected
        Seconds that the whole will take.
    """

    def __init__(self, console: Console, expected: float) -> None:
        self._console = console
        self._expected = expected
        self._began = time.monotonic()
        self._due = 0.0
        self._step = ""
        self._glances: deque[Glance] = deque()
        self._last: Glance | None = None
        self._live = Live(console=console, auto_refresh=False, transient=True) if console.is_terminal else None

    def __enter__(self) -> Screen:
        if self._live is not None:
            self._live.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, where: TracebackType | None
    ) -> None:
        if self._live is not None:
            self._live.stop()

    def step(self, what: str) -> None:
        """Something new begins."""
        self._step = what
        self._due = 0.0
        self.show(None, None)

    def show(self, glance: Glance | None, sample: Sample | None) -> None:
        """How it stands; as often as somebody likes."""
        if glance is not None and (self._last is None or glance.at > self._last.at):
            self._glances.append(glance)
            while len(self._glances) > 2 and self._glances[1].at <= glance.at - _RATE_OVER:
                self._glances.popleft()
        if glance is not None and (self._last is None or glance.phase != self._last.phase):
            self._due = 0.0
        self._last = glance or self._last
        now = time.monotonic()
        if now < self._due:
            return
        self._due = now + (_DRAW_EVERY if self._live is not None else _LINE_EVERY)
        if self._live is not None:
            self._live.update(self._panel(sample), refresh=True)
        else:
            self._console.print(" · ".join(self._words(sample)), highlight=False, soft_wrap=True)

    @property
    def _rate(self) -> float:
        """Connects a second of late."""
        if len(self._glances) < 2:
            return 0.0
        first, last = self._glances[0], self._glances[-1]
        return (last.connects - first.connects) / (last.at - first.at)

    def _words(self, sample: Sample | None) -> list[str]:
        words = [f"{time.monotonic() - self._began:5.0f} s of about {self._expected:.0f}", self._step]
        glance = self._last
        if glance is not None:
            words += [
                glance.phase,
                f"{glance.connected:,} of {glance.wanted:,} connected, {self._rate:,.0f} a second",
                f"{glance.acknowledged:,} posts, {glance.delivered:,} deliveries",
            ]
            if glance.seen is not None and glance.seen.count:
                words.append(f"seen p99 {glance.seen.p99 * 1e3:,.1f} ms")
            if glance.failures:
                words.append(", ".join(f"{what}: {count:,}" for what, count in glance.failures.items()))
        if sample is not None:
            words += [f"{name} {use.unique / 1e6:,.0f} MB" for name, use in sample.groups.items()]
            words.append(f"free {sample.available / 1e9:,.1f} GB")
        return [word for word in words if word]

    def _panel(self, sample: Sample | None) -> RenderableType:
        elapsed, glance = time.monotonic() - self._began, self._last
        bars = Table.grid(padding=(0, 2))
        bars.add_row("time", ProgressBar(self._expected, min(elapsed, self._expected), width=40))
        if glance is not None:
            bars.add_row("connected", ProgressBar(max(glance.wanted, 1), glance.connected, width=40))
        return Group(bars, *(Text("  " + word) for word in self._words(sample)))


def show_forecast(console: Console, forecast: Forecast, wish: Wish) -> None:
    """What it will take, and whether there is as much."""
    head = f"{wish.connections:,} connections, {wish.scenario}: {forecast.players} locust processes"
    if wish.serves:
        head += f", {forecast.workers} workers, from {forecast.sources} addresses"
    console.print(head, highlight=False)
    table = Table("what it takes", "needed", "there is", "", box=None, pad_edge=False)
    for check in forecast.checks:
        enough = Text("enough", "green") if check.holds else Text(check.slower or "too little", "bold red")
        table.add_row(check.what, _amount(check.needed, check.unit), _amount(check.allowed, check.unit), enough)
    console.print(table)
    for check in forecast.checks:
        if check.slower and check.remedy and not check.holds:
            console.print(f"for {check.what} to be enough: {'; '.join(check.remedy)}", highlight=False, soft_wrap=True)
    parts = ", ".join(f"{part.what} {part.of(forecast.connections) / 1e6:,.0f} MB" for part in forecast.memory)
    console.print(f"memory expected: {forecast.bytes_expected / 1e9:.1f} GB ({parts})", highlight=False)
    steps = ", ".join(f"{what} {seconds:.0f}" for what, seconds in forecast.seconds.items())
    console.print(f"time expected: {forecast.seconds_expected:.0f} s ({steps})", highlight=False)
    if forecast.settings:
        settings = " ".join(f"{name}={value}" for name, value in forecast.settings.items())
        console.print(f"the server's limits for this run: {settings}", highlight=False, soft_wrap=True)


def _amount(number: int, unit: str) -> str:
    return f"{number / 1e9:,.2f} GB" if unit == "bytes" else f"{number:,}"


def show_end(console: Console, report: Report, where: str) -> None:
    """What came of it."""
    table = Table("claim", "aim", "measured", "met", box=None, pad_edge=False)
    for claim in report.claims:
        met = Text("told") if claim.met is None else Text("met", "green") if claim.met else Text("not met", "bold red")
        table.add_row(claim.what, claim.aim, claim.measured, met)
    if report.claims:
        console.print(table)
    if report.memory is not None:
        memory = report.memory
        server = "" if memory.server_unique is None else f"server {memory.server_unique:,.0f}, "
        console.print(
            f"bytes a connection: {server}kernel {memory.slab + memory.buffers:,.0f}, harness {memory.harness:,.0f}",
            highlight=False,
        )
    if report.results is not None:
        for finding in report.results.verdict.findings[:5]:
            console.print(f"broken: {finding.kind} in {finding.room}: {finding.words}", style="red", highlight=False)
    if report.fault:
        console.print(report.fault, style="bold red", highlight=False, soft_wrap=True, markup=False)
        console.print(report.said, highlight=False, soft_wrap=True, markup=False)
    style = "bold green" if report.outcome == "proved" else "bold red"
    console.print(f"{report.outcome}; the report is {where}", style=style, highlight=False, soft_wrap=True)
