"""What a run costs, seen from outside: the kernel's account of processes, sockets and memory (proc(5)).

The rules:
- What is unique to a process is what its end would give back (Private_* of smaps_rollup); proportional memory shares
  out what several have. The kernel walks a process's page tables for it, so a sampler that looked as often as it can
  would be part of the load: it takes a fiftieth of the time at the most.
- A process that ends while it is looked at is left out.
- What the kernel holds for connections has no owner: it is the growth of the slab and of TCP's buffers since nobody was
  connected, of the whole machine. Whatever else runs here meanwhile is in it, and in the CPU time of others.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Final

from msgspec import Struct

from loadtest.prove.machine import meminfo, tcp_pages
from loadtest.prove.processes import Process, Table, table

SERVER, HARNESS = "server", "harness"
"""Names of the groups in each `Sample`."""

_LEAST_PAUSE: Final = 1.0  # seconds
_SHARE_OF_TIME: Final = 50
_TICK: Final = os.sysconf("SC_CLK_TCK")
_PAGE: Final = os.sysconf("SC_PAGE_SIZE")


class Usage(Struct, frozen=True, kw_only=True):
    """Of one process, or of several together: bytes, seconds since they began, open files."""

    processes: int = 0
    unique: int = 0
    proportional: int = 0
    cpu: float = 0.0
    files: int = 0


class Sample(Struct, frozen=True, kw_only=True):
    """One look.

    Attributes
    ----------
    at
        Seconds since the sampler began.
    took, here
        Seconds of CPU for this look, and of this process since it began.
    groups
        The server's processes together, and locust's; each process by itself is in `each` where that was asked for.
    slab, buffers, available
        Bytes, of the whole machine: the kernel's objects, TCP's buffers, memory that is left.
    buffers_peak
        The most that TCP's buffers held since the look before, of ten glimpses a second.
    sockets
        Of TCP, both ends counted; those waiting after their end (TIME_WAIT) are not.
    busy
        Seconds of CPU that all processes of the machine used since it started.
    """

    at: float
    took: float
    here: float
    groups: dict[str, Usage]
    each: dict[str, list[Usage]] | None
    slab: int
    buffers: int
    buffers_peak: int = 0
    available: int
    sockets: int
    busy: float


class Sampler:
    """Looks now and then.

    Parameters
    ----------
    families
        By the group's name, what tells which of all processes it is made of now.
    clock, cpu
        Seconds of any clock that never steps back, and of CPU time of this process.
    """

    def __init__(
        self,
        families: Mapping[str, Callable[[Table], Sequence[Process]]],
        clock: Callable[[], float] = time.monotonic,
        cpu: Callable[[], float] = time.process_time,
    ) -> None:
        self._families = families
        self._clock = clock
        self._cpu = cpu
        self._began = self._due = clock()
        self._peak = 0
        self.samples: list[Sample] = []

    def now(self) -> float:
        """Seconds since this sampler began."""
        return self._clock() - self._began

    def look_if_due(self, *, each: bool = False) -> None:
        """Look, if the last time is long enough ago for what it cost; else have a glimpse of what may be short."""
        self._peak = max(self._peak, tcp_pages() * _PAGE)
        if self._clock() >= self._due:
            self.look(each=each)

    def look(self, *, each: bool = False) -> Sample:
        """Look now. `each`: keep what every process uses by itself."""
        begun = self._cpu()
        now = table()
        usages = {
            name: [use for one in family(now) if (use := usage(one.pid))] for name, family in self._families.items()
        }
        memory = meminfo()
        buffers = tcp_pages() * _PAGE
        ended = self._cpu()
        sample = Sample(
            at=round(self.now(), 3),
            took=round(ended - begun, 5),
            here=round(ended, 3),
            groups={name: total(uses) for name, uses in usages.items()},
            each=usages if each else None,
            slab=memory["Slab"],
            buffers=buffers,
            buffers_peak=max(self._peak, buffers),
            available=memory["MemAvailable"],
            sockets=tcp_sockets(),
            busy=busy_seconds(),
        )
        self.samples.append(sample)
        self._peak = 0
        self._due = self._clock() + pause_after(sample.took)
        return sample


def pause_after(took: float) -> float:
    """Seconds until the next look may be, after one that took so many."""
    return max(_LEAST_PAUSE, took * _SHARE_OF_TIME)


def total(uses: Iterable[Usage]) -> Usage:
    """All of them together."""
    listed = list(uses)
    return Usage(
        processes=len(listed),
        unique=sum(use.unique for use in listed),
        proportional=sum(use.proportional for use in listed),
        cpu=round(sum(use.cpu for use in listed), 2),
        files=sum(use.files for use in listed),
    )


def usage(pid: int) -> Usage | None:
    """Of one process; None if it has ended."""
    folder = Path("/proc", str(pid))
    with suppress(OSError):
        rollup = _kilobytes((folder / "smaps_rollup").read_text())
        fields = (folder / "stat").read_text().rpartition(")")[2].split()
        return Usage(
            processes=1,
            unique=rollup["Private_Clean"] + rollup["Private_Dirty"],
            proportional=rollup["Pss"],
            cpu=(int(fields[11]) + int(fields[12])) / _TICK,
            files=_open_files(folder / "fd"),
        )
    return None


def _kilobytes(rollup: str) -> dict[str, int]:
    lines = (line.split() for line in rollup.splitlines()[1:])
    return {fields[0].rstrip(":"): int(fields[1]) * 1024 for fields in lines}


def _open_files(folder: Path) -> int:
    return os.stat(folder).st_size or len(os.listdir(folder))  # the size is told from Linux 6.2 on


def tcp_sockets() -> int:
    """Open ones of this machine."""
    for line in Path("/proc/net/sockstat").read_text().splitlines():
        name, *fields = line.split()
        if name == "TCP:":
            return int(fields[fields.index("inuse") + 1])
    return 0


def busy_seconds() -> float:
    """CPU time of all cores that was neither idle nor taken by another virtual machine, since the start."""
    user, nice, system, _idle, _waiting, irq, softirq, *_ = Path("/proc/stat").read_text().split("\n", 1)[0].split()[1:]
    return sum(map(int, (user, nice, system, irq, softirq))) / _TICK


def busy_share(seconds: float, cores: int) -> float:
    """How much of the cores is used in the next so many seconds: 0 to 1."""
    before, begun = busy_seconds(), time.monotonic()
    time.sleep(seconds)
    return round((busy_seconds() - before) / (time.monotonic() - begun) / cores, 3)
