"""What a proof comes to, in one typed value: `results.json` is this, and the page is made from nothing else.

The rules: a number that was not measured is not there (None, or no entry), and every figure can be traced to the
machine, its settings, the versions, the command, the seed, and what else went on meanwhile.
"""

from __future__ import annotations

import math
import platform
import statistics
import subprocess
from collections.abc import Sequence
from importlib import metadata
from pathlib import Path
from typing import Final, Literal, TypeVar

import msgspec
from msgspec import Struct

from loadtest.prove.admin import Told
from loadtest.prove.forecast import Forecast, Wish
from loadtest.prove.growth import Growth
from loadtest.prove.machine import Machine
from loadtest.prove.sampling import HARNESS, SERVER, Sample
from loadtest.scenarios.messages import Glance, Results

FORMAT: Final = 1
T = TypeVar("T")
Outcome = Literal["proved", "not proved", "broken off"]

_PACKAGES: Final = (
    "hubbub", "trio", "wsproto", "h11", "msgspec", "sqlalchemy", "coredis", "locust", "gevent", "hdrhistogram",
    "matplotlib",
)  # fmt: skip


class Claim(Struct, frozen=True, kw_only=True):
    """Something that is promised, and what was seen of it.

    Attributes
    ----------
    met
        None where it was not measured.
    decides
        Whether the run fails if it is not met: so it is with correctness, and not with speed or memory.
    """

    what: str
    aim: str
    measured: str
    met: bool | None
    decides: bool = False


class Memory(Struct, frozen=True, kw_only=True):
    """Bytes for each of so many connections: the growth since nobody was connected; and what there was before.

    Attributes
    ----------
    slab, buffers
        Of the kernel, whole machine: both ends of a connection where both are here.
    server_slope, harness_slope
        Unique bytes for each open file, by the straight line that fits best while they came: what a process needs once
        is not in it, nor what it holds while it opens connections. None where there were too few looks for a line.
    machine
        By which the memory that is left shrank: everything together, whoever took it.
    """

    connections: int
    empty_at: float
    full_at: float
    server_unique: float | None
    server_proportional: float | None
    server_slope: float | None
    server_base: int | None
    slab: float
    buffers: float
    harness: float
    harness_slope: float | None
    harness_base: int
    machine: float


class Surroundings(Struct, frozen=True, kw_only=True):
    """What else went on.

    Attributes
    ----------
    busy_before, load_before
        The share of all cores that was in use before anything was started, and the load average.
    busy_others
        The share of all cores that others used during the run.
    watching
        The share of one core that this took: looking, and showing how it stands.
    """

    busy_before: float
    load_before: tuple[float, float, float]
    busy_others: float | None = None
    watching: float | None = None

    @property
    def idle(self) -> bool:
        """Whether the machine had next to nothing else to do."""
        return self.busy_before <= _IDLE and (self.busy_others is None or self.busy_others <= _IDLE)


_IDLE: Final = 0.05


class Seeded(Struct, frozen=True, kw_only=True):
    """People who were written before anything was measured."""

    users: int
    rooms: str
    seconds: float


class Report(Struct, kw_only=True):
    """See the top of this file. Times in `samples`, `glances` and `told` are seconds since the measuring began."""

    format: int = FORMAT
    made_at: str
    command: list[str]
    outcome: Outcome
    fault: str = ""
    said: str = ""
    """The last lines of whoever was at fault."""
    wish: Wish
    seed: int
    run: str = "a single run"
    target: str
    machine: Machine
    kernel_settings: dict[str, str]
    versions: dict[str, str]
    commit: str | None
    surroundings: Surroundings
    forecast: Forecast
    seeded: Seeded | None = None
    claims: list[Claim] = []
    memory: Memory | None = None
    growth: list[Growth] = []
    """With fewer people, on the way to all."""
    results: Results | None = None
    connections_by_worker: dict[str, int] = {}
    steps: dict[str, float] = {}
    """Seconds that each step of the run took."""
    began: float = 0.0
    """When the scenario began."""
    notes: list[str] = []
    samples: list[Sample] = []
    glances: list[Glance] = []
    told: list[Told] = []

    @property
    def exit_code(self) -> int:
        return 0 if self.outcome == "proved" else 1


def thinned(series: Sequence[T], most: int) -> list[T]:
    """Every so-many-th of a long series, and its last one: what a plot shows is a few hundred points wide."""
    every = max(1, math.ceil(len(series) / most))
    return [*series[::every], *(series[-1:] if len(series) % every != 1 and every > 1 else ())]


def write(report: Report, file: Path) -> None:
    file.write_bytes(msgspec.json.format(msgspec.json.encode(report), indent=1))


def read(file: Path) -> Report:
    """Raises `msgspec.DecodeError` for what is no report."""
    return msgspec.json.decode(file.read_bytes(), type=Report)


def versions() -> dict[str, str]:
    """Of Python and of the packages that matter here."""
    found = {"python": platform.python_version()}
    for name in _PACKAGES:
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    return found


def commit_of(folder: Path) -> str | None:
    """The git commit of the sources in `folder`, with `+` if files differ from it; None where there is none."""
    try:
        name = _git(folder, "rev-parse", "--short=12", "HEAD")
        changed = _git(folder, "status", "--porcelain", "--untracked-files=no")
    except (OSError, subprocess.SubprocessError):
        return None
    return name + ("+" if changed else "")


def _git(folder: Path, *words: str) -> str:
    command = ["git", "-C", str(folder), *words]
    done = subprocess.run(command, capture_output=True, text=True, timeout=10, check=True)  # noqa: S603 - ours
    return done.stdout.strip()


def memory_between(empty: Sample, full: Sample, samples: Sequence[Sample], connections: int) -> Memory:
    """What each connection takes, from a look at nobody and one at everybody, and those `samples` between them."""

    def each(before: int, after: int) -> float:
        return round((after - before) / connections, 1)

    came = [sample for sample in samples if sample.at <= full.at]  # a storm takes memory of its own
    before, after = empty.groups.get(SERVER), full.groups.get(SERVER)
    harness_before, harness_after = empty.groups[HARNESS], full.groups[HARNESS]
    return Memory(
        connections=connections,
        empty_at=empty.at,
        full_at=full.at,
        server_unique=each(before.unique, after.unique) if before and after else None,
        server_proportional=each(before.proportional, after.proportional) if before and after else None,
        server_slope=slope(SERVER, empty, came, connections),
        server_base=before.unique if before else None,
        slab=each(empty.slab, full.slab),
        buffers=each(empty.buffers, full.buffers),
        harness=each(harness_before.unique, harness_after.unique),
        harness_slope=slope(HARNESS, empty, came, connections),
        harness_base=harness_before.unique,
        machine=each(full.available, empty.available),
    )


def slope(group: str, empty: Sample, samples: Sequence[Sample], connections: int) -> float | None:
    """Unique bytes for each connection while they came, from a fifth of them to all: least squares."""
    points = []
    for sample in samples:
        if sample.at > empty.at and group in sample.groups:
            opened = sample.groups[group].files - empty.groups[group].files
            if opened >= connections:
                break
            if opened >= connections / 5:
                points.append((opened, sample.groups[group].unique))
    if len(points) < _LOOKS_FOR_A_LINE or points[-1][0] - points[0][0] < connections / 4:
        return None
    line = statistics.linear_regression([opened for opened, _ in points], [unique for _, unique in points])
    return round(line.slope, 1)


_LOOKS_FOR_A_LINE: Final = 5


def last_before(samples: Sequence[Sample], at: float) -> Sample | None:
    """The newest look before a moment."""
    return next((sample for sample in reversed(samples) if sample.at <= at), None)
