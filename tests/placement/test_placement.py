"""Nodes in one process over one real database: who owns what, and what becomes of rooms."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
import trio
from sqlalchemy.exc import OperationalError

from actors import (
    NORMAL,
    SHUTDOWN,
    ActorSpec,
    DynamicSpec,
    Intensity,
    SupervisorSpec,
    System,
    TaskSpec,
    open_system,
)
from server.placement.keeper import Keeper, Sharing, Sole, Watching
from server.placement.mover import MOVER, Mover, MoverEnvironment
from server.placement.ownership import LeasedOwnership
from server.placement.placement import Placement
from server.placement.shards import SHARDS
from server.rooms.messages import MOVED
from server.store.databases import Onlooker
from server.store.leases import Leases, Reading, Renew, Step
from server.store.opening import Store, open_store
from server.store.quotas import Quotas
from tests.placement.small_rooms import SmallRoom
from tests.placement.watching import Witness, until

ROOMS = tuple(f"r_{number:03}" for number in range(100))
LONG = 60.0
"""A lease that no test waits for."""
SHORT = 1.0


class Faulty:
    """A database that can be cut off."""

    def __init__(self, leases: Leases | Onlooker) -> None:
        self.leases = leases
        self.is_cut_off = False
        self.is_broken = False
        self.steps: list[Step] = []

    def perform(self, step: Step) -> Reading:
        if self.is_broken:
            self.is_broken = False
            raise RuntimeError("forced by the test")
        self.steps.append(step)
        if self.is_cut_off:
            raise OperationalError("", {}, Exception("cut off by the test"))
        return self.leases.perform(step)


class Node:
    """A node that has rooms, and nobody in them."""

    def __init__(self, name: str, cluster: Cluster, leases: Faulty, keeper: Keeper, ownership: LeasedOwnership) -> None:
        self.name = name
        self.leases = leases
        self.ownership = ownership
        self.placement = Placement(keeper, ownership, leases, cluster.hint)
        self.ends: dict[str, object] = {}
        self.stop = trio.CancelScope()
        self.stopped = trio.Event()
        self.system: System

    @property
    def owned(self) -> int:
        return len(self.ownership.served)

    def tree(self) -> SupervisorSpec:
        environment = MoverEnvironment("rooms", "relays", self.placement.handed_over)
        return SupervisorSpec(
            self.name,
            [
                ActorSpec("witness", Witness, (self.ends,), name="witness"),
                DynamicSpec("rooms", lambda: SmallRoom(set())),
                DynamicSpec("relays", lambda: SmallRoom(set())),
                ActorSpec("mover", Mover, (environment,), name=MOVER),
                TaskSpec("placement", self.placement.run),
                TaskSpec("departure", self.placement.run_departure),
            ],
            intensity=Intensity(10),
        )

    def start_rooms(self, where: str = "rooms") -> None:
        """All that are this node's."""
        witness = self.system.whereis("witness")
        assert witness is not None
        for room in ROOMS:
            if self.ownership.is_mine(room) == (where == "rooms"):
                witness.answer(self.system.dynamic(where).start(room))

    @property
    def rooms(self) -> set[object]:
        return {address.name for address in self.system.dynamic("rooms").children()}


class Cluster:
    """Nodes that share a store, and hear each other's hints."""

    def __init__(self, store: Store, nursery: trio.Nursery) -> None:
        self._store = store
        self._nursery = nursery
        self.nodes: list[Node] = []
        self.hints = 0

    def hint(self) -> None:
        self.hints += 1
        for node in self.nodes:
            node.placement.look()

    async def start(self, name: str, lease: float = LONG) -> Node:
        ownership = LeasedOwnership(name, lease)
        keeper = Sharing(ownership, lease_seconds=lease, weight=1, most=100)
        keeper.linked = True
        return await self.start_with(ownership, keeper, Leases(self._store.database.writing(Quotas())))

    async def start_with(self, ownership: LeasedOwnership, keeper: Keeper, leases: Leases | Onlooker) -> Node:
        node = Node(ownership.node, self, Faulty(leases), keeper, ownership)
        await self._nursery.start(self._live, node)
        self.nodes.append(node)
        return node

    async def _live(self, node: Node, task_status: trio.TaskStatus[None]) -> None:
        with node.stop:
            async with open_system(node.tree()) as node.system:
                task_status.started()
                await trio.sleep_forever()
        if isinstance(node.leases.leases, Leases):
            node.leases.leases.close()
        node.stopped.set()


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with open_store(tmp_path) as opened:
        yield opened


@asynccontextmanager
async def clustered(store: Store) -> AsyncIterator[Cluster]:
    async with trio.open_nursery() as nursery:
        yield Cluster(store, nursery)
        nursery.cancel_scope.cancel()


async def test_a_node_is_ready_when_it_owns_what_it_can(store: Store) -> None:
    async with clustered(store) as cluster:
        node = await cluster.start("a")
        assert node.owned == SHARDS
        assert cluster.hints


async def test_rooms_whose_shard_goes_to_a_new_node_are_handed_over_and_the_others_are_not(store: Store) -> None:
    async with clustered(store) as cluster:
        first = await cluster.start("a")
        first.start_rooms()
        second = await cluster.start("b")
        await until(lambda: (first.owned, second.owned) == (512, 512))
        moved = {room for room in ROOMS if second.ownership.is_mine(room)}
        await until(lambda: first.ends == dict.fromkeys(moved, NORMAL))
        assert first.rooms == set(ROOMS) - moved


async def test_who_stood_for_rooms_that_come_makes_way(store: Store) -> None:
    async with clustered(store) as cluster:
        first = await cluster.start("a")
        second = await cluster.start("b")
        await until(lambda: (first.owned, second.owned) == (512, 512))
        second.start_rooms("relays")
        assert len(second.system.dynamic("relays")) == len(ROOMS) - len(
            [r for r in ROOMS if second.ownership.is_mine(r)]
        )
        first.stop.cancel()
        await until(lambda: second.owned == SHARDS)
        await until(lambda: not len(second.system.dynamic("relays")))


async def test_who_stops_in_order_gives_its_rooms_to_others_first_and_nobody_waits_for_its_lease(store: Store) -> None:
    async with clustered(store) as cluster:
        first, second = await cluster.start("a"), await cluster.start("b")
        await until(lambda: (first.owned, second.owned) == (512, 512))
        first.start_rooms()
        rooms = first.rooms
        first.stop.cancel()
        await until(lambda: second.owned == SHARDS)
        await first.stopped.wait()
        assert first.ends == dict.fromkeys(rooms, NORMAL)
        assert [row.name for row in first.leases.leases.perform(Renew("b", 1, True, 60_000)).nodes] == ["b"]


async def test_who_stops_alone_keeps_its_rooms_to_the_end(store: Store) -> None:
    async with clustered(store) as cluster:
        node = await cluster.start("a")
        node.start_rooms()
        node.stop.cancel()
        await node.stopped.wait()
        assert node.ends == dict.fromkeys(ROOMS, SHUTDOWN)


async def test_all_rooms_end_when_the_database_does_not_answer_for_longer_than_the_lease(store: Store) -> None:
    async with clustered(store) as cluster:
        node = await cluster.start("a", SHORT)
        await until(lambda: all(map(node.ownership.is_mine, ROOMS)))  # on a busy machine it may have lapsed meanwhile
        node.start_rooms()
        node.leases.is_cut_off = True
        await until(lambda: node.ends == dict.fromkeys(ROOMS, MOVED))
        assert node.owned == 0
        node.leases.is_cut_off = False
        await until(lambda: node.owned == SHARDS)


async def test_what_a_dead_node_had_is_served_again(store: Store) -> None:
    async with clustered(store) as cluster:
        first, second = await cluster.start("a", SHORT), await cluster.start("b", SHORT)
        await until(lambda: (first.owned, second.owned) == (512, 512))
        first.leases.is_cut_off = True  # to the others it is dead
        await until(lambda: second.owned == SHARDS)
        assert first.owned == 0


async def test_a_task_that_crashes_gives_nothing_up(store: Store) -> None:
    async with clustered(store) as cluster:
        node = await cluster.start("a")
        node.start_rooms()
        epoch = node.ownership.epoch_of(ROOMS[0])
        steps = len(node.leases.steps)
        node.leases.is_broken = True
        node.placement.look()
        await until(lambda: len(node.leases.steps) > steps)
        assert node.ownership.epoch_of(ROOMS[0]) == epoch
        assert not node.ends


async def test_who_is_cut_off_from_the_engine_says_so_at_once(store: Store) -> None:
    async with clustered(store) as cluster:
        node = await cluster.start("a")
        node.placement.linked(False)
        await until(lambda: isinstance(step := node.leases.steps[-1], Renew) and not step.linked)


async def test_the_owner_of_a_file_makes_way_for_its_successor_which_was_ready_before(store: Store) -> None:
    """As over SQLite: one owner, whoever has the lock, and one who only looks."""
    lock = trio.Semaphore(1)

    def become() -> bool:
        try:
            lock.acquire_nowait()
        except trio.WouldBlock:
            return False
        return True

    def sole(name: str) -> tuple[LeasedOwnership, Sole, Leases]:
        ownership = LeasedOwnership(name, float("inf"))
        return ownership, Sole(ownership, become), Leases(store.database.writing(Quotas()))

    async with clustered(store) as cluster:
        owner = await cluster.start_with(*sole("a"))
        watcher = LeasedOwnership("w", float("inf"))
        seen = store.database.onlooker()
        gateway = await cluster.start_with(watcher, Watching(watcher, period=LONG, linked_period=LONG), seen)
        successor = await cluster.start_with(*sole("b"))
        assert [node.owned for node in (owner, gateway, successor)] == [SHARDS, 0, 0]
        assert successor.ownership.owner_of(ROOMS[0]) == "a"
        owner.stop.cancel()
        await owner.stopped.wait()
        await until(lambda: gateway.ownership.owner_of(ROOMS[0]) is None)
        lock.release()
        await until(lambda: successor.owned == SHARDS)
        await until(lambda: gateway.ownership.owner_of(ROOMS[0]) == "b")
        seen.close()
