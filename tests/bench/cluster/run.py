"""`make bench-cluster`: what it costs to be several. A line a figure, and one JSON object as the last line.

- a delivery in a room of 400, everyone at one process, and spread over two workers
- what it costs in any case that two processes take turns on a processor
- an acknowledged post into a room of one's own node, and into one of another node
- what goes through Valkey for an event, by nodes and by members
- how long workers take to start, and what memory each has for itself
- what memory a relay at rest has, and what the owner of its room has for it
- what a crowd on other nodes costs the owner of its rooms

The servers share processor 0, the client has processor 1; an engine and a database run where they like.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[3]
sys.path.insert(0, str(ROOT))

from tests.bench.cluster import workers  # noqa: E402 - found by the line above
from tests.bench.cluster.relay_memory import relay_memory_figure  # noqa: E402
from tests.bench.cluster.remote_posts import remote_posts_figure  # noqa: E402
from tests.bench.cluster.spread import spread_figure  # noqa: E402
from tests.bench.cluster.subscriptions import subscriptions_figure  # noqa: E402
from tests.bench.cluster.taking_turns import turns_figure  # noqa: E402
from tests.bench.cluster.traffic import traffic_figure  # noqa: E402
from tests.bench.stage import CLIENT_CPU, disk, machine, pinned  # noqa: E402

ROUND_BY_ROUND = {"spread": spread_figure, "turns": turns_figure, "posts": remote_posts_figure}
FIGURES = ("spread", "turns", "posts", "traffic", "workers", "relays", "subscriptions")


def main() -> None:
    parser = argparse.ArgumentParser(prog="make bench-cluster", description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--only", action="append", choices=FIGURES, default=[], help="one figure; may be repeated")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--seconds", type=float, default=3.0, help="of each round (3)")
    parser.add_argument("--workers", type=int, action="append", default=[], help="how many to start (54, then 150)")
    parser.add_argument("--folder", type=Path, default=Path(), help="for the data; on a disk (here)")
    given = parser.parse_args()
    found: dict[str, Any] = {"bench": "cluster", "machine": machine(disk(given.folder)), "rounds": given.rounds}
    with tempfile.TemporaryDirectory(dir=given.folder, prefix="bench-") as name:
        folder = Path(name).resolve()
        for figure in given.only or FIGURES:
            found[figure] = _figure(figure, folder, given)
            print(f"{figure}: {json.dumps(found[figure], indent=2)}", flush=True)
    print(json.dumps(found))


def _figure(figure: str, folder: Path, given: argparse.Namespace) -> object:
    match figure:
        case "workers":
            return [workers.measure(count, settle=10.0, seconds_idle=10.0) for count in given.workers or (54, 150)]
        case "relays":
            return relay_memory_figure()
        case "subscriptions":
            return subscriptions_figure()
        case "spread" | "turns" | "posts":
            with pinned(CLIENT_CPU):
                return ROUND_BY_ROUND[figure](folder, given.rounds, given.seconds)
        case _:
            return traffic_figure(folder)


if __name__ == "__main__":
    main()
