"""Who is busy on this machine: this process, the server's processes where they run here, all cores, the disk (proc(5)).

The server's processes are those that hold a socket which listens on its port. Where nothing can be seen (another
machine, another owner's processes) there is nothing said of it.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Final

from clients.endpoint import Endpoint
from loadtest.scenarios.burdens import DISK_WAIT, MACHINE_CPU, SERVER_CPU

_TICK: Final = os.sysconf("SC_CLK_TCK")
_LEAST: Final = 50 / _TICK  # seconds; an error of two of a hundred
_FIRST_FILES: Final = 64
"""Of a process, that are looked at: a server opens what it listens on before its clients come, of which there are
thousands."""
_LISTENING: Final = "0A"  # TCP_LISTEN, include/net/tcp_states.h


def listening_processes(endpoints: Iterable[Endpoint]) -> list[int]:
    """The ids of the processes of this machine that listen on these ports, as far as they may be seen."""
    inodes = {f"socket:[{inode}]" for endpoint in endpoints for inode in _listening_sockets(endpoint.port)}
    return [pid for pid in _processes() if inodes and _holds(pid, inodes)]


def _listening_sockets(port: int) -> list[str]:
    """Those that listen stand before all others in the kernel's tables, which may have a hundred thousand lines."""
    found = []
    for table in ("tcp", "tcp6"):
        with suppress(OSError), Path("/proc/net", table).open() as lines:
            for fields in map(str.split, islice(lines, 1, None)):
                if fields[3] != _LISTENING:
                    break
                if int(fields[1].rpartition(":")[2], 16) == port:
                    found.append(fields[9])
    return found


def _processes() -> list[int]:
    return [int(path.name) for path in Path("/proc").iterdir() if path.name.isdigit()]


def _holds(pid: int, inodes: set[str]) -> bool:
    with suppress(OSError), os.scandir(f"/proc/{pid}/fd") as descriptors:
        for descriptor in islice(descriptors, _FIRST_FILES):
            with suppress(OSError):
                if os.readlink(descriptor.path) in inodes:
                    return True
    return False


@dataclass(frozen=True, slots=True)
class Look:
    """How busy everybody was since they began: seconds. `busy` and `idle` are of all cores together."""

    at: float
    busy: float
    idle: float
    disk: float | None
    servers: dict[int, float]


def look(servers: Iterable[int]) -> Look:
    """Now."""
    user, nice, system, idle, waiting, *rest = (
        int(field) / _TICK for field in Path("/proc/stat").read_text().split("\n", 1)[0].split()[1:]
    )
    spent = {pid: seconds for pid in servers if (seconds := _cpu_of(pid)) is not None}
    return Look(time.monotonic(), user + nice + system + sum(rest[:3]), idle + waiting, _disk_wait(), spent)


def between(before: Look, after: Look) -> dict[str, float]:
    """What is to be said of the time between two looks, as figures of `burdens.py`; nothing where it is too short: the
    kernel counts in ticks."""
    seconds = after.at - before.at
    if seconds < _LEAST:
        return {}
    busy, idle = after.busy - before.busy, after.idle - before.idle
    figures = {MACHINE_CPU: busy / max(busy + idle, 1e-3)}
    if before.disk is not None and after.disk is not None:
        figures[DISK_WAIT] = (after.disk - before.disk) / seconds
    shares = [(after.servers[pid] - spent) / seconds for pid, spent in before.servers.items() if pid in after.servers]
    return figures | ({SERVER_CPU: max(shares)} if shares else {})


def _cpu_of(pid: int) -> float | None:
    with suppress(OSError):
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / _TICK
    return None


def _disk_wait() -> float | None:
    """Seconds in which some process waited for a disk, since the machine started (Documentation/accounting/psi.rst)."""
    with suppress(OSError):
        total = Path("/proc/pressure/io").read_text().split("\n", 1)[0].rpartition("total=")[2]
        return int(total) / 1e6
    return None
