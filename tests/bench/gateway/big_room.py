"""A room of 18,000 in one process: how long until a message has reached all, and how a room of two fares meanwhile.

The room of two has a client of its own (`pair.py`), which the crowd's does not keep waiting; both are on the client's
processor, so what the pair sees of the crowd's client is the time until the kernel lets it run.
"""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

from tests.bench import measure
from tests.bench.crowd import Crowd, Peer, hear_with
from tests.bench.gateway.contestants import HERE
from tests.bench.seed import Person
from tests.bench.stage import python, served

MEMBERS = 18_000
APART_SECONDS = 2.0
QUIET_AGAIN_SECONDS = 0.5


def big_room(folder: Path, rounds: int) -> Iterator[dict[str, float]]:
    """By rounds: seconds until all had the message, and ms from post to receipt in the room of two, then and before."""
    with served(folder, [MEMBERS, 2]) as (server, people):
        crowd = Crowd()
        peers = crowd.connect(server.address, people.arrivals()[:MEMBERS])
        crowd.run(lambda: False, 2)
        with _pair(server.address, people.rooms[1]) as pair:
            spans = [_fan_out(crowd, peers) for _ in range(rounds)]
            posts = _ended(pair)
        crowd.close()
    for (begin, end), before in zip(spans, [(0.0, 0.0), *spans], strict=False):
        meanwhile = [ms for at, ms in posts if begin <= at <= end]
        quiet = [ms for at, ms in posts if before[1] + QUIET_AGAIN_SECONDS <= at < begin]
        yield {
            "reached_all_s": end - begin,
            "meanwhile_p99_ms": measure.percentile(meanwhile, 0.99),
            "before_p99_ms": measure.percentile(quiet, 0.99),
        }


def _fan_out(crowd: Crowd, peers: list[Peer]) -> tuple[float, float]:
    """When the message was posted, and when the last one had it."""
    arrived = 0

    def heard(_peer: Peer, payload: bytes) -> None:
        nonlocal arrived
        arrived += payload.startswith(b'{"op":"message"')

    hear_with(peers, heard)
    crowd.run(lambda: False, APART_SECONDS)
    begin = time.perf_counter()
    peers[0].post()
    crowd.run(lambda: arrived >= len(peers), 30)
    assert arrived == len(peers), arrived
    return begin, time.perf_counter()


@contextlib.contextmanager
def _pair(address: tuple[str, int], two: list[Person]) -> Iterator[subprocess.Popen[str]]:
    """The client of the room of two, posting."""
    command = python(HERE / "pair.py", address[1], two[0].room, two[0].token, two[1].token)
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert process.stdin is not None
    assert process.stdout is not None
    with contextlib.suppress(PermissionError):
        os.setpriority(os.PRIO_PROCESS, process.pid, -10)
    try:
        process.stdout.readline()
        yield process
    finally:
        process.kill()
        process.wait(10)
        process.stdin.close()
        process.stdout.close()


def _ended(pair: subprocess.Popen[str]) -> list[tuple[float, float]]:
    """When the pair posted each time, and the milliseconds it took."""
    found, _ = pair.communicate("enough\n", timeout=20)
    return [tuple(each) for each in json.loads(found)]
