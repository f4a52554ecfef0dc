"""What somebody at rest takes of several workers: the slope of their unique memory between few and many people.

    python tests/bench/cluster/people_memory.py [--workers 6] [--people 19000] [--rooms all,each:10]

Everybody has a token, says hello, and does nothing else. They come in no order, so the members of a room are spread
over the workers. The first few are left out: what a worker needs once, page caches among it, is a few megabytes, and
would be divided by however many there happen to be. The last line is JSON.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).parents[3]
sys.path.insert(0, str(ROOT))

from loadtest.people import People  # noqa: E402 - found by the line above
from server.accounts.tokens import token_hash  # noqa: E402
from server.store.opening import open_store  # noqa: E402
from server.store.seeding import PRAGMAS, seed  # noqa: E402
from tests.bench.cluster.workers import memory_of, workers_of  # noqa: E402
from tests.bench.crowd import Crowd  # noqa: E402
from tests.bench.stage import FAR_LIMITS  # noqa: E402
from tests.harness.server import ServerProcess  # noqa: E402

FIRST = 4_000
WARMING = 200  # people for each worker, who come and leave before anything is measured
SETTLED = 8.0
"""Seconds after which presence has been told, and no relay asks for anything."""


def measure(workers: int, count: int, rooms: str) -> dict[str, object]:
    with tempfile.TemporaryDirectory(prefix="hubbub-") as folder:
        data = Path(folder) / "data"
        people = People.made(count, rooms)
        with open_store(data, PRAGMAS) as store:
            seed(store, people, token_hash, time.time_ns() // 1_000_000)
        environment = FAR_LIMITS | {"HUBBUB_LOG_LEVEL": "warning", "HUBBUB_MAX_MEMBERS_PER_ROOM": str(count)}
        server = ServerProcess(data, options=["--workers", str(workers)], environment=environment)
        with server.start(120.0):
            return {"workers": workers, "people": count, "rooms": rooms} | _measured(server, people, workers)


def _measured(server: ServerProcess, people: People, workers: int) -> dict[str, object]:
    crowd, order = Crowd(), list(range(people.count))
    random.Random(1).shuffle(order)
    tokens = [(people.token(number), None) for number in order]
    crowd.leave(crowd.connect(server.address, tokens[: WARMING * workers]))
    unique = [_at_rest(crowd, server)]
    for some in (tokens[:FIRST], tokens[FIRST:]):
        crowd.connect(server.address, some)
        unique.append(_at_rest(crowd, server))
    crowd.close()
    empty, few, many = (sum(one) for one in unique)
    return {
        "bytes_each": round((many - few) * 1024 / (people.count - FIRST)),
        "bytes_each_with_what_is_needed_once": round((many - empty) * 1024 / people.count),
        "unique_mib_of_each_process": [round(one / 1024, 1) for one in unique[-1]],
        "load": round(os.getloadavg()[0], 1),
    }


def _at_rest(crowd: Crowd, server: ServerProcess) -> list[int]:
    """Unique KiB of the parent and of each worker."""
    crowd.run(lambda: False, SETTLED)
    parent = server.process.pid
    return [memory_of(pid).unique for pid in (parent, *workers_of(parent))]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--workers", type=int, default=6)
    parser.add_argument("--people", type=int, default=19_000, help="one process has all their other ends")
    parser.add_argument("--rooms", default="all,each:10", help="a plan of `hubbub admin seed`")
    options = parser.parse_args()
    found = measure(options.workers, options.people, options.rooms)
    for name, value in found.items():
        print(f"{name:40} {value}")
    print(json.dumps({"bench": "people_memory"} | found))


if __name__ == "__main__":
    main()
