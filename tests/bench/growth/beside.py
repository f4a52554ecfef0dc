"""What the engine and the database take: microseconds of their own CPU for what nodes ask of them.

Nodes ask for the same things however many they are, and all of them ask one engine and one database; so this is what
says how many nodes these two carry (docs/growth.md). Both run here, without anything else to do.

- engine: a packet of 300 bytes that is published and heard, by as many nodes as there are; and the numbers of so many
  nodes that one of them reads
- database: a post that is committed, a person who comes, a second of a node that has nothing to do
- and what each node has to think about among so many: whose shards are whose (`server/placement/balance.py`)
"""

from __future__ import annotations

import contextlib
import socket
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Final

from msgspec import Struct

from loadtest.prove.processes import descendants, table
from server.cluster.joining import MOVING_SHARDS
from server.placement.balance import Plan, plan
from tests.bench import measure
from tests.bench.crowd import Crowd, Peer, hear_with
from tests.bench.seed import seed
from tests.bench.simulation.placing import balanced
from tests.bench.stage import FAR_LIMITS
from tests.harness.postgres import PostgresProcess, PostgresServer
from tests.harness.server import ServerProcess
from tests.harness.valkey import ValkeyProcess

LISTENERS: Final = 100
PACKET: Final = b"x" * 300
IN_FLIGHT: Final = (1, 16)
PACKETS: Final = 16_000
NUMBERS: Final = (10, 100, 1_000, 5_000)
LOOKS: Final = 200
PLANS: Final = 50
ROUNDS: Final = 3

PEOPLE: Final = 1_000
POSTERS: Final = 50
POST_SECONDS: Final = 4.0
IDLE_SECONDS: Final = 5.0
NODES: Final = 3
PATIENCE: Final = 60.0
"""Seconds for an answer of the engine."""


class Beside(Struct, frozen=True, kw_only=True):
    """Microseconds of CPU of the engine, and of all processes of the database; medians of rounds, or a single run.

    Attributes
    ----------
    packet
        Published and heard by one; by how many are under way at a time.
    look
        To read the numbers of so many nodes.
    post, hello
        Of the database: rows that are committed together are many where posts are many, so `posts_a_second` is told.
    idle_node
        Of the database in a second, for each node that nobody is connected to.
    plan
        Of one of so many nodes, at every turn, where all have their share.
    """

    packet: dict[str, float]
    look: dict[str, float]
    post: float
    hello: float
    posts_a_second: float
    idle_node: float
    plan: dict[str, float]


def beside() -> Beside:
    with ValkeyProcess() as engine:
        packet = {str(many): _median(lambda many=many: _packets(engine, many)) for many in IN_FLIGHT}  # type: ignore[misc]
        look = {str(count): _looks(engine, count) for count in NUMBERS}
    plans = {str(count): _plans(count) for count in NUMBERS}
    with tempfile.TemporaryDirectory(prefix="hubbub-beside-") as folder:
        return _of_database(Path(folder), packet, look, plans)


# --- the engine --------------------------------------------------------------------------------------------------


def _packets(engine: ValkeyProcess, many: int) -> float:
    """Each goes to the channel of another node."""
    with contextlib.ExitStack() as open_:
        listeners = [open_.enter_context(_connected(engine)) for _ in range(LISTENERS)]
        for number, listener in enumerate(listeners):
            listener.sendall(_resp(b"SUBSCRIBE", _channel(number)))
            listener.recv(4_096)
            listener.setblocking(False)
        saying = open_.enter_context(_connected(engine))
        before = measure.cpu_seconds(engine.process.pid)
        for first in range(0, PACKETS, many):
            numbers = range(first, first + many)
            saying.sendall(b"".join(_resp(b"PUBLISH", _channel(number % LISTENERS), PACKET) for number in numbers))
            _answers(saying, many)
            for number in numbers:
                with contextlib.suppress(BlockingIOError):
                    listeners[number % LISTENERS].recv(65_536)
        return (measure.cpu_seconds(engine.process.pid) - before) / PACKETS * 1e6


def _looks(engine: ValkeyProcess, count: int) -> float:
    with _connected(engine) as asking:
        for number in range(count):
            asking.sendall(_resp(b"HSET", f"beats{count}".encode(), f"node{number}.{number:08x}".encode(), b"100000"))
            _answers(asking, 1)
        before = measure.cpu_seconds(engine.process.pid)
        for _ in range(LOOKS):
            asking.sendall(_resp(b"HGETALL", f"beats{count}".encode()))
            _answers(asking, 1 + 4 * count)
        return round((measure.cpu_seconds(engine.process.pid) - before) / LOOKS * 1e6, 1)


@contextlib.contextmanager
def _connected(engine: ValkeyProcess) -> Iterator[socket.socket]:
    with contextlib.closing(socket.socket(socket.AF_UNIX)) as made:
        made.settimeout(PATIENCE)
        made.connect(str(engine.socket))
        yield made


def _channel(number: int) -> bytes:
    return f"hubbub:0123456789abcdef:node:node{number}.{number:08x}".encode()


def _resp(*words: bytes) -> bytes:
    return b"*%d\r\n" % len(words) + b"".join(b"$%d\r\n%b\r\n" % (len(word), word) for word in words)


def _answers(connection: socket.socket, lines: int) -> None:
    """So many lines of them; what ends one may come in two pieces, so it is the last byte of it that counts."""
    while lines > 0:
        lines -= connection.recv(1_048_576).count(b"\n")


def _plans(count: int) -> float:
    """The node that is asked has its share, as all have nearly always."""
    cluster = balanced(count)
    me = cluster.live[0].name
    before = time.process_time()
    for _ in range(PLANS):
        assert plan(cluster.owners, cluster.live, me, MOVING_SHARDS) == Plan()
    return round((time.process_time() - before) / PLANS * 1e6, 1)


# --- the database ------------------------------------------------------------------------------------------------


def _of_database(folder: Path, packet: dict[str, float], look: dict[str, float], plans: dict[str, float]) -> Beside:
    with (
        contextlib.closing(PostgresProcess()) as process,
        ValkeyProcess() as engine,
        contextlib.closing(Crowd()) as crowd,
        contextlib.ExitStack() as running,
    ):
        database = PostgresServer(process.start().url).database()
        people = seed(folder / "unused", [10] * (PEOPLE // 10), database=database)
        options = ("--engine", engine.url, "--database", database)
        environment = FAR_LIMITS | {"HUBBUB_LOG_LEVEL": "warning"}
        nodes = [
            running.enter_context(
                ServerProcess(folder / f"node{number}", environment=environment, options=options).start(60)
            )
            for number in range(NODES)
        ]
        time.sleep(IDLE_SECONDS)
        idle = _rate(process.pid, lambda: time.sleep(IDLE_SECONDS))
        before, begun = _cpu(process.pid), time.monotonic()
        peers = crowd.connect(nodes[0].address, people.arrivals())
        hello = _cpu(process.pid) - before - idle * (time.monotonic() - begun)
        crowd.run(lambda: False, 3.0)
        posts, seconds, cpu = _posts(crowd, peers[:: PEOPLE // POSTERS], process.pid)
        return Beside(
            packet=packet,
            look=look,
            post=round((cpu - idle * seconds) / posts * 1e6, 1),
            hello=round(hello / PEOPLE * 1e6, 1),
            posts_a_second=round(posts / seconds),
            idle_node=round(idle / NODES * 1e6, 1),
            plan=plans,
        )


def _posts(crowd: Crowd, posters: Sequence[Peer], pid: int) -> tuple[int, float, float]:
    """How many were answered, in how many seconds, and the database's seconds of CPU."""
    answered = 0
    end = time.monotonic() + POST_SECONDS

    def heard(peer: Peer, payload: bytes) -> None:
        nonlocal answered
        if payload.startswith(b'{"op":"ok"'):
            answered += 1
            if time.monotonic() < end:
                peer.post()

    hear_with(posters, heard)
    before, begun = _cpu(pid), time.monotonic()
    for peer in posters:
        peer.post()
    crowd.run(lambda: False, POST_SECONDS)
    return answered, time.monotonic() - begun, _cpu(pid) - before


def _rate(pid: int, during: Callable[[], None]) -> float:
    before, begun = _cpu(pid), time.monotonic()
    during()
    return (_cpu(pid) - before) / (time.monotonic() - begun)


def _cpu(pid: int) -> float:
    """Of the postmaster and all that it has started."""
    return sum(measure.cpu_seconds(one.pid) for one in descendants(pid, table()))


def _median(measured: Callable[[], float]) -> float:
    return round(statistics.median(measured() for _ in range(ROUNDS)), 2)
