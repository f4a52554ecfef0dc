"""Which processes belong to a server, and what they use together."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from tests.bench import measure


def server_processes(pid: int) -> list[int]:
    """The process itself and those it has started, but for an engine of its own."""
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return [pid, *(int(child) for child in children if not _is_engine(child))]


def _is_engine(pid: str) -> bool:
    return any(name in Path(f"/proc/{pid}/comm").read_text() for name in ("valkey", "redis"))


def all_seconds(pids: Iterable[int]) -> float:
    """User and system time of all of them, in seconds."""
    return sum(map(measure.cpu_seconds, pids))
