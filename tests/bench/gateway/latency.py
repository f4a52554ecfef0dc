"""The latency run: 20 things a second to 200 members, from the moment each was due to its receipt by each member.

From when it was due, not from when it was sent: a server that keeps the client waiting must not gain by it.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

from tests.bench import measure
from tests.bench.crowd import Crowd, Peer, hear_with
from tests.bench.gateway.contestants import Contestant
from tests.bench.gateway.figures import DISK

PER_SECOND = 20


def latency(crowd: Crowd, contestant: Contestant, seconds: float) -> dict[str, float]:
    """Milliseconds of one round, and microseconds of server CPU for each delivery."""
    contestant.rest()
    taken: list[float] = []
    due = 0.0

    def heard(_peer: Peer, payload: bytes) -> None:
        if payload.startswith(contestant.opening):
            taken.append((time.perf_counter() - due) * 1e3)

    hear_with(contestant.peers, heard)
    begin, before = time.perf_counter(), measure.cpu_seconds(contestant.pid)
    for number in range(int(seconds * PER_SECOND)):
        due = begin + number / PER_SECOND
        early = due - time.perf_counter()
        if early > 0:
            time.sleep(early)
            due = time.perf_counter()
        contestant.ask()
        wanted = (number + 1) * contestant.receivers
        crowd.run(lambda wanted=wanted: len(taken) >= wanted, 10)  # type: ignore[misc]
        assert len(taken) == wanted, (contestant.name, len(taken), wanted)
    used = measure.cpu_seconds(contestant.pid) - before
    return _of(taken) | {"cpu_us": used / len(taken) * 1e6}


def _of(taken: list[float]) -> dict[str, float]:
    return {"p50_ms": measure.percentile(taken, 0.5), "p99_ms": measure.percentile(taken, 0.99)}


def latency_round(
    crowd: Crowd, contestants: list[Contestant], folder: Path, seconds: float
) -> Iterator[tuple[str, dict[str, float]]]:
    """One round of everyone, and of the disk: a bare append and `fdatasync`, as often a second."""
    for contestant in contestants:
        yield contestant.name, latency(crowd, contestant, seconds)
    synced = measure.fdatasync_loop(folder, seconds, 1 / PER_SECOND)
    yield DISK, _of(synced)
