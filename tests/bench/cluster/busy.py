"""Whether anybody who lives is taken for dead on a machine that is far too busy: many workers, a crowd that comes and
goes, and beside them processes that do nothing but take the processors.

    python tests/bench/cluster/busy.py [--workers 32] [--burners 24] [--seconds 60] [--postgresql]

Counted are nodes that were taken for dead, links that were reset, losses of the engine and leases that lapsed: none of
them should be. It ends with 1 if one is. With `--postgresql` there are owners with leases (as many as cores) in place
of one that holds the lock of a file. The last line is JSON.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[3]
sys.path.insert(0, str(ROOT))

from tests.bench.cluster.workers import workers_of  # noqa: E402 - found by the line above
from tests.bench.crowd import Crowd, Peer, hear_with  # noqa: E402
from tests.bench.seed import seed  # noqa: E402
from tests.bench.stage import FAR_LIMITS  # noqa: E402
from tests.harness.postgres import PostgresProcess  # noqa: E402
from tests.harness.server import ServerProcess  # noqa: E402
from tests.operators.scrapes import Scrape, scrape  # noqa: E402

ROOMS, PEOPLE = 20, 10
POSTS_SECONDS = 30.0
"""For everybody to be acknowledged, in a round that is given up otherwise."""

LOSSES = {
    "nodes_taken_for_dead": "hubbub_nodes_dead_total",
    "links_reset": "hubbub_links_losses_total",
    "engine_losses": "hubbub_engine_losses_total",
    "leases_lapsed": "hubbub_lease_lapses_total",
}


@contextlib.contextmanager
def burning(processes: int) -> Iterator[None]:
    """So many processes that want a processor each."""
    started = [subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range(processes)]
    try:
        yield
    finally:
        for process in started:
            process.kill()
            process.wait()


@contextlib.contextmanager
def database(wanted: bool) -> Iterator[str]:
    """The URL of an empty one; empty: SQLite."""
    if not wanted:
        yield ""
        return
    process = PostgresProcess()
    try:
        process.start()
        yield process.url
    finally:
        process.close()


def rounds(server: ServerProcess, tokens: list[tuple[str, str]], seconds: float) -> tuple[int, int]:
    """Everybody comes, posts once, and goes, again and again: how many rounds, and posts that were acknowledged."""
    crowd, done, acknowledged = Crowd(), 0, list[Peer]()
    end = time.monotonic() + seconds

    def heard(peer: Peer, payload: bytes) -> None:
        if payload.startswith(b'{"op":"ok"'):
            acknowledged.append(peer)

    while time.monotonic() < end:
        peers = crowd.connect(server.address, tokens)
        hear_with(peers, heard)
        wanted = len(acknowledged) + len(peers)
        for peer in peers:
            peer.post()
        crowd.run(lambda wanted=wanted: len(acknowledged) >= wanted, POSTS_SECONDS)  # type: ignore[misc]
        crowd.leave(peers)
        done += 1
    crowd.close()
    return done, len(acknowledged)


def lost(scraped: Scrape) -> dict[str, int]:
    """What should not have been, over all workers."""
    return {
        name: sum(round(value) for (family, _), value in scraped.values.items() if family == metric)
        for name, metric in LOSSES.items()
    }


def measure(workers: int, burners: int, seconds: float, *, postgresql: bool) -> dict[str, object]:
    with tempfile.TemporaryDirectory(prefix="hubbub-") as folder, database(postgresql) as url:
        data = Path(folder) / "data"
        tokens = [(one.token, one.room) for room in seed(data, [PEOPLE] * ROOMS, database=url).rooms for one in room]
        server = ServerProcess(
            data,
            options=["--workers", str(workers)],
            environment=FAR_LIMITS | {"HUBBUB_LOG_LEVEL": "info"},
            database=url or None,
        )
        with server.start(600.0):
            before, pids = lost(scrape(server.admin_url)), workers_of(server.process.pid)
            with burning(burners):
                done, posts = rounds(server, tokens, seconds)
                load = os.getloadavg()[0]
            after = lost(scrape(server.admin_url))
            survived = workers_of(server.process.pid) == pids
            server.stop(120)
    found: dict[str, object] = {
        "workers": workers,
        "burners": burners,
        "seconds": seconds,
        "load": round(load),
        "rounds": done,
        "posts": posts,
        "of": done * len(tokens),
        "all_survived": survived,
    }
    return found | {name: after[name] - before[name] for name in LOSSES}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--workers", type=int, default=32)
    parser.add_argument("--burners", type=int, default=24)
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--postgresql", action="store_true")
    options = parser.parse_args()
    found = measure(options.workers, options.burners, options.seconds, postgresql=options.postgresql)
    for name, value in found.items():
        print(f"{name:24} {value}")
    print(json.dumps({"bench": "busy"} | found))
    sys.exit(any(found[name] for name in LOSSES) or not found["all_survived"])


if __name__ == "__main__":
    main()
