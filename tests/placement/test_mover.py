"""Rooms that follow their shard: small actors under a real scheduler, which end as rooms do."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager

import pytest

from actors import NORMAL, ActorSpec, Address, DynamicSpec, SupervisorSpec, System, open_system
from server.placement import mover as mover_module
from server.placement.mover import MOVER, SLICE, End, EndAll, GiveAway, Greet, Mover, MoverEnvironment, TellOrphans
from server.placement.shards import shard_of
from server.rooms.messages import MOVED
from tests.placement.small_rooms import SmallRoom
from tests.placement.watching import Witness, until

NAMES = tuple(f"r_{number:04}" for number in range(2_000))


class Ground:
    """What a test sees."""

    def __init__(self) -> None:
        self.handed_over: set[int] = set()
        self.reasons: dict[str, object] = {}
        self.stubborn: set[object] = set()
        self.system: System

    def are_handed_over(self, shards: Iterable[int]) -> None:
        assert not self.handed_over & set(shards), "each is told once"
        self.handed_over |= set(shards)

    def start(self, *names: str, where: str = "rooms") -> None:
        witness = self.system.whereis("witness")
        assert witness is not None
        for name in names:
            witness.answer(self.system.dynamic(where).start(name))

    @property
    def mover(self) -> Address:
        found = self.system.whereis(MOVER)
        assert found is not None
        return found


@asynccontextmanager
async def moving() -> AsyncIterator[Ground]:
    ground = Ground()
    environment = MoverEnvironment("rooms", "relays", ground.are_handed_over)
    tree = SupervisorSpec(
        "root",
        [
            ActorSpec("witness", Witness, (ground.reasons,), name="witness"),
            DynamicSpec("rooms", lambda: SmallRoom(ground.stubborn)),
            DynamicSpec("relays", lambda: SmallRoom(ground.stubborn)),
            ActorSpec("mover", Mover, (environment,), name=MOVER),
        ],
    )
    async with open_system(tree) as ground.system:
        yield ground


def in_shards(shards: Iterable[int]) -> list[str]:
    wanted = set(shards)
    return [name for name in NAMES if shard_of(name) in wanted]


async def test_only_rooms_of_these_shards_are_handed_over_and_then_it_is_told() -> None:
    shards = frozenset(range(100))
    async with moving() as ground:
        ground.start(*NAMES)
        ground.mover.tell(GiveAway(shards))
        await until(lambda: ground.handed_over == shards)
        await until(lambda: ground.reasons == dict.fromkeys(in_shards(shards), NORMAL))
        assert len(ground.system.dynamic("rooms")) == len(NAMES) - len(in_shards(shards))


async def test_a_shard_without_rooms_is_handed_over_at_once() -> None:
    async with moving() as ground:
        ground.mover.tell(GiveAway(frozenset({1, 2})))
        await until(lambda: ground.handed_over == {1, 2})


async def test_one_room_that_takes_long_keeps_only_its_own_shard() -> None:
    room, other = NAMES[0], next(name for name in NAMES if shard_of(name) != shard_of(NAMES[0]))
    async with moving() as ground:
        ground.stubborn.add(room)
        ground.start(room, other)
        ground.mover.tell(GiveAway(frozenset({shard_of(room), shard_of(other)})))
        await until(lambda: ground.handed_over == {shard_of(other)})
        ground.system.dynamic("rooms").stop(room)
        await until(lambda: ground.handed_over == {shard_of(other), shard_of(room)})


async def test_a_room_that_does_not_end_is_stopped(monkeypatch: pytest.MonkeyPatch) -> None:
    room = NAMES[0]
    async with moving() as ground:
        monkeypatch.setattr(mover_module, "PATIENCE_SECONDS", 0.05)
        ground.stubborn.add(room)
        ground.start(room)
        ground.mover.tell(GiveAway(frozenset({shard_of(room)})))
        await until(lambda: ground.handed_over == {shard_of(room)})
        await until(lambda: ground.reasons == {room: MOVED})


async def test_to_be_told_twice_is_to_be_told_once() -> None:
    room = NAMES[0]
    async with moving() as ground:
        ground.stubborn.add(room)
        ground.start(room)
        for _ in range(3):
            ground.mover.tell(GiveAway(frozenset({shard_of(room)})))
        await until(lambda: ground.mover.statistics().state == "resting")
        ground.system.dynamic("rooms").stop(room)
        await until(lambda: ground.handed_over == {shard_of(room)})


async def test_rooms_that_were_lost_end_at_once() -> None:
    shards = frozenset(range(0, 1_024, 2))
    async with moving() as ground:
        ground.stubborn.update(NAMES)
        ground.start(*NAMES)
        ground.mover.tell(End(shards))
        await until(lambda: ground.reasons == dict.fromkeys(in_shards(shards), MOVED))


async def test_all_rooms_end_when_the_lease_has_and_more_than_fit_into_a_slice() -> None:
    async with moving() as ground:
        assert len(NAMES) > 3 * SLICE
        ground.start(*NAMES)
        ground.mover.tell(EndAll())
        await until(lambda: ground.reasons == dict.fromkeys(NAMES, MOVED))
        assert ground.system.dynamic("rooms").quarantines == 0, "it is nobody's fault"


@pytest.mark.parametrize("order", [Greet, TellOrphans])
async def test_who_stands_for_rooms_that_were_gained_or_are_orphaned_is_told(order: type[Greet | TellOrphans]) -> None:
    room = NAMES[0]
    async with moving() as ground:
        ground.start(room, NAMES[1], where="relays")
        ground.start(room)
        ground.mover.tell(order(frozenset({shard_of(room)})))
        await until(lambda: ground.system.dynamic("relays").find(room) is None)
        assert ground.system.dynamic("rooms").find(room) is not None
        assert ground.system.dynamic("relays").find(NAMES[1]) is not None


async def test_orders_that_come_while_it_looks_are_seen_to_afterwards() -> None:
    async with moving() as ground:
        ground.start(*NAMES)
        ground.mover.tell(GiveAway(frozenset({1, 2, 3})))
        ground.mover.tell(End(frozenset({3, 4})))
        ground.mover.tell(EndAll())
        await until(lambda: ground.handed_over == {1, 2, 3})
        await until(lambda: len(ground.reasons) == len(NAMES))
        assert {ground.reasons[name] for name in in_shards({1, 2})} == {NORMAL}
        assert {ground.reasons[name] for name in in_shards({4})} == {MOVED}
