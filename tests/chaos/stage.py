"""A cluster to be broken: PostgreSQL, Valkey and nodes on this machine, each node behind cables of its own."""

from __future__ import annotations

import os
import signal
import socket
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, closing
from functools import partial
from pathlib import Path

import psycopg

from clients.facts import Stored
from tests.bench.seed import Person, seed
from tests.chaos.actions import Trouble
from tests.chaos.cables import Cables
from tests.chaos.trouble import Way
from tests.harness.postgres import PostgresProcess, PostgresServer
from tests.harness.server import ServerProcess
from tests.harness.valkey import ValkeyProcess

START_SECONDS = 120.0
PATIENCE = 300.0
"""For what takes a second on a quiet machine. How busy this one is with other things is nobody's fault here."""


class Stage:
    """The engine and the database run from the beginning of the block to its end, unless they are broken meanwhile; the
    nodes from `begin` on, for who has something to put into the database before.

    Parameters
    ----------
    folder
        For the nodes' data directories and logs.
    nodes
        How many.
    program
        What nodes run in place of `hubbub` (see `ServerProcess`): one with a bug, to see that it is found.
    """

    def __init__(self, folder: Path, nodes: int, program: list[str] | None = None) -> None:
        self._folder = folder
        self._count = nodes
        self._program = program
        self._things = ExitStack()
        self._stopped: set[int] = set()

    def __enter__(self) -> Stage:
        with ExitStack() as things:
            self._database = things.enter_context(closing(PostgresProcess())).start()
            self.database = PostgresServer(self._database.url).database()
            port = _free_port()
            self._engine = things.enter_context(ValkeyProcess(["--port", str(port), "--bind", "127.0.0.1"]))
            ways = [("127.0.0.1", port), ("127.0.0.1", self._database.port)] * self._count
            self._cables = things.enter_context(Cables(ways))
            self._things = things.pop_all()
        return self

    def seed(self, sizes: list[int]) -> list[list[Person]]:
        """People in rooms of these sizes."""
        return seed(self._folder / "unused", sizes, database=self.database).rooms

    def begin(self) -> None:
        """Start the nodes."""
        self.nodes = [self._things.enter_context(self._node(number)) for number in range(self._count)]

    @property
    def urls(self) -> list[str]:
        return [node.url for node in self.nodes]

    def stored(self) -> Iterator[Stored]:
        """Every entry of every log, as PostgreSQL has it."""
        with psycopg.connect(self.database) as connection:
            rows = connection.execute(
                "SELECT room_id, seq, kind, user_id, nonce, text FROM entries ORDER BY room_id, seq"
            )
            for room, seq, kind, author, nonce, text in rows:
                yield Stored(room, seq, author, nonce, text) if kind == "message" else Stored(room, seq)

    def __exit__(self, *_: object) -> None:
        for number in tuple(self._stopped):
            self._wake_node(number)
        self._things.close()

    def _node(self, number: int) -> ServerProcess:
        database = self.database.replace(f":{self._database.port}/", f":{self._cables.ports[2 * number + 1]}/")
        options: Sequence[str] = (
            *("--engine", f"valkey://127.0.0.1:{self._cables.ports[2 * number]}"),
            *("--database", database.replace("postgresql://", "postgresql+psycopg://")),
        )
        data = self._folder / f"node{number}"
        return ServerProcess(data, program=self._program, options=options).start(START_SECONDS)

    # --- what can be broken --------------------------------------------------------------------------------------

    def ways(self, trouble: Trouble, node: int | None) -> list[Way]:
        """What breaks, and what mends it."""
        match trouble:
            case Trouble.ENGINE_KILLED:
                return [(self._engine.kill, self._start_engine)]
            case Trouble.DATABASE_KILLED:
                return [(self._database.kill, self._start_database)]
        assert node is not None, "this happens to a node"
        engine, database = self._cable(2 * node), self._cable(2 * node + 1)
        match trouble:
            case Trouble.NODE_KILLED:
                return [(self.nodes[node].kill, partial(self._start_node, node))]
            case Trouble.NODE_RESTARTED:
                return [(partial(self._leave_node, node), partial(self._start_node, node))]
            case Trouble.NODE_STOPPED:
                return [(partial(self._stop_node, node), partial(self._wake_node, node))]
            case Trouble.CUT_FROM_ENGINE:
                return [engine]
            case Trouble.CUT_FROM_DATABASE:
                return [database]
            case Trouble.CUT_FROM_BOTH:
                return [engine, database]
        raise AssertionError(f"nodes that have no parent know no such trouble: {trouble}")

    def _cable(self, number: int) -> Way:
        return partial(self._cables.cut, number), partial(self._cables.heal, number)

    def _start_node(self, node: int) -> None:
        """A node that finds no database does not start, and whoever runs it tries again."""
        end = time.monotonic() + PATIENCE
        while True:
            try:
                self.nodes[node].start(START_SECONDS)
            except AssertionError:
                if time.monotonic() > end:
                    raise
                time.sleep(0.5)
            else:
                return

    def _stop_node(self, node: int) -> None:
        os.kill(self.nodes[node].process.pid, signal.SIGSTOP)
        self._stopped.add(node)

    def _wake_node(self, node: int) -> None:
        os.kill(self.nodes[node].process.pid, signal.SIGCONT)
        self._stopped.discard(node)

    def _leave_node(self, node: int) -> None:
        """SIGTERM, which it has to take well."""
        code = self.nodes[node].stop(PATIENCE)
        assert code == 0, f"the node ended with {code}"

    def _start_engine(self) -> None:
        self._engine.start()

    def _start_database(self) -> None:
        self._database.start()


def _free_port() -> int:
    with closing(socket.socket()) as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
