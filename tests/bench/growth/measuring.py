"""One point, in a process of its own: a fresh server, a fresh load, so many people, so many rooms. Prints it as JSON.

    python -m tests.bench.growth.measuring --series people --connections 10000 --rooms all,each:10

What is measured, and how:
- Memory of the server: unique (what its end would give back), the slope from the first 200 people to all of them, after
  a rest; of the load likewise; of the kernel, what its slab and TCP's buffers grew by, for both ends.
- CPU: user and system, all threads, to the nanosecond; medians of rounds. What both use anyway is taken off.
- Everybody posts into the first rooms in turn, so many posts at a time under way (`--in-flight`).

The server has one processor, the load the other one; kernel work that is nobody's is on either.
"""

from __future__ import annotations

import argparse
import gc
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final, NamedTuple, get_args

import msgspec

from clients.endpoint import Endpoint
from loadtest.crowd.crowd import Crowd
from loadtest.crowd.entries import Entry
from loadtest.crowd.watcher import Watcher
from loadtest.histogram import Histogram
from loadtest.ledger import Ledger
from loadtest.people import People
from loadtest.prove.machine import meminfo, tcp_pages
from loadtest.prove.sampling import usage
from tests.bench import measure
from tests.bench.growth.points import Point, Series
from tests.bench.stage import CLIENT_CPU, FAR_LIMITS, SERVER_CPU, pinned
from tests.harness.crowds import must
from tests.harness.server import ServerProcess

FEW: Final = 200
WARMING: Final = 20
"""Posts."""
PATIENCE: Final = 170.0
IDLE_SECONDS: Final = 2.0
DELIVERIES_A_ROUND: Final = 100_000
POSTS: Final = (10, 3_000)
"""Of a round, at the least and at the most."""
_PAGE: Final = os.sysconf("SC_PAGE_SIZE")
_SETTINGS: Final = FAR_LIMITS | {
    "HUBBUB_MAX_CONNECTIONS": "19700",
    "HUBBUB_MAX_CONNECTIONS_PER_ADDRESS": "19700",
    "HUBBUB_MAX_HANDSHAKES": "19700",
    "HUBBUB_HELLO_DEADLINE": "60",
    "HUBBUB_HANDSHAKE_DEADLINE": "60",
    "HUBBUB_LOG_LEVEL": "warning",
}


class Seen(Watcher):
    """Keeps the time of every delivery, as a load test does."""

    def __init__(self) -> None:
        self.histogram = Histogram()

    def entry(self, entry: Entry) -> Histogram:
        return self.histogram


class Memory(NamedTuple):
    """Bytes."""

    server: int
    load: int
    kernel: int


class Used(NamedTuple):
    """Seconds of CPU since the processes began."""

    server: float
    load: float


class Spoken(NamedTuple):
    """Of one round: how many, and microseconds of CPU."""

    posts: int
    deliveries: int
    server_us: float
    load_us: float


class Measured:
    """A server, and a crowd at it."""

    def __init__(self, server: ServerProcess, crowd: Crowd, people: People) -> None:
        self._pid = server.process.pid
        self._crowd = crowd
        self._people = people

    def come(self, numbers: range, rest: float) -> Memory:
        """These connect, too; then everybody rests."""
        crowd, wanted = self._crowd, self._crowd.ready + len(numbers)
        for number in numbers:
            crowd.bring(number)
        must(crowd.run(lambda: crowd.ready == wanted, PATIENCE), "everybody comes")
        crowd.run(lambda: False, rest)
        gc.collect()
        server, load = usage(self._pid), usage(os.getpid())
        assert server is not None
        assert load is not None
        return Memory(server.unique, load.unique, meminfo()["Slab"] + tcp_pages() * _PAGE)

    def warm(self) -> None:
        """Somebody says something to those who are there, so that what a process needs for that is there, too."""
        crowd, room = self._crowd, self._people.rooms_of(0)[0]
        for _ in range(WARMING):
            heard = crowd.delivered
            crowd.post(0, room, "x" * 40)
            must(crowd.run(lambda heard=heard: crowd.delivered > heard, PATIENCE), "a post arrives")  # type: ignore[misc]

    def idle(self) -> Used:
        """What both use in a second in which nothing happens."""
        before, begun = self._used(), time.monotonic()
        self._crowd.run(lambda: False, IDLE_SECONDS)
        lasted = time.monotonic() - begun
        return Used(*((now - then) / lasted for now, then in zip(self._used(), before, strict=True)))

    def speak(self, rooms: range, in_flight: int, nth: int, idle: Used) -> Spoken:
        """A round: so many posts, spread over the first rooms; each by somebody else of the room."""
        crowd, people = self._crowd, self._people
        size = people.size_of(rooms[0])
        posts = min(max(DELIVERIES_A_ROUND // size, POSTS[0]), POSTS[1])
        before, begun, heard = self._used(), time.monotonic(), crowd.delivered
        for post in range(posts):
            room = rooms[post % len(rooms)]
            members = people.members_of(room)
            crowd.post(members[(post // len(rooms) + nth) * 7_919 % len(members)], room, "x" * 40)
            wanted = heard + (post + 1 - in_flight) * size
            must(crowd.run(lambda wanted=wanted: crowd.delivered > wanted, PATIENCE), "a post arrives")  # type: ignore[misc]
        must(crowd.run(lambda: crowd.delivered == heard + posts * size, PATIENCE), "all posts arrive")
        lasted = time.monotonic() - begun
        server, load = (
            now - then - anyway * lasted for now, then, anyway in zip(self._used(), before, idle, strict=True)
        )
        return Spoken(posts, posts * size, server * 1e6, load * 1e6)

    def _used(self) -> Used:
        return Used(measure.cpu_seconds(self._pid), time.process_time())


@contextmanager
def stage(folder: Path, connections: int, plan: str) -> Iterator[tuple[Measured, People]]:
    data, manifest = folder / "data", folder / "people.json"
    command = [sys.executable, "-m", "server", "admin", "seed", "--users", str(connections), "--rooms", plan]
    # Not in this process: what it leaves behind in the heap would be used by the load, whose memory is measured.
    subprocess.run([*command, "--people", str(manifest), "--data", str(data)], check=True, stdout=subprocess.DEVNULL)
    people = People.read(manifest)
    with pinned(SERVER_CPU):
        server = ServerProcess(data, environment=_SETTINGS).start(60)
    try:
        endpoint = Endpoint(*server.address, tls=False)
        with pinned(CLIENT_CPU), Crowd(people, range(connections), [endpoint], Seen(), Ledger()) as crowd:
            yield Measured(server, crowd, people), people
    finally:
        server.stop(30)


def point(series: Series, connections: int, plan: str, in_flight: int, rounds: int, rest: float) -> Point:
    load = os.getloadavg()[0]
    with tempfile.TemporaryDirectory(prefix="hubbub-growth-") as name, stage(Path(name), connections, plan) as made:
        measured, people = made
        rooms = range(min(people.room_count, 1) if series == "people" else people.room_count)
        first = min(FEW, connections // 2)
        measured.come(range(first), 0.0)
        measured.warm()
        few = measured.come(range(0), rest)
        many = measured.come(range(first, connections), rest)
        idle = measured.idle()
        spoken = [measured.speak(rooms, in_flight, nth, idle) for nth in range(rounds + 1)][1:]
    each = connections - first
    return Point(
        series=series,
        x=connections if series == "people" else people.room_count,
        source="one process",
        connections=connections,
        workers=1,
        rooms=people.room_count,
        members=people.size_of(rooms[0]),
        memberships=people.most_rooms,
        server_base=few.server,
        server_bytes=round((many.server - few.server) / each, 1),
        harness_bytes=round((many.load - few.load) / each, 1),
        kernel_bytes=round((many.kernel - few.kernel) / each, 1),
        server_us=_median(one.server_us / one.deliveries for one in spoken),
        both_us=_median((one.server_us + one.load_us) / one.deliveries for one in spoken),
        server_us_post=_median(one.server_us / one.posts for one in spoken),
        deliveries=sum(one.deliveries for one in spoken),
        load=round(load, 2),
    )


def _median(values: Iterator[float]) -> float:
    return round(statistics.median(values), 3)


def _raise_file_limit() -> None:
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--series", choices=get_args(Series), default="people")
    parser.add_argument("--connections", type=int, required=True)
    parser.add_argument("--rooms", required=True, help="a plan, as `hubbub admin seed --rooms` takes it")
    parser.add_argument("--in-flight", type=int, default=1)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--rest", type=float, default=5.0, help="seconds before memory is read")
    given = parser.parse_args()
    _raise_file_limit()
    found = point(given.series, given.connections, given.rooms, given.in_flight, given.rounds, given.rest)
    sys.stdout.write(msgspec.json.encode(found).decode() + "\n")


if __name__ == "__main__":
    main()
