"""A room whose node is not sure any more: it says nothing, also of what it was asked before anybody could stop it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from actors import Actor, DynamicSpec, Inbox, SupervisorSpec, System, open_system
from server.placement.ownership import Held, LeasedOwnership
from server.placement.shards import SHARDS
from server.rooms.actor import RoomEnvironment
from server.rooms.leased import LeasedRoomActor
from server.rooms.messages import MOVED, Attach
from server.store.log_messages import Anchor, Anchored
from server.store.questions import Done
from server.store.room_messages import LoadRoom, MemberRecord, RoomRecord
from tests.placement.watching import Witness, until

ROOM = "r_01"


class Clock:
    def __init__(self) -> None:
        self.now = 1_000.0

    def __call__(self) -> float:
        return self.now


class Session(Actor):
    """Keeps what it hears."""

    __slots__ = ("_heard",)

    def __init__(self, heard: list[object]) -> None:
        self._heard = heard

    def receive(self, message: object) -> None:
        self._heard.append(message)


class Stage:
    """One open room, with the test as its store."""

    def __init__(self) -> None:
        self.clock = Clock()
        self.ownership = LeasedOwnership("me", 4.0, self.clock)
        self.ownership.renewed(self.clock.now)
        self.ownership.learn([Held("me", 1)] * SHARDS)
        self.writes, self.reads = Inbox(100), Inbox(100)
        self.ends: dict[str, object] = {}
        self.heard: list[object] = []
        self.system: System

    async def open_room(self) -> None:
        room = self.system.dynamic("rooms").start(ROOM)
        watcher = self.system.dynamic("watchers").start("watcher")
        watcher.tell(room)
        (anchor,) = await self.writes.take(1)
        assert isinstance(anchor, Anchor)
        room.tell(Done(anchor.ref, Anchored(ROOM, 1)))
        (load,) = await self.reads.take(1)
        assert isinstance(load, LoadRoom)
        record = RoomRecord(ROOM, "l_01", "group", "Us", None, 0, {"u_ann": MemberRecord("member", 0, 0)})
        room.tell(Done(load.ref, record))

    def ask(self) -> None:
        """A session wants to be attached."""
        room = self.system.dynamic("rooms").find(ROOM)
        assert room is not None
        room.tell(Attach(1, self.system.dynamic("sessions").find_or_start("s_01"), "u_ann"))


@asynccontextmanager
async def staged() -> AsyncIterator[Stage]:
    stage = Stage()
    environment = RoomEnvironment(stage.writes, stage.reads, ownership=stage.ownership)
    tree = SupervisorSpec(
        "root",
        [
            DynamicSpec("rooms", lambda: LeasedRoomActor(environment, stage.ownership)),
            DynamicSpec("watchers", lambda: Witness(stage.ends)),
            DynamicSpec("sessions", lambda: Session(stage.heard)),
        ],
    )
    async with open_system(tree) as stage.system:
        await stage.open_room()
        yield stage


async def test_it_serves_while_the_lease_holds() -> None:
    async with staged() as stage:
        stage.ask()
        await until(lambda: stage.heard)
        assert not stage.ends


async def test_it_answers_nothing_when_the_lease_has_run_out_and_ends() -> None:
    async with staged() as stage:
        stage.clock.now += 4.0
        stage.ask()
        await until(lambda: stage.ends == {ROOM: MOVED})
        assert not stage.heard


async def test_it_answers_nothing_when_the_lease_was_renewed_too_late() -> None:
    async with staged() as stage:
        stage.clock.now += 15.0
        stage.ownership.renewed(stage.clock.now)
        assert stage.ownership.is_mine(ROOM)
        stage.ask()
        await until(lambda: stage.ends == {ROOM: MOVED})
        assert not stage.heard
