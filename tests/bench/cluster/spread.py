"""Server CPU for a delivery in a room of 400: everyone at one process, and spread over two workers of a cluster.

Posts are made at a steady pace, one in flight; each has reached all 400 before the next one. In the cluster they are
made by those who are connected to the worker that owns the room, or by those of the other one: these cost more, because
what they say travels to the room, and the answer back. Both servers stand side by side and are measured in turn. What
they use while nothing happens (beats, leases, looks at the table) is measured,
too, and told apart: it is a cost of the cluster, not of a delivery.
"""

from __future__ import annotations

import contextlib
import statistics
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.bench import measure
from tests.bench.cluster.processes import all_seconds, server_processes
from tests.bench.crowd import Crowd, Peer, hear_with
from tests.bench.seed import seed
from tests.bench.stage import FAR_LIMITS, SERVER_CPU, pinned
from tests.harness.server import ServerProcess

MEMBERS = 400
PACE = 0.02  # seconds between two posts, at the least


@dataclass(frozen=True)
class Side:
    """One of the two servers, with everyone connected. `members`: whom a post reaches."""

    name: str
    pids: Sequence[int]
    peers: list[Peer]
    members: int = MEMBERS


@dataclass(frozen=True)
class Found:
    """Microseconds of the servers' CPU for each delivery, what they use anyway taken off; that, in ms a second."""

    cpu_us: float
    idle_ms: float


@contextlib.contextmanager
def side(folder: Path, crowd: Crowd, name: str, options: Sequence[str] = (), members: int = MEMBERS) -> Iterator[Side]:
    """A server with these options, and a room in which all its members are connected."""
    data = folder / name
    (people,) = seed(data, [members]).rooms
    server = ServerProcess(data, environment=FAR_LIMITS | {"HUBBUB_LOG_LEVEL": "warning"}, options=options)
    with pinned(SERVER_CPU):
        server.start(60)
    try:
        peers = crowd.connect(server.address, [(one.token, one.room) for one in people])
        yield Side(name, server_processes(server.process.pid), peers, members)
        crowd.leave(peers)
    finally:
        server.stop(30)


def round_of(crowd: Crowd, one: Side, posters: Sequence[Peer], seconds: float) -> Found:
    """These post for so long, in turn; then all rest for as long."""
    arrived = wanted = 0

    def heard(_peer: Peer, payload: bytes) -> None:
        nonlocal arrived
        arrived += payload.startswith(b'{"op":"message"')

    hear_with(one.peers, heard)
    begin, before = time.perf_counter(), all_seconds(one.pids)
    while time.perf_counter() - begin < seconds:
        asked = time.perf_counter()
        posters[wanted // one.members % len(posters)].post()
        wanted += one.members
        crowd.run(lambda wanted=wanted: arrived >= wanted, 10)  # type: ignore[misc]
        assert arrived == wanted, (one.name, arrived, wanted)
        crowd.run(lambda: False, 0)
        time.sleep(max(0.0, asked + PACE - time.perf_counter()))
    lasted, used = time.perf_counter() - begin, all_seconds(one.pids) - before
    idle = resting(crowd, one, seconds)
    return Found((used - idle * lasted) / arrived * 1e6, idle * 1e3)


def resting(crowd: Crowd, one: Side, seconds: float) -> float:
    """Seconds of CPU a second, while nobody says anything."""
    begin, before = time.perf_counter(), all_seconds(one.pids)
    crowd.run(lambda: False, seconds)
    return (all_seconds(one.pids) - before) / (time.perf_counter() - begin)


def spread_figure(folder: Path, rounds: int, seconds: float) -> dict[str, object]:
    """Both sides, in turn; in the cluster, those of either worker."""
    with (
        contextlib.closing(Crowd()) as crowd,
        side(folder, crowd, "one process") as alone,
        side(folder, crowd, "two workers", ("--workers", "2")) as together,
    ):
        contests = [(alone, alone.peers), *((together, posters) for posters in _by_node(together.peers))]
        found: list[list[Found]] = [[] for _ in contests]
        for number in range(rounds + 1):
            for (one, posters), results in zip(contests, found, strict=True):
                result = round_of(crowd, one, posters, seconds if number else 1.0)
                if number:  # the first round warms
                    results.append(result)
    single, *spread = found
    at_owner, elsewhere = sorted(spread, key=lambda results: statistics.median(each.cpu_us for each in results))
    return {"one process": _told(single)} | {
        f"two workers, posted at {where}": _told(results)
        | {"to_one_process": measure.spread([o.cpu_us / s.cpu_us for s, o in zip(single, results, strict=True)])}
        for where, results in (("the owner", at_owner), ("the other", elsewhere))
    }


def _by_node(peers: Sequence[Peer]) -> list[list[Peer]]:
    """Those of each of the two workers."""
    nodes = sorted({peer.node for peer in peers})
    assert len(nodes) == 2, "all came to one worker"
    return [[peer for peer in peers if peer.node == node] for node in nodes]


def _told(results: Sequence[Found]) -> dict[str, object]:
    return {
        "cpu_us": measure.spread([each.cpu_us for each in results]),
        "idle_ms_a_second": measure.spread([each.idle_ms for each in results]),
    }
