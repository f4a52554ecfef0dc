"""What a worker costs: how long it takes until so many serve, and what each needs while nothing happens: memory of its
own, processor, and traffic with the engine.

    python tests/bench/cluster/workers.py [--workers 54] [--settle 5] [--idle 10]

Unique memory is what would be given back if this one worker ended (`Private_Dirty` + `Private_Clean` of
/proc/PID/smaps_rollup); the marginal worker's is the median of all but the owner's. The last line is JSON.
"""

from __future__ import annotations

import argparse
import json
import socket
import statistics
import sys
import tempfile
import time
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parents[3]
sys.path.insert(0, str(ROOT))

from tests.harness.server import ServerProcess  # noqa: E402 - found by the line above

TRAFFIC = {
    "total_commands_processed": "commands",
    "total_net_input_bytes": "bytes_in",
    "total_net_output_bytes": "bytes_out",
}


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


def processor_seconds(pid: int) -> float:
    """Of all its threads."""
    threads = Path(f"/proc/{pid}/task").glob("*/schedstat")
    return sum(int(thread.read_text().split()[0]) for thread in threads) / 1e9


def traffic_of(engine: Path) -> dict[str, int]:
    """What the engine has done so far: numbers of its INFO."""
    with socket.socket(socket.AF_UNIX) as asking:
        asking.connect(str(engine))
        asking.sendall(b"INFO stats\r\n")
        said = b""
        while not said.endswith(b"\r\n") or said.count(b"\r\n") < 3:
            said += asking.recv(65_536)
    lines = (line.split(":", 1) for line in said.decode().splitlines() if ":" in line)
    return {name: int(value) for name, value in lines if name in TRAFFIC}


def idle(pids: list[int], engine: Path, seconds: float) -> dict[str, float]:
    """What workers need while nothing happens."""
    used, said, begun = [processor_seconds(pid) for pid in pids], traffic_of(engine), time.monotonic()
    time.sleep(seconds)
    took = time.monotonic() - begun
    each = sorted((processor_seconds(pid) - before) / took for pid, before in zip(pids, used, strict=True))
    now = traffic_of(engine)
    return {
        "idle_cpu_ms_a_second_median": round(statistics.median(each) * 1e3, 2),
        "idle_cpu_ms_a_second_of_all": round(sum(each) * 1e3, 1),
    } | {f"engine_{TRAFFIC[name]}_a_second": round((now[name] - said[name]) / took) for name in TRAFFIC}


def measure(workers: int, settle: float, seconds_idle: float) -> dict[str, object]:
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
            found: dict[str, object] = {
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
            found |= idle([owner, *others], server.data / "run/engine.sock", seconds_idle)
            begun = time.monotonic()
            assert server.stop(60) == 0
            found["seconds_to_stop"] = round(time.monotonic() - begun, 2)
            return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--workers", type=int, default=54)
    parser.add_argument("--settle", type=float, default=5.0, help="seconds of rest before memory is read")
    parser.add_argument("--idle", type=float, default=10.0, help="seconds in which the processor's time is counted")
    options = parser.parse_args()
    found = measure(options.workers, options.settle, options.idle)
    for name, value in found.items():
        print(f"{name:32} {value}")
    print(json.dumps({"bench": "workers"} | found))


if __name__ == "__main__":
    main()
