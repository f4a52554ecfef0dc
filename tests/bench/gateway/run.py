"""`make bench-gateway`: what a connection and a delivery cost, beside a bare loop of `send` and other servers.

Every server is pinned to one processor and every client to the other; CPU is user and system time of all threads of
the server; rounds are interleaved, and figures are their medians. A table, and one JSON object as the last line.
Nothing is asserted: timing is not a test.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import ssl
import sys
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[3]))

from tests.bench import measure
from tests.bench.crowd import Crowd, Peer
from tests.bench.gateway import table
from tests.bench.gateway.big_room import big_room
from tests.bench.gateway.connecting import SOME, connecting
from tests.bench.gateway.contestants import (
    Contestant,
    broadcasters,
    broadcasting,
    event_of,
    frame_bytes,
    hubbub,
    loop,
    over_tls,
    versions,
)
from tests.bench.gateway.delivering import delivering_round, warm
from tests.bench.gateway.figures import FLOOR, OURS, OVER_TLS, PASSING_FLOOR, Figures, medians
from tests.bench.gateway.latency import latency_round
from tests.bench.gateway.memory import memory_of_ours, memory_of_peer
from tests.bench.posts import answered_posts
from tests.bench.stage import CLIENT_CPU, disk, machine, pinned, served, started
from tests.harness.authority import Authority

POSTERS = 200

Part = Iterator[tuple[str, dict[str, float]]]
"""What is found of whom, in any order, as often as there are rounds."""
Door = tuple[str, int, tuple[str, int], list[tuple[str | None, Any]], ssl.SSLContext | None]
"""Whose, its process, its address, who arrives, and how they speak TLS if they do."""


@dataclass(frozen=True)
class Options:
    folder: Path
    rounds: int
    seconds: float
    rest: float
    only: tuple[str, ...]


def main() -> None:
    options = _options()
    folder = disk(options.folder.resolve())
    figures = Figures(machine(folder), options.rounds, versions())
    try:
        with pinned(CLIENT_CPU):
            for part in options.only:
                _say(f"{part} ...")
                figures.parts[part] = medians(PARTS[part](options))
    finally:  # what was found before something failed took its time, too
        print(table.text_of(figures))
        print(json.dumps(asdict(figures)), flush=True)


def _options() -> Options:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--folder", type=Path, default=Path("build"), help="where databases go: a disk, not tmpfs")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--seconds", type=float, default=2.0, help="length of one contestant's turn in a round")
    parser.add_argument("--rest", type=float, default=60.0, help="seconds of rest before memory is read")
    parser.add_argument("--only", choices=PARTS, action="append", help="a part of it; may be given again")
    given = parser.parse_args()
    given.folder.mkdir(exist_ok=True)
    return Options(given.folder, given.rounds, given.seconds, given.rest, tuple(given.only or PARTS))


def _say(progress: str) -> None:
    print(progress, file=sys.stderr, flush=True)


# --- the parts -----------------------------------------------------------------------------------------------------


@contextlib.contextmanager
def _an_authority() -> Iterator[Authority]:
    with tempfile.TemporaryDirectory() as folder:
        yield Authority(Path(folder))


@contextlib.contextmanager
def _everyone(options: Options) -> Iterator[tuple[Crowd, list[tuple[Contestant, Contestant]], list[Contestant]]]:
    """A crowd, ours each with the floor that sends as many bytes, and the others: ours under TLS, and the peers that
    are installed.
    """
    with contextlib.ExitStack() as stack:
        crowd = stack.enter_context(contextlib.closing(Crowd()))
        stored, passing = stack.enter_context(hubbub(crowd, options.folder))
        event = event_of(crowd, stored)
        floor = stack.enter_context(loop(crowd, FLOOR, frame_bytes(event)))
        small = stack.enter_context(loop(crowd, PASSING_FLOOR, frame_bytes(event_of(crowd, passing))))
        peers = [
            stack.enter_context(broadcasting(crowd, name, command, event)) for name, command in broadcasters().items()
        ]
        secured = stack.enter_context(over_tls(crowd, options.folder, stack.enter_context(_an_authority())))
        others = [secured, *peers]
        warm(crowd, [stored, passing, floor, small, *others])
        yield crowd, [(stored, floor), (passing, small)], others


def _deliveries(options: Options) -> Part:
    with _everyone(options) as (crowd, ours, peers):
        for _ in _rounds(options):
            yield from delivering_round(crowd, ours, peers, options.seconds)


def _latency(options: Options) -> Part:
    with _everyone(options) as (crowd, ours, peers):
        contestants = [each for pair in ours for each in pair] + peers
        for _ in _rounds(options):
            yield from latency_round(crowd, contestants, options.folder, 2 * options.seconds)


def _connects(options: Options) -> Part:
    with contextlib.ExitStack() as stack:
        server, people = stack.enter_context(served(options.folder, [SOME]))
        authority = stack.enter_context(_an_authority())
        secured, others = stack.enter_context(served(options.folder, [SOME], authority=authority))
        doors: list[Door] = [
            (OURS, server.process.pid, server.address, list(people.arrivals()), None),
            (OVER_TLS, secured.process.pid, secured.address, list(others.arrivals()), authority.trusting()),
        ]
        for name, command in broadcasters().items():
            process, address = stack.enter_context(started(*command))
            doors.append((name, process.pid, address, [(None, None)] * SOME, None))
        crowd = stack.enter_context(contextlib.closing(Crowd()))
        for _ in _rounds(options):
            for name, pid, address, arrivals, tls in doors:
                yield name, connecting(crowd, pid, address, arrivals, tls)


def _posts(options: Options) -> Part:
    with served(options.folder, [2] * (POSTERS // 2)) as (server, people), contextlib.closing(Crowd()) as crowd:
        peers = crowd.connect(server.address, people.arrivals())
        for _ in _rounds(options):
            yield OURS, _posts_round(server.process.pid, crowd, peers, options.seconds)


def _posts_round(pid: int, crowd: Crowd, peers: list[Peer], seconds: float) -> dict[str, float]:
    """Microseconds of CPU for each post, and where: the main thread does all but the transactions."""
    before, before_in_main = measure.cpu_seconds(pid), measure.main_thread_seconds(pid)
    taken = answered_posts(crowd, peers, POSTERS, seconds)
    used, in_main = measure.cpu_seconds(pid) - before, measure.main_thread_seconds(pid) - before_in_main
    return {
        "cpu_us": used / len(taken) * 1e6,
        "main_thread_us": in_main / len(taken) * 1e6,
        "other_threads_us": (used - in_main) / len(taken) * 1e6,
        "p50_ms": measure.percentile(taken, 0.5),
        "p99_ms": measure.percentile(taken, 0.99),
    }


def _big_room(options: Options) -> Part:
    return ((OURS, found) for found in big_room(options.folder, options.rounds))


def _memory(options: Options) -> Part:
    yield OURS, memory_of_ours(options.folder, options.rest)
    with _an_authority() as authority:
        yield OVER_TLS, memory_of_ours(options.folder, options.rest, authority)
    for name, command in broadcasters().items():
        _say(f"  {name}")
        yield name, memory_of_peer(command, options.rest)


def _rounds(options: Options) -> Iterator[None]:
    for number in range(options.rounds):
        _say(f"  round {number + 1}")
        yield


PARTS: dict[str, Callable[[Options], Part]] = {
    "deliveries": _deliveries,
    "latency": _latency,
    "connects": _connects,
    "posts": _posts,
    "big_room": _big_room,
    "memory": _memory,
}

if __name__ == "__main__":
    main()
