"""What goes through Valkey for one event, by how many nodes have members of the room, and how many members it has.

Five nodes over PostgreSQL and Valkey. In each case one member posts, and the others are spread over so many of the
nodes. Bytes and commands are what the engine itself has counted, less what goes through it anyway in that time.
"""

from __future__ import annotations

import contextlib
import socket
import time
from pathlib import Path
from typing import NamedTuple

from tests.bench.crowd import Crowd, Peer, hear_with
from tests.bench.seed import seed
from tests.bench.stage import FAR_LIMITS
from tests.harness.postgres import PostgresProcess, PostgresServer
from tests.harness.server import ServerProcess
from tests.harness.valkey import ValkeyProcess

NODES = 5
CASES = [(nodes, members) for nodes in (1, 2, 3, NODES) for members in (10, 100, 300)]
POSTS = 100
PACE = 0.03  # seconds between two posts, at the least


class Passed(NamedTuple):
    """What an engine has taken and given so far."""

    commands: int
    bytes_in: int
    bytes_out: int


def traffic_figure(folder: Path) -> list[dict[str, object]]:
    """A line for each case."""
    with (
        contextlib.closing(PostgresProcess()) as process,
        ValkeyProcess() as engine,
        contextlib.ExitStack() as running,
        contextlib.closing(Crowd()) as crowd,
    ):
        database = PostgresServer(process.start().url).database()
        rooms = seed(folder / "unused", [members for _, members in CASES], database=database).rooms
        options = ("--engine", engine.url, "--database", database)
        environment = FAR_LIMITS | {"HUBBUB_LOG_LEVEL": "warning"}
        nodes = [
            running.enter_context(
                ServerProcess(folder / f"node{n}", environment=environment, options=options).start(60)
            )
            for n in range(NODES)
        ]
        found = []
        for (count, members), people in zip(CASES, rooms, strict=True):
            peers: list[Peer] = []
            for nth, node in enumerate(nodes[:count]):
                peers += crowd.connect(node.address, [(one.token, one.room) for one in people[nth::count]])
            crowd.run(lambda: False, 1.5)  # what follows so many connects is over
            found.append({"nodes": count, "members": members} | _case(crowd, engine.socket, peers))
            crowd.leave(peers)
        return found


def _case(crowd: Crowd, engine: Path, peers: list[Peer]) -> dict[str, object]:
    begin, before = time.perf_counter(), _passed(engine)
    crowd.run(lambda: False, 3.0)
    rested, resting = time.perf_counter() - begin, _passed(engine)
    arrived = wanted = 0

    def heard(_peer: Peer, payload: bytes) -> None:
        nonlocal arrived
        arrived += payload.startswith(b'{"op":"message"')

    hear_with(peers, heard)
    begin = time.perf_counter()
    for _ in range(POSTS):
        asked = time.perf_counter()
        peers[0].post()
        wanted += len(peers)
        crowd.run(lambda wanted=wanted: arrived >= wanted, 10)  # type: ignore[misc]
        assert arrived == wanted, (arrived, wanted)
        time.sleep(max(0.0, asked + PACE - time.perf_counter()))
    crowd.run(lambda: False, 0.2)
    share = (time.perf_counter() - begin) / rested
    after = _passed(engine)

    def each(field: str) -> float:
        ours = getattr(after, field) - getattr(resting, field)
        anyway = (getattr(resting, field) - getattr(before, field)) * share
        return round((ours - anyway) / POSTS, 2)

    return {f"{field}_an_event": each(field) for field in Passed._fields}


def _passed(engine: Path) -> Passed:
    with contextlib.closing(socket.socket(socket.AF_UNIX)) as asking:
        asking.connect(str(engine))
        asking.sendall(b"INFO stats\r\n")
        text = b""
        while b"total_net_output_bytes:" not in text or not text.endswith(b"\r\n"):
            text += asking.recv(65_536)
    fields = dict(line.split(":", 1) for line in text.decode().splitlines() if ":" in line)
    names = ("total_commands_processed", "total_net_input_bytes", "total_net_output_bytes")
    commands, bytes_in, bytes_out = (int(fields[name]) for name in names)
    return Passed(commands, bytes_in, bytes_out)
