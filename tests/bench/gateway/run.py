"""`make bench-gateway`: what a connection and a delivery cost, beside a bare loop of `send` and other servers.

Every server is pinned to one processor and every client to the other; CPU is user and system time of all threads of
the server; rounds are interleaved, and figures are their medians. A table, and one JSON object as the last line.
Nothing is asserted: timing is not a test.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import sys
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[3]))

from tests.bench import measure
from tests.bench.crowd import Crowd
from tests.bench.gateway import table
from tests.bench.gateway.big_room import big_room
from tests.bench.gateway.connecting import SOME, connecting
from tests.bench.gateway.contestants import Contestant, broadcasters, broadcasting, event_of, hubbub, loop, versions
from tests.bench.gateway.delivering import delivering_round, warm
from tests.bench.gateway.latency import latency_round
from tests.bench.gateway.memory import memory_of_ours, memory_of_peer
from tests.bench.posts import answered_posts
from tests.bench.stage import CLIENT_CPU, disk, machine, pinned, served, started

POSTERS = 200
SECTIONS = ("deliveries", "latency", "connects", "posts", "big_room", "memory")

Figures = dict[str, Any]
"""By section, by who, by what: numbers, which are medians over the rounds."""


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
    figures: Figures = {
        "machine": machine(folder),
        "rounds": options.rounds,
        "peers": versions(),
    }
    with pinned(CLIENT_CPU):
        for section in options.only:
            _say(f"{section} …")
            figures[section] = MEASURES[section](options)
    print(table.text_of(figures))
    print(json.dumps(figures), flush=True)


def _options() -> Options:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--folder", type=Path, default=Path("build"), help="where databases go: a disk, not tmpfs")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--seconds", type=float, default=2.0, help="length of one contestant's turn in a round")
    parser.add_argument("--rest", type=float, default=60.0, help="seconds of rest before memory is read")
    parser.add_argument("--only", choices=SECTIONS, action="append", help="a part of it; may be given again")
    given = parser.parse_args()
    given.folder.mkdir(exist_ok=True)
    return Options(given.folder, given.rounds, given.seconds, given.rest, tuple(given.only or SECTIONS))


def _say(progress: str) -> None:
    print(progress, file=sys.stderr, flush=True)


# --- the sections --------------------------------------------------------------------------------------------------


@contextlib.contextmanager
def _everyone(options: Options) -> Iterator[tuple[Crowd, list[tuple[Contestant, Contestant]], list[Contestant]]]:
    """A crowd, ours each with the floor that sends as many bytes, and the peers that are installed."""
    crowd = Crowd()
    with contextlib.ExitStack() as stack:
        stack.callback(crowd.close)
        stored, passing = stack.enter_context(hubbub(crowd, options.folder))
        event = event_of(crowd, stored)
        floors = {
            "floor": stack.enter_context(loop(crowd, "floor", _frame_bytes(event))),
            "floor, not stored": stack.enter_context(
                loop(crowd, "floor, not stored", _frame_bytes(event_of(crowd, passing)))
            ),
        }
        peers = [
            stack.enter_context(broadcasting(crowd, name, command, event)) for name, command in broadcasters().items()
        ]
        warm(crowd, [stored, passing, *floors.values(), *peers])
        yield crowd, [(stored, floors["floor"]), (passing, floors["floor, not stored"])], peers


def _frame_bytes(payload: bytes) -> int:
    return len(payload) + (2 if len(payload) < 126 else 4)


def _deliveries(options: Options) -> Figures:
    rounds: dict[str, list[Figures]] = defaultdict(list)
    with _everyone(options) as (crowd, ours, peers):
        for number in range(options.rounds):
            _say(f"  round {number + 1}")
            for name, found in delivering_round(crowd, ours, peers, options.seconds):
                rounds[name].append(found)
    return _medians(rounds)


def _latency(options: Options) -> Figures:
    rounds: dict[str, list[Figures]] = defaultdict(list)
    with _everyone(options) as (crowd, ours, peers):
        contestants = [each for pair in ours for each in pair] + peers
        for number in range(options.rounds):
            _say(f"  round {number + 1}")
            for name, found in latency_round(crowd, contestants, options.folder, 2 * options.seconds):
                rounds[name].append(asdict(found))
    return _medians(rounds)


def _connects(options: Options) -> Figures:
    rounds: dict[str, list[Figures]] = defaultdict(list)
    with contextlib.ExitStack() as stack:
        server, people = stack.enter_context(served(options.folder, [SOME]))
        doors: list[tuple[str, int, tuple[str, int], list[tuple[str | None, Any]]]] = [
            ("Hubbub", server.process.pid, server.address, list(people.arrivals()))
        ]
        for name, command in broadcasters().items():
            process, address = stack.enter_context(started(*command))
            doors.append((name, process.pid, address, [(None, None)] * SOME))
        crowd = Crowd()
        stack.callback(crowd.close)
        for _ in range(options.rounds):
            for name, pid, address, arrivals in doors:
                rounds[name].append(asdict(connecting(crowd, pid, address, arrivals)))
    return _medians(rounds)


def _posts(options: Options) -> Figures:
    rounds: dict[str, list[Figures]] = defaultdict(list)
    with served(options.folder, [2] * (POSTERS // 2)) as (server, people):
        crowd = Crowd()
        peers = crowd.connect(server.address, people.arrivals())
        for _ in range(options.rounds):
            before = measure.cpu_seconds(server.process.pid)
            taken = answered_posts(crowd, peers, POSTERS, options.seconds)
            used = measure.cpu_seconds(server.process.pid) - before
            rounds["Hubbub"].append(
                {"cpu_us": used / len(taken) * 1e6, "p50_ms": measure.percentile(taken, 0.5), "posters": POSTERS}
            )
        crowd.close()
    return _medians(rounds)


def _big_room(options: Options) -> Figures:
    found = big_room(options.folder, options.rounds)
    return {
        "reached_all_seconds": _spread(found.reached_all),
        "room_of_two_meanwhile_p99_ms": round(measure.percentile(found.meanwhile_ms, 0.99), 2),
        "room_of_two_otherwise_p99_ms": round(measure.percentile(found.otherwise_ms, 0.99), 2),
        "posts_meanwhile": len(found.meanwhile_ms),
    }


def _memory(options: Options) -> Figures:
    found = {"Hubbub": memory_of_ours(options.folder, options.rest)}
    for name, command in broadcasters().items():
        _say(f"  {name}")
        found[name] = memory_of_peer(command, options.rest)
    return {name: {"bytes_per_connection": size, "rest_seconds": options.rest} for name, size in found.items()}


MEASURES = {
    "deliveries": _deliveries,
    "latency": _latency,
    "connects": _connects,
    "posts": _posts,
    "big_room": _big_room,
    "memory": _memory,
}


def _medians(rounds: dict[str, list[Figures]]) -> Figures:
    return {who: {what: _spread([each[what] for each in all_]) for what in all_[0]} for who, all_ in rounds.items()}


def _spread(values: list[float]) -> dict[str, float]:
    return measure.spread(values)


if __name__ == "__main__":
    main()
