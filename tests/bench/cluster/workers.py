"""What a worker costs: how long it takes until so many serve, and how much memory each has for itself, idle.

    python tests/bench/cluster/workers.py [--workers 54] [--settle 5]

Unique memory is what would be given back if this one worker ended (`Private_Dirty` + `Private_Clean` of
/proc/PID/smaps_rollup); the marginal worker's is the median of all but the owner's. The last line is JSON.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import tempfile
import time
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parents[3]
sys.path.insert(0, str(ROOT))

from tests.harness.server import ServerProcess  # noqa: E402 - found by the line above


class Memory(NamedTuple):
    """KiB."""

    unique: int
    proportional: int
    resident: int


def memory_of(pid: int) -> Memory:
    fields = dict(line.split(":", 1) for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()[1:])
    sizes = {name: int(value.split()[0]) for name, value in fields.items()}
    return Memory(sizes["Private_Dirty"] + sizes["Private_Clean"], sizes["Pss"], sizes["Rss"])


def workers_of(parent: int) -> list[int]:
    """Its children but the engine, in the order of their start: worker 0 first."""
    children = Path(f"/proc/{parent}/task/{parent}/children").read_text().split()
    return [int(child) for child in children if "valkey" not in Path(f"/proc/{child}/comm").read_text()]


def measure(workers: int, settle: float) -> dict[str, object]:
    with tempfile.TemporaryDirectory(prefix="hubbub-") as folder:
        begun = time.monotonic()
        server = ServerProcess(
            Path(folder) / "data", options=["--workers", str(workers)], environment={"HUBBUB_LOG_LEVEL": "warning"}
        )
        with server.start(600.0):
            seconds = time.monotonic() - begun
            time.sleep(settle)
            owner, *others = workers_of(server.process.pid)
            memories = [memory_of(pid) for pid in others]
            unique = sorted(memory.unique for memory in memories)
            found = {
                "workers": workers,
                "seconds_to_all_ready": round(seconds, 2),
                "unique_kib_median": round(statistics.median(unique)),
                "unique_kib_least": unique[0],
                "unique_kib_most": unique[-1],
                "unique_kib_owner": memory_of(owner).unique,
                "unique_kib_parent": memory_of(server.process.pid).unique,
                "proportional_mib_of_all": round(
                    sum(memory_of(pid).proportional for pid in (server.process.pid, owner, *others)) / 1024
                ),
            }
            begun = time.monotonic()
            assert server.stop(60) == 0
            return found | {"seconds_to_stop": round(time.monotonic() - begun, 2)}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--workers", type=int, default=54)
    parser.add_argument("--settle", type=float, default=5.0, help="seconds of rest before memory is read")
    options = parser.parse_args()
    found = measure(options.workers, options.settle)
    for name, value in found.items():
        print(f"{name:26} {value}")
    print(json.dumps({"bench": "workers"} | found))


if __name__ == "__main__":
    main()
