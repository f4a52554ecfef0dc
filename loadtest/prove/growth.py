"""What a connection and a delivery cost with ten, a hundred and a thousand times as many: from one run.

A proof with `growth` pauses at so many people, at ten times as many, and so on, until all are there. Of each of these
rests there are two looks from outside at least, and behind each is a broadcast. Pure.

The rule: what was too short to be measured is None. The kernel counts in hundredths of a second, so a broadcast that
takes less than half a second says nothing of processors.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Final

from msgspec import Struct

from loadtest.prove.sampling import HARNESS, SERVER, Sample
from loadtest.scenarios.broadcast import LAST
from loadtest.scenarios.burdens import MACHINE_CPU
from loadtest.scenarios.messages import PhaseResult
from loadtest.scenarios.play import ARRIVAL
from loadtest.scenarios.proof import HOLD, REST

_BROADCAST: Final = "broadcast "
_LEAST_SECONDS: Final = 3.0  # between two looks that are compared
_SETTLES_SECONDS: Final = 1.5  # behind the beginning of a rest, until what came before is over


class Growth(Struct, frozen=True, kw_only=True):
    """With so many people there.

    Attributes
    ----------
    connects_per_second
        Of the part that came last.
    server, slab, buffers, harness, machine
        Bytes for each connection, beside what there was with nobody; None of a server that was not looked at.
    server_idle, harness_idle, machine_idle
        Cores that were in use while nothing but heartbeats went on.
    last_receipt
        Seconds from a broadcast to its last receipt; of several, the median.
    delivery
        Microseconds of processor for each delivery of it, all of the machine.
    """

    people: int
    connects_per_second: float
    server: float | None
    slab: float
    buffers: float
    harness: float
    machine: float
    server_idle: float | None
    harness_idle: float | None
    machine_idle: float | None
    last_receipt: float | None
    delivery: float | None


def growth_of(
    phases: Sequence[PhaseResult], began: float, empty: Sample, samples: Sequence[Sample], connections: int, cores: int
) -> list[Growth]:
    """A line for each number of people at which they rested, the last one of all.

    Parameters
    ----------
    began
        When the scenario did, by the samples' clock.
    empty
        The look at nobody.
    """
    return list(_lines(phases, began, empty, samples, connections, cores))


def _lines(
    phases: Sequence[PhaseResult], began: float, empty: Sample, samples: Sequence[Sample], connections: int, cores: int
) -> Iterator[Growth]:
    for at, phase in enumerate(phases):
        if not phase.in_time or not (phase.name == HOLD or phase.name.startswith(REST)):
            continue
        came = phases[at - 1]
        people = connections if phase.name == HOLD else int(phase.name.removeprefix(REST).replace(",", ""))
        first, last = began + phase.began + _SETTLES_SECONDS, began + phase.began + phase.seconds
        looks = [sample for sample in samples if first <= sample.at <= last]
        if looks and came.name.startswith(ARRIVAL):
            yield _line(people, came, empty, looks, _broadcasts(phases[at:], phase.name), cores)


def _broadcasts(behind: Iterable[PhaseResult], rest: str) -> list[PhaseResult]:
    """Those that everybody who was there heard before others came, or were cut off."""
    end = ARRIVAL if rest != HOLD else "storm"
    found = []
    for phase in behind:
        if phase.name.startswith(end):
            break
        if phase.name.startswith(_BROADCAST) and phase.in_time:
            found.append(phase)
    return found


def _line(
    people: int, came: PhaseResult, empty: Sample, looks: Sequence[Sample], heard: Sequence[PhaseResult], cores: int
) -> Growth:
    full = looks[-1]

    def each(before: int, after: int) -> float:
        return round((after - before) / people, 1)

    lasts = sorted(phase.figures[LAST] for phase in heard if LAST in phase.figures)
    return Growth(
        people=people,
        connects_per_second=round(came.counts.get("connects", 0) / max(came.seconds, 1e-3), 1),
        server=each(empty.groups[SERVER].unique, full.groups[SERVER].unique) if SERVER in full.groups else None,
        slab=each(empty.slab, full.slab),
        buffers=each(empty.buffers, full.buffers),
        harness=each(empty.groups[HARNESS].unique, full.groups[HARNESS].unique),
        machine=each(full.available, empty.available),
        server_idle=_cores_of(looks, lambda sample: sample.groups[SERVER].cpu) if SERVER in full.groups else None,
        harness_idle=_cores_of(looks, lambda sample: sample.groups[HARNESS].cpu),
        machine_idle=_cores_of(looks, lambda sample: sample.busy),
        last_receipt=round(lasts[len(lasts) // 2], 3) if lasts else None,
        delivery=_cost_of(heard, cores),
    )


def _cores_of(looks: Sequence[Sample], spent: Callable[[Sample], float]) -> float | None:
    first, last = looks[0], looks[-1]
    if last.at - first.at < _LEAST_SECONDS:
        return None
    return round((spent(last) - spent(first)) / (last.at - first.at), 3)


def _cost_of(heard: Sequence[PhaseResult], cores: int) -> float | None:
    measured = [phase for phase in heard if MACHINE_CPU in phase.figures]
    delivered = sum(phase.counts.get("delivered", 0) for phase in measured)
    spent = sum(phase.figures[MACHINE_CPU] * cores * phase.seconds for phase in measured)
    return round(spent / delivered * 1e6, 2) if delivered else None
