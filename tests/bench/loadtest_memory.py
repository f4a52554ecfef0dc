"""What a client of a load test costs the load test: memory at rest, CPU of a connect and of a delivery.

    python -m tests.bench.loadtest_memory [--few 2000] [--many 10000]

Against `tests/harness/plain_server.py`, in a process of its own, so that the figures are the client's alone. Everybody
is in one room with all, and in one of ten whose other members are elsewhere, as they are when a load test has many
processes: the worst case for what is kept of a room. Memory is the slope of what backs no file (`Pss_Anon`) between few
and many clients, after the first round of posts; CPU is that of this process, user and system.
"""

from __future__ import annotations

import argparse
import gc
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from clients.endpoint import Endpoint
from loadtest.crowd.crowd import Crowd
from loadtest.crowd.entries import Entry
from loadtest.crowd.watcher import Watcher
from loadtest.histogram import Histogram
from loadtest.ledger import Ledger
from loadtest.people import People
from tests.bench import measure
from tests.bench.stage import tell

ROUNDS = 15
PATIENCE = 120.0


class Seen(Watcher):
    """Keeps the time of every delivery, as a load test does."""

    def __init__(self) -> None:
        self.histogram = Histogram()

    def entry(self, entry: Entry) -> Histogram:
        return self.histogram


def main() -> None:
    arguments = argparse.ArgumentParser(description="What a client of a load test costs the load test.")
    arguments.add_argument("--few", type=int, default=2_000)
    arguments.add_argument("--many", type=int, default=10_000)
    given = arguments.parse_args()
    people = People.made(given.many * 10, "all,each:10")
    with tempfile.TemporaryDirectory() as folder:
        manifest = Path(folder) / "people.json"
        people.write(manifest)
        command = [sys.executable, "-m", "tests.harness.plain_server", str(manifest)]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:
            assert server.stdout is not None
            try:
                _figures(people, Endpoint("127.0.0.1", int(server.stdout.readline()), tls=False), given.few, given.many)
            finally:
                server.kill()


def _figures(people: People, endpoint: Endpoint, few: int, many: int) -> None:
    watcher = Seen()
    with Crowd(people, range(0, people.count, 10), [endpoint], watcher, Ledger()) as crowd:
        first, _ = _come(crowd, range(0, few * 10, 10))
        _post(crowd, few)
        before = _memory()
        second, connect = _come(crowd, range(few * 10, many * 10, 10))
        _post(crowd, many)
        after = _memory()
        delivery = [_post(crowd, many) for _ in range(ROUNDS)]
        export = len(crowd.ledger.export(crowd.readers()))
    tell("loadtest_memory", clients=[few, many], bytes_per_client=round((after - before) / (many - few)))
    tell("loadtest_connect", clients=many, cpu_us=round(connect, 1), per_second=round((many - few) / second))
    tell("loadtest_delivery", readers=many, rounds=ROUNDS, cpu_us=measure.spread(delivery), load=os.getloadavg()[0])
    tell("loadtest_ledger", clients=many, export_bytes_per_client=round(export / many))
    print(
        f"# came: {first:.1f} s, {second:.1f} s; p99 {watcher.histogram.percentile(99) / 1000:.1f} ms", file=sys.stderr
    )


def _come(crowd: Crowd, numbers: range) -> tuple[float, float]:
    """Seconds until all of them are there, and CPU, us, for each."""
    wall, cpu = time.perf_counter(), time.process_time()
    wanted = crowd.ready + len(numbers)
    for number in numbers:
        crowd.bring(number)
    assert crowd.run(lambda: crowd.ready == wanted, PATIENCE)
    return time.perf_counter() - wall, (time.process_time() - cpu) / len(numbers) * 1e6


def _post(crowd: Crowd, readers: int) -> float:
    """One post to all: CPU of a delivery, us."""
    cpu, before = time.process_time(), crowd.delivered
    crowd.post(0, 0, "to everybody")
    assert crowd.run(lambda: crowd.delivered == before + readers, PATIENCE)
    return (time.process_time() - cpu) / readers * 1e6


def _memory() -> int:
    gc.collect()
    return measure.anonymous_memory(os.getpid())


if __name__ == "__main__":
    main()
