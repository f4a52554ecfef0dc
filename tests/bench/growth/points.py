"""What is known of one number of people, or of rooms: measured here, or by `hubbub prove`.

The rule: nothing is made up for a figure that a run did not have, or had too little time to show; it is None. Memory is
for each connection; the base that processes have without anybody is left out, and told by its own.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Final, Literal

from msgspec import Struct

from loadtest.prove.growth import Growth
from loadtest.prove.results import Report, read
from loadtest.prove.sampling import HARNESS, SERVER
from loadtest.scenarios.messages import PhaseResult

Series = Literal["people", "rooms", "tens"]
"""Ever more people; ever more and smaller rooms for the same people; ever more rooms of ten for the same people."""

LONGER_AT_MOST: Final = 1.5
"""How many times as long as the broadcasts the time between two looks around them may be, so that what they cost can be
told from what else went on."""

_BROADCAST: Final = "broadcast "


class Point(Struct, frozen=True, kw_only=True):
    """One run.

    Attributes
    ----------
    series, x
        Over what it is plotted, and where.
    source
        How it was measured, or the file.
    members, memberships
        Of the rooms in which was posted; rooms of each person.
    server_bytes, harness_bytes, kernel_bytes
        For each connection. The kernel's part is for both ends, slab and buffers.
    server_us, both_us
        Microseconds of CPU for each delivery, of the server, and of server and load together.
    server_us_post
        The same of the server, for each post.
    load
        Of the machine before it began.
    """

    series: Series
    x: int
    source: str
    connections: int
    workers: int
    rooms: int | None = None
    members: float | None = None
    memberships: int | None = None
    server_base: int | None = None
    server_bytes: float | None = None
    harness_bytes: float | None = None
    kernel_bytes: float | None = None
    server_us: float | None = None
    both_us: float | None = None
    server_us_post: float | None = None
    deliveries: int = 0
    load: float | None = None
    busy_others: float | None = None


def of_file(file: Path) -> list[Point]:
    """A run of `hubbub prove`, from its results.json; those on the way, where it paused, and all who came."""
    report = read(file)
    whole = of_report(report, str(file))
    return [*(_on_the_way(line, whole) for line in report.growth if line.people < whole.connections), whole]


def _on_the_way(line: Growth, whole: Point) -> Point:
    """What a broadcast cost then is that of all of the machine: of server and load together."""
    return Point(
        series="people",
        x=line.people,
        source=whole.source,
        connections=line.people,
        workers=whole.workers,
        server_base=whole.server_base,
        server_bytes=line.server,
        harness_bytes=line.harness,
        kernel_bytes=line.slab + line.buffers,
        both_us=line.delivery,
        load=whole.load,
        busy_others=whole.busy_others,
    )


def of_report(report: Report, source: str) -> Point:
    """When everybody was there."""
    memory, costs = report.memory, _of_broadcasts(report)
    kernel = None if memory is None else memory.slab + memory.buffers
    return Point(
        series="people",
        x=report.wish.connections,
        source=source,
        connections=report.wish.connections,
        workers=report.forecast.workers,
        members=None if costs is None else report.wish.connections,
        server_base=None if memory is None else memory.server_base,
        server_bytes=None if memory is None else memory.server_unique,
        harness_bytes=None if memory is None else memory.harness,
        kernel_bytes=kernel,
        server_us=None if costs is None else costs[0],
        both_us=None if costs is None else costs[1],
        deliveries=0 if costs is None else costs[2],
        load=report.surroundings.load_before[0],
        busy_others=report.surroundings.busy_others,
    )


def _of_broadcasts(report: Report) -> tuple[float, float, int] | None:
    """CPU of the server, and of both, for each delivery, and how many there were: of all broadcasts but the first,
    which warms. The looks just before and just after them may be so far away that it cannot be told."""
    phases = [] if report.results is None else report.results.phases
    sent = [phase for phase in phases if phase.name.startswith(_BROADCAST)][1:]
    if not sent:
        return None
    begin, end = report.began + sent[0].began, report.began + _end(sent)
    before = next((one for one in reversed(report.samples) if one.at <= begin and SERVER in one.groups), None)
    after = next((one for one in report.samples if one.at >= end and SERVER in one.groups), None)
    if before is None or after is None or after.at - before.at > LONGER_AT_MOST * (end - begin):
        return None
    deliveries = sum(phase.counts["delivered"] for phase in sent)
    server = after.groups[SERVER].cpu - before.groups[SERVER].cpu
    both = server + after.groups[HARNESS].cpu - before.groups[HARNESS].cpu
    return round(server / deliveries * 1e6, 2), round(both / deliveries * 1e6, 2), deliveries


def _end(phases: Sequence[PhaseResult]) -> float:
    return phases[-1].began + phases[-1].seconds
