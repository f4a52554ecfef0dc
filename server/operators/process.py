"""The process as the kernel sees it (proc(5)). To be read in a thread: going through the open files of a full server
takes milliseconds.
"""

from __future__ import annotations

import os
import resource
from pathlib import Path

from msgspec import Struct


class ProcessFigures(Struct, frozen=True):
    """Times in seconds, memory in bytes; `most_files` is infinite where there is no limit."""

    cpu_seconds: float
    resident_bytes: int
    open_files: int
    most_files: float


def read_process() -> ProcessFigures:
    """How this process is now."""
    times = os.times()
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    most, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return ProcessFigures(
        cpu_seconds=times.user + times.system,
        resident_bytes=pages * os.sysconf("SC_PAGE_SIZE"),
        open_files=len(os.listdir("/proc/self/fd")) - 1,  # without the one that lists them
        most_files=float("inf") if most == resource.RLIM_INFINITY else most,
    )
