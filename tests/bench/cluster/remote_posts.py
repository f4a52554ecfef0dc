"""Server CPU for an acknowledged post: into a room that its own node owns, and into one that another node owns.

Two nodes over PostgreSQL and Valkey. All posters are connected to the first node; half of their rooms are its own, the
other half the second one's. They post into the ones, then into the others, in turn. Counted is what both nodes use
together; PostgreSQL and Valkey are not part of it, because they do the same for both but for two messages a post.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Sequence
from pathlib import Path

import psycopg

from server.placement.shards import shard_of
from tests.bench import measure
from tests.bench.cluster.processes import all_seconds
from tests.bench.crowd import Crowd, Peer, hear_with
from tests.bench.seed import Person, seed
from tests.bench.stage import FAR_LIMITS, SERVER_CPU, pinned
from tests.harness.people import talk
from tests.harness.postgres import PostgresProcess, PostgresServer
from tests.harness.server import ServerProcess
from tests.harness.valkey import ValkeyProcess

ROOMS = 60
AT_ONCE = 20
OWNED_SECONDS = 30.0
LOCAL, REMOTE = "local", "remote"


def remote_posts_figure(folder: Path, rounds: int, seconds: float) -> dict[str, object]:
    """Both kinds of rooms, in turn, with one poster at a time and with twenty."""
    with (
        contextlib.closing(PostgresProcess()) as process,
        ValkeyProcess() as engine,
        contextlib.closing(Crowd()) as crowd,
        contextlib.ExitStack() as running,
    ):
        database = PostgresServer(process.start().url).database()
        people = [one for room in seed(folder / "unused", [2] * ROOMS, database=database).rooms for one in room[:1]]
        nodes = [running.enter_context(_node(folder, number, engine.url, database)) for number in range(2)]
        names = _name(nodes[0], people[0]), _name(nodes[1], people[0])
        kinds = _by_owner(database, people, names)
        peers = {
            kind: crowd.connect(nodes[0].address, [(one.token, one.room) for one in some])
            for kind, some in kinds.items()
        }
        return _contest(crowd, [node.process.pid for node in nodes], peers, rounds, seconds)


def _node(folder: Path, number: int, engine: str, database: str) -> ServerProcess:
    options = ("--engine", engine, "--database", database)
    environment = FAR_LIMITS | {"HUBBUB_LOG_LEVEL": "warning"}
    with pinned(SERVER_CPU):
        return ServerProcess(folder / f"node{number}", environment=environment, options=options).start(60)


def _name(node: ServerProcess, person: Person) -> str:
    """What a node calls itself, from its welcome."""
    with talk(node.websocket_url, person.token) as talker:
        return str(talker.welcome["node"])


def _by_owner(database: str, people: Sequence[Person], names: tuple[str, str]) -> dict[str, list[Person]]:
    """Those whose rooms the first node owns, and those whose rooms the second one does."""
    end = time.monotonic() + OWNED_SECONDS
    with psycopg.connect(database, autocommit=True) as connection:
        while True:
            owners = dict(connection.execute("SELECT id, owner FROM shards").fetchall())
            found = {
                kind: [one for one in people if owners.get(shard_of(one.room)) == name]
                for kind, name in zip((LOCAL, REMOTE), names, strict=True)
            }
            if all(len(some) >= AT_ONCE for some in found.values()) and None not in owners.values():
                return {kind: some[:AT_ONCE] for kind, some in found.items()}
            assert time.monotonic() < end, f"nobody owns the rooms: {owners}"
            time.sleep(0.2)


def _contest(
    crowd: Crowd, pids: Sequence[int], peers: dict[str, list[Peer]], rounds: int, seconds: float
) -> dict[str, object]:
    found: dict[str, list[float]] = {}
    for number in range(rounds + 1):
        for at_once in (1, AT_ONCE):
            for kind, posters in peers.items():
                used = _round(crowd, pids, posters[:at_once], seconds)
                if number:  # the first round warms
                    found.setdefault(f"{kind}, {at_once} at once", []).append(used)
    medians = {name: measure.spread(values) for name, values in found.items()}
    ratios: dict[str, object] = {}
    for name, values in found.items():
        kind, _, rest = name.partition(", ")
        if kind == REMOTE:
            of_local = [far / near for far, near in zip(values, found[f"{LOCAL}, {rest}"], strict=True)]
            ratios[f"remote_to_local, {rest}"] = measure.spread(of_local)
    return {"cpu_us": medians} | ratios


def _round(crowd: Crowd, pids: Sequence[int], posters: list[Peer], seconds: float) -> float:
    """Microseconds of CPU for each post: each poster posts again when it was answered. What is used anyway is taken
    off."""
    answered = 0
    end = time.perf_counter() + seconds

    def heard(peer: Peer, payload: bytes) -> None:
        nonlocal answered
        if payload.startswith(b'{"op":"ok"'):
            answered += 1
            if time.perf_counter() < end:
                peer.post()

    crowd.run(lambda: False, 0.2)
    begin, before = time.perf_counter(), all_seconds(pids)
    crowd.run(lambda: False, 1.0)
    idle = (all_seconds(pids) - before) / (time.perf_counter() - begin)
    hear_with(posters, heard)
    end = time.perf_counter() + seconds
    begin, before = time.perf_counter(), all_seconds(pids)
    for poster in posters:
        poster.post()
    crowd.run(lambda: False, seconds)
    used, lasted = all_seconds(pids) - before, time.perf_counter() - begin
    assert answered, "nobody was answered"
    return (used - idle * lasted) / answered * 1e6
