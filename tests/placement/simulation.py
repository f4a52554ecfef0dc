"""Nodes that share a database, without tasks and threads: every step happens when the test says so.

The statements are the real ones, on SQLite; what the time is there, the test says, too.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pysqlite3.dbapi2 as driver
from sqlalchemy import Connection, create_engine, insert
from sqlalchemy.pool import StaticPool

from server.placement.keeper import Found, Sharing, Turn
from server.placement.ownership import LeasedOwnership
from server.placement.shards import SHARDS
from server.store import tables
from server.store.leases import Reading, Step, perform

LEASE = 4.0


class Lost(Exception):
    """The connection broke."""


class Database:
    """The two tables, and a clock that can be set."""

    def __init__(self, clock: World) -> None:
        self._engine = create_engine(
            "sqlite://", module=driver, poolclass=StaticPool, connect_args={"check_same_thread": False}
        )
        self.offset = 1_750_000_000.0
        with self.transaction() as connection:
            raw = connection.connection.driver_connection
            assert raw is not None
            raw.create_function("unixepoch", 1, lambda _: clock.now + self.offset)
            tables.metadata.create_all(connection, [tables.nodes, tables.shards])
            connection.execute(insert(tables.shards), [{"id": n, "owner": None, "epoch": 0} for n in range(SHARDS)])

    @contextmanager
    def transaction(self) -> Iterator[Connection]:
        with self._engine.begin() as connection:
            yield connection

    def perform(self, step: Step) -> Reading:
        with self.transaction() as connection:
            return perform(connection, step)

    def close(self) -> None:
        self._engine.dispose()


class Node:
    """One owner among several, with at most one step on its way."""

    def __init__(self, name: str, world: World, weight: int = 1, most: int = SHARDS) -> None:
        self.world = world
        self.ownership = LeasedOwnership(name, LEASE, lambda: world.now)
        self.keeper = Sharing(self.ownership, lease_seconds=LEASE, weight=weight, most=most)
        self.keeper.linked = True
        self.due = world.now
        self.found: Found | None = None
        self.giving: set[int] = set()
        self._turn: Turn | None = None
        self._step: Step | None = None
        self._reading: Reading | None = None

    @property
    def name(self) -> str:
        return self.ownership.node

    def begin(self) -> None:
        """A turn begins, unless one is under way."""
        if self._turn is None:
            self._turn = self.keeper.turn(self.world.now)
            self._step = next(self._turn, None)

    def perform(self) -> None:
        """The step comes to the database and is committed; its answer is on the way."""
        if self._step is not None:
            self._reading = self.world.database.perform(self._step)
            self._step = None

    def deliver(self) -> None:
        """The answer comes."""
        if self._turn is None or self._reading is None:
            return
        reading, self._reading = self._reading, None
        try:
            self._step = self._turn.send(reading)
        except StopIteration as ended:
            self._turn = None
            self.found = ended.value
            assert self.found is not None
            self.giving |= self.found.give
            self.due = self.world.now + self.found.next_in

    def lose(self) -> None:
        """The connection breaks: whether the step was done, the node does not know."""
        if self._turn is not None:
            try:
                self._turn.throw(Lost)
            except Lost:
                self._turn = self._step = self._reading = None
            self.due = self.world.now + 0.5

    def whole_turn(self) -> Found:
        """All of it at once."""
        self.lose()
        self.begin()
        while self._turn is not None:
            self.perform()
            self.deliver()
        assert self.found is not None
        return self.found

    def hand_over(self) -> None:
        """The rooms of what it was to give up are gone."""
        if self.giving:
            self.keeper.handed_over(self.giving & self.ownership.owned)
            self.giving.clear()
            self.due = self.world.now


class World:
    """The time, the database, and who lives. Seconds."""

    def __init__(self) -> None:
        self.now = 1_000.0
        self.database = Database(self)
        self.nodes: dict[str, Node] = {}

    def start(self, name: str, weight: int = 1, most: int = SHARDS) -> Node:
        node = self.nodes[name] = Node(name, self, weight, most)
        return node

    def run(self, seconds: float) -> None:
        """Everybody takes turns, when they are due, and nothing goes wrong; rooms are handed over in no time."""
        end = self.now + seconds
        while True:
            node = min(self.nodes.values(), key=lambda node: node.due, default=None)
            if node is None or node.due > end:
                self.now = end
                return
            self.now = max(self.now, node.due)
            node.whole_turn()
            node.hand_over()
            self.check()

    def check(self) -> None:
        """Nobody serves what somebody else serves."""
        served: dict[int, str] = {}
        for node in self.nodes.values():
            for shard in node.ownership.served:
                assert shard not in served, f"{node.name} and {served[shard]} serve {shard}"
                served[shard] = node.name

    @property
    def unserved(self) -> int:
        return SHARDS - sum(len(node.ownership.served) for node in self.nodes.values())
