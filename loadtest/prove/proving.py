"""`hubbub prove`: in which order everything is done.

A forecast; then people, server, load and watching (`staging.py`); the end of everything that was started; and the
report, also of a run that was broken off, with what there is of it.

The rules:
- What can be seen beforehand is said beforehand: `CannotRun`, and nothing was started.
- The data is in a folder of its own, which goes away afterwards. The people's manifest is as good as all their tokens,
  and is in no report.
"""

from __future__ import annotations

import datetime
import resource
import shutil
import socket
import tempfile
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Final

import msgspec
from rich.console import Console

from clients.endpoint import BadUrl, endpoint_of
from loadtest.people import People
from loadtest.prove.claims import claims_of, proved
from loadtest.prove.forecast import Forecast, Wish, forecast
from loadtest.prove.growth import growth_of
from loadtest.prove.interrupting import Interrupted, interruptible
from loadtest.prove.machine import Machine, kernel_settings, read_machine
from loadtest.prove.page import page
from loadtest.prove.plots import plots
from loadtest.prove.processes import Fault
from loadtest.prove.results import (
    Memory,
    Report,
    Seeded,
    Surroundings,
    commit_of,
    last_before,
    memory_between,
    thinned,
    versions,
    write,
)
from loadtest.prove.sampling import HARNESS, SERVER, Sample, busy_share
from loadtest.prove.showing import Screen, show_end, show_forecast
from loadtest.prove.staging import ROOMS, Stage
from loadtest.prove.warming import EACH
from loadtest.scenarios.messages import Glance, PhaseResult
from loadtest.scenarios.play import ARRIVAL
from loadtest.scenarios.proof import SPREAD_RATE

_ENDS_WITHIN: Final = 60.0  # seconds, for a server that a hundred thousand have just left
_BROKEN_OFF_WITHIN: Final = 3.0
_COME_LEAST: Final = 500  # connects a second: below that something is wrong, beside a beginning of …
_COME_SECONDS: Final = 120.0
_SETTLE_LEAST: Final = 2_500  # people a second who see a broadcast, likewise, beside …
_SETTLE_SECONDS: Final = 60.0
_UNDER_WAY: Final = 2_000  # connections that are begun and not yet welcome, of all processes together
_UNDER_WAY_EACH: Final = range(10, 101)
_RATE: Final = 1_000  # posts a second, shared out: each wakes twice as many processes as its room has members, and
_RATE_LEAST: Final = 10  # so many processes on a few cores would be measured by that, and by nothing else
_GLANCES_KEPT, _TOLD_KEPT = 600, 200
_PLAYERS_BY_THEMSELVES: Final = 8  # with more of them, what each used from second to second is most of a report


class CannotRun(Exception):
    """Nothing was started, and why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """What somebody asked for.

    Attributes
    ----------
    command
        As it was typed, for the report.
    report
        The folder for what comes out.
    server, people
        A server that is there already, and the manifest of its people; both or none.
    options
        More options of the load, as locust takes them.
    keeps_sockets
        Whether the server says that a worker of it may have more people than files here.
    keep
        Whether the folder with data, logs and manifest stays.
    """

    command: Sequence[str]
    wish: Wish
    report: Path
    server: str | None = None
    people: Path | None = None
    seed: int = 1
    options: Sequence[str] = ()
    keeps_sockets: bool = False
    keep: bool = False


def prove(order: Order, console: Console) -> int:
    """Do all of it. Returns 0 if it is proved, and 1 if not.

    Raises
    ------
    CannotRun
        The machine, the server or the people will not do; nothing was started.
    """
    _look_beforehand(order)
    machine = read_machine(Path(tempfile.gettempdir()), keeps_sockets=order.keeps_sockets)
    expected = forecast(machine, order.wish)
    show_forecast(console, expected, order.wish)
    _refuse(expected)
    _make_folder(order.report)
    report = _new_report(order, machine, expected)
    folder = Path(tempfile.mkdtemp(prefix="hubbub-prove-"))
    try:
        _run(order, report, folder, console)
        _write(report, order.report)
    finally:
        if order.keep:
            console.print(f"data, logs and people stay in {folder}", highlight=False, soft_wrap=True)
        else:
            shutil.rmtree(folder, ignore_errors=True)
    show_end(console, report, str(order.report / "index.html"))
    return report.exit_code


# --- before --------------------------------------------------------------------------------------------------


def _look_beforehand(order: Order) -> None:
    """Whether the server that is there already can be reached, and has as many people."""
    if order.server is None:
        return
    assert order.people is not None, "the people of a server that is there already"
    try:
        people = People.read(order.people)
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else error
        raise CannotRun(f"--people {order.people}: {reason}") from None
    if people.count < order.wish.connections:
        raise CannotRun(f"{order.people} has {people.count:,} people, and {order.wish.connections:,} are wanted")
    try:
        endpoint = endpoint_of(order.server)
        socket.create_connection((endpoint.host, endpoint.port), timeout=10).close()
    except BadUrl as wrong:
        raise CannotRun(f"--server {order.server}: {wrong}") from None
    except OSError as error:
        raise CannotRun(f"--server {order.server}: {error.strerror or error}") from None


def _refuse(expected: Forecast) -> None:
    """Raises `CannotRun` with the commands that would help, if this machine does not allow it."""
    lines = []
    for check in expected.refusals:
        unit = f" {check.unit}" if check.unit else ""
        lines.append(f"  {check.what}: {check.needed:,}{unit} needed, {check.allowed:,} there")
        lines += [f"    {command}" for command in check.remedy]
    if lines:
        raise CannotRun("\n".join(["this machine does not allow it as it is:", *lines]))


def _make_folder(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "results.json").touch()
    except OSError as error:
        raise CannotRun(f"--report {folder}: {error.strerror}") from None


def _new_report(order: Order, machine: Machine, expected: Forecast) -> Report:
    report = Report(
        made_at=datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        command=list(order.command),
        outcome="broken off",
        wish=order.wish,
        seed=order.seed,
        target=order.server or "a server of its own on this machine",
        machine=machine,
        kernel_settings=kernel_settings(),
        versions=versions(),
        commit=commit_of(Path(__file__).parents[2]),
        surroundings=Surroundings(busy_before=busy_share(1.0, machine.cores), load_before=machine.load),
        forecast=expected,
    )
    if order.server is not None:
        report.notes.append(
            "The server was started by somebody else. Its memory, processor time and connections by worker were not "
            "measured, and its limits were not lifted; what the kernel holds is whatever this machine holds."
        )
    return report


# --- the run -------------------------------------------------------------------------------------------------


def _run(order: Order, report: Report, folder: Path, console: Console) -> None:
    """Everything that is started, and its end; what came of it is in the report."""
    _raise_file_limit()
    with interruptible() as interruption, Screen(console, report.forecast.seconds_expected) as screen:
        stage = Stage(folder, order.wish, report.forecast, screen)
        patience = _BROKEN_OFF_WITHIN
        try:
            _play(order, stage)
            patience = _ENDS_WITHIN
        except Fault as fault:
            report.fault, report.said = str(fault), fault.said
        except Interrupted as interrupted:
            report.fault = f"it was broken off by {interrupted}"
        finally:
            interruption.ending()
            stage.stop(patience, interruption.in_a_hurry)
    _conclude(report, stage)


def _play(order: Order, stage: Stage) -> None:
    options = [*_options(order, stage.players), *order.options]
    if order.server is not None and order.people is not None:
        stage.play(order.server, order.people, options)
        return
    people = stage.seed()
    stage.play(stage.serve(people), people, options)


def _options(order: Order, players: int) -> list[str]:
    """What the load is told, unless the caller says otherwise: the more people, the more time for each step."""
    wish = order.wish
    under_way = min(max(_UNDER_WAY // players, _UNDER_WAY_EACH[0]), _UNDER_WAY_EACH[-1])
    chosen: dict[str, float] = {
        "seed": order.seed,
        "seconds": wish.hold,
        "come-within": round(_COME_SECONDS + wish.connections / _COME_LEAST),
        "settle-within": round(_SETTLE_SECONDS + wish.connections / _SETTLE_LEAST),
        "at-once": under_way,
        "growth": wish.growth,
    }
    if wish.storm is not None:
        chosen["storm"] = wish.storm
    rate = max(_RATE // players, _RATE_LEAST)
    if wish.scenario == "proof" and rate < SPREAD_RATE:
        chosen["rate"] = rate
    return [word for name, value in chosen.items() for word in (f"--{name}", str(value))]


def _raise_file_limit() -> None:
    """What is started from here may open as many files as the forecast counted on."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))


# --- afterwards ----------------------------------------------------------------------------------------------


def _conclude(report: Report, stage: Stage) -> None:
    """What the stage has seen, into the report."""
    report.steps = stage.steps
    report.notes += stage.notes
    if "seed" in stage.steps:
        report.seeded = Seeded(users=report.wish.connections, rooms=ROOMS, seconds=stage.steps["seed"])
    if stage.is_warm:
        report.notes.append(
            f"Before the measuring, {EACH} people for each worker came and left: the server's base is that of "
            "processes that have been used."
        )
    report.results = stage.results
    report.told = [] if stage.admin is None else stage.admin.told
    samples = [] if stage.sampler is None else stage.sampler.samples
    # A line is read a moment after it was written, never before: the least delay seen is the best guess.
    report.began = round(min((read_at - glance.at for read_at, glance in stage.glances), default=0.0), 3)
    report.glances = [_glance(glance, report.began) for _, glance in thinned(stage.glances, _GLANCES_KEPT)]
    if stage.empty is not None and report.results is not None:
        report.growth = growth_of(
            report.results.phases, report.began, stage.empty, samples, report.wish.connections, report.machine.cores
        )
    report.memory = _memory(report, stage.empty, samples)
    report.samples = _without_each(samples, report.memory)
    report.surroundings = _surroundings(report, samples)
    report.connections_by_worker = _by_worker(report)
    report.told = thinned(report.told, _TOLD_KEPT)
    report.claims = claims_of(
        report.results, report.memory, report.told[-1] if report.told else None, stage.ended_processes
    )
    if not report.fault:
        report.outcome = "proved" if proved(report.claims) else "not proved"


def _glance(glance: Glance, began: float) -> Glance:
    clients_cpu = [round(share, 3) for share in glance.clients_cpu] if glance.players <= _PLAYERS_BY_THEMSELVES else []
    return msgspec.structs.replace(glance, at=round(glance.at + began, 3), clients_cpu=clients_cpu)


def _phase_after_arrival(report: Report) -> PhaseResult | None:
    """The first one in which all were there."""
    phases = [] if report.results is None else report.results.phases
    return next((phase for before, phase in pairwise(phases) if before.name == ARRIVAL and before.in_time), None)


def _memory(report: Report, empty: Sample | None, samples: Sequence[Sample]) -> Memory | None:
    """From nobody to everybody, at the end of the phase in which all were there for the first time."""
    phase = _phase_after_arrival(report)
    if phase is None:
        return None
    full = last_before(samples, report.began + phase.began + phase.seconds)
    if empty is None or full is None or full.at < report.began + phase.began:
        return None
    return memory_between(empty, full, samples, report.wish.connections)


def _without_each(samples: Sequence[Sample], memory: Memory | None) -> list[Sample]:
    """What every process used by itself stays where memory was measured; elsewhere it would be most of the report."""
    kept = set() if memory is None else {memory.empty_at, memory.full_at}
    return [sample if sample.at in kept else msgspec.structs.replace(sample, each=None) for sample in samples]


def _surroundings(report: Report, samples: Sequence[Sample]) -> Surroundings:
    if len(samples) < 2:
        return report.surroundings
    first, last = samples[0], samples[-1]
    seconds = max(last.at - first.at, 1e-3)
    ours = sum(last.groups[name].cpu - first.groups[name].cpu for name in (SERVER, HARNESS) if name in first.groups)
    watching = last.here - first.here
    others = (last.busy - first.busy - ours - watching) / seconds / report.machine.cores
    return msgspec.structs.replace(
        report.surroundings, busy_others=round(max(others, 0.0), 3), watching=round(watching / seconds, 4)
    )


def _by_worker(report: Report) -> dict[str, int]:
    """Open files of each worker when everybody was there, less those it had before."""
    if report.memory is None:
        return {}
    empty = next((told for told in reversed(report.told) if told.at <= report.began), None)
    full = next((told for told in reversed(report.told) if told.at <= report.memory.full_at), None)
    if empty is None or full is None:
        return {}
    return {name: files - empty.files.get(name, 0) for name, files in full.files.items()}


def _write(report: Report, folder: Path) -> None:
    write(report, folder / "results.json")
    drawn = list(plots(report))
    for old in folder.glob("*.png"):
        with suppress(OSError):
            old.unlink()
    for plot in drawn:
        (folder / f"{plot.name}.png").write_bytes(plot.png)
    (folder / "index.html").write_text(page(report, drawn))
