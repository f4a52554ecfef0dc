"""What a process has used, read from /proc; and how long this disk takes to make a write durable."""

from __future__ import annotations

import os
import statistics
import time
from pathlib import Path

_ALL_THREADS = 2  # CPUCLOCK_SCHED, as clock_getcpuclockid(3) puts it together


def cpu_seconds(pid: int) -> float:
    """User and system time of all threads of a process, in seconds: to the nanosecond, where /proc has ticks."""
    return time.clock_gettime((~pid << 3) | _ALL_THREADS)


def main_thread_seconds(pid: int) -> float:
    """User and system time of the first thread of a process, in seconds; while it runs, some milliseconds behind."""
    return int(Path(f"/proc/{pid}/task/{pid}/schedstat").read_text().split()[0]) / 1e9


def proportional_memory(pid: int) -> int:
    """Pss of a process, in bytes: its own memory, and its share of what it has in common with others.

    That share moves by megabytes when another Python starts or ends, because the pages of its libraries are theirs too.
    """
    return _rolled_up(pid, "Pss")


def anonymous_memory(pid: int) -> int:
    """What of the Pss backs no file, in bytes: heaps and stacks, which nobody else can move."""
    return _rolled_up(pid, "Pss_Anon")


def _rolled_up(pid: int, field: str) -> int:
    for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
        if line.startswith(f"{field}:"):
            return int(line.split()[1]) * 1024
    raise LookupError(f"no {field} in smaps_rollup")


def file_system(path: Path) -> str:
    """The type of the file system that holds `path`, as /proc/mounts names it."""
    real = str(path.resolve())
    mounts = [line.split()[1:3] for line in Path("/proc/mounts").read_text().splitlines()]
    holding = [(len(at), kind) for at, kind in mounts if real == at or real.startswith(at.rstrip("/") + "/")]
    return max(holding)[1]


def percentile(values: list[float], share: float) -> float:
    """The value below which `share` (0 to 1) of `values` lie."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


def fdatasync_loop(folder: Path, seconds: float, pause: float = 0.0) -> list[float]:
    """Milliseconds of each append of 4 KiB with fdatasync, one after the other, so many seconds apart."""
    taken: list[float] = []
    path = folder / "fdatasync.probe"
    file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    block = os.urandom(4096)
    end = time.perf_counter() + seconds
    try:
        while time.perf_counter() < end:
            begin = time.perf_counter()
            os.write(file, block)
            os.fdatasync(file)
            taken.append((time.perf_counter() - begin) * 1000)
            time.sleep(pause)
    finally:
        os.close(file)
        path.unlink()
    return taken


def spread(values: list[float]) -> dict[str, float]:
    """Median and range of the rounds of one figure."""
    return {
        "median": round(statistics.median(values), 3),
        "min": round(min(values), 3),
        "max": round(max(values), 3),
        "rounds": len(values),
    }
