"""`make bench`: the figures of the main job, one JSON object a line. Nothing is asserted: timing is not a test.

Server and client are pinned apart; every ratio comes from rounds that were interleaved in this one run.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))

from tests.bench.deliveries import deliveries_figure
from tests.bench.idle_memory import idle_memory_figure
from tests.bench.posts import posts_figure
from tests.bench.stage import CLIENT_CPU, disk, machine, pinned, tell


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--folder", type=Path, default=Path(), help="where the databases go: a disk, not tmpfs")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=4.0, help="length of a round")
    parser.add_argument("--rest", type=float, default=10.0, help="seconds of rest before memory is read")
    parser.add_argument("--only", choices=["posts", "deliveries", "memory"])
    options = parser.parse_args()
    folder = disk(options.folder.resolve())
    tell("machine", **machine(folder))
    with pinned(CLIENT_CPU):
        if options.only in (None, "posts"):
            posts_figure(folder, options.rounds, options.seconds)
        if options.only in (None, "deliveries"):
            deliveries_figure(folder, options.rounds, options.seconds)
        if options.only in (None, "memory"):
            idle_memory_figure(folder, options.rest)


if __name__ == "__main__":
    main()
