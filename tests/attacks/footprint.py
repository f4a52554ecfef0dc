"""What a server process holds: descriptors and memory. An attack may cost some, and has to give it back.

The descriptors of the database do not count: each thread of the reader opens its own when it is first needed.
"""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tests.bench.measure import proportional_memory

PATIENCE = 30.0
MEBIBYTE = 2**20


@dataclass(frozen=True, slots=True)
class Footprint:
    """`memory` is Pss, in bytes."""

    descriptors: int
    memory: int

    @classmethod
    def of(cls, pid: int) -> Footprint:
        return cls(sum("hubbub.sqlite3" not in name for name in _open_files(pid)), proportional_memory(pid))

    def __str__(self) -> str:
        return f"{self.descriptors} descriptors, {self.memory / MEBIBYTE:.1f} MiB"


def _open_files(pid: int) -> Iterator[str]:
    for entry in Path(f"/proc/{pid}/fd").iterdir():
        with contextlib.suppress(FileNotFoundError):  # it is closed by now
            yield os.readlink(entry)


def comes_back(pid: int, before: Footprint, *, memory: int) -> Footprint:
    """Wait until the process holds what it held before, and so many bytes more at the most."""
    end = time.monotonic() + PATIENCE
    while True:
        now = Footprint.of(pid)
        if now.descriptors <= before.descriptors and now.memory <= before.memory + memory:
            return now
        assert time.monotonic() < end, f"before: {before}; and now, still: {now}"
        time.sleep(0.1)
