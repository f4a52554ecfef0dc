"""What it costs many idle processes to be guarded against runaways: nothing that could be measured, it should say.

Each process runs an idle tree, half of them guarded. Prints one JSON object a kind: CPU ticks (user and system, of all
threads) and voluntary context switches of all its processes together, over so many seconds after a rest.
`python tests/bench/overrun_idle.py [processes of each kind [seconds]]`
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import trio

sys.path.insert(0, str(Path(__file__).parents[2]))

from actors import Actor, ActorSpec, RunawayPolicy, SupervisorSpec, System, run

REST = 3.0
"""Seconds after the last start before anything is counted: the watchdogs have stopped looking by then."""


class Idle(Actor):
    """Handles one message, then rests."""

    __slots__ = ()

    def receive(self, message: object) -> None:
        return


def idle(policy: RunawayPolicy | None) -> None:
    """Be one of the processes, until the parent closes our input."""

    def ready(system: System) -> None:
        address = system.whereis("idle")
        assert address is not None
        address.tell(None)
        print("ready", flush=True)

    async def main() -> None:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(_until_end_of_input, nursery.cancel_scope)
            await run(SupervisorSpec("root", [ActorSpec("idle", Idle, name="idle")]), on_ready=ready, runaways=policy)

    trio.run(main)


async def _until_end_of_input(scope: trio.CancelScope) -> None:
    async with trio.lowlevel.FdStream(os.dup(0)) as stream:
        await stream.receive_some(1)
    scope.cancel()


def used(pid: int) -> tuple[int, int]:
    """Clock ticks and voluntary context switches so far, of all threads."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    switches = 0
    for status in Path(f"/proc/{pid}/task").glob("*/status"):
        switches += int(status.read_text().partition("\nvoluntary_ctxt_switches:")[2].split()[0])
    return int(fields[11]) + int(fields[12]), switches


def main() -> None:
    """Start them all, let them rest, and look twice."""
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 150
    seconds = float(sys.argv[2]) if len(sys.argv) > 2 else 10.0
    processes: dict[str, list[subprocess.Popen[str]]] = {"guarded": [], "bare": []}
    try:
        for _ in range(count):
            for kind, of_kind in processes.items():
                command = [sys.executable, __file__, f"--{kind}"]
                child = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
                of_kind.append(child)
                assert child.stdout is not None
                child.stdout.readline()
        time.sleep(REST)
        before = {kind: [used(child.pid) for child in of_kind] for kind, of_kind in processes.items()}
        time.sleep(seconds)
        for kind, of_kind in processes.items():
            after = [used(child.pid) for child in of_kind]
            print(
                json.dumps({"processes": kind, "count": count, "seconds": seconds, **_difference(before[kind], after)})
            )
    finally:
        for child in (*processes["guarded"], *processes["bare"]):
            child.communicate()


def _difference(before: list[tuple[int, int]], after: list[tuple[int, int]]) -> dict[str, int]:
    ticks, switches = (sum(column) for column in zip(*after, strict=True))
    return {
        "cpu_ticks": ticks - sum(row[0] for row in before),
        "voluntary_switches": switches - sum(row[1] for row in before),
    }


if __name__ == "__main__":
    match sys.argv[1:]:
        case ["--guarded"]:
            idle(RunawayPolicy())
        case ["--bare"]:
            idle(None)
        case _:
            main()
