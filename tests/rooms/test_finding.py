"""Who stands for a room on this node."""

from __future__ import annotations

import pytest
import trio

from actors import Actor, Breaker, DynamicSpec, Quarantined, SupervisorSpec, System, open_system
from server.rooms.finding import RoomsAnywhere, rooms_here

MINE, OTHERS = "r_mine", "r_others"


class Standing(Actor):
    """A room, or a relay; crashes when it is told anything."""

    __slots__ = ()

    def receive(self, message: object) -> None:
        raise RuntimeError("on purpose")


class Some:
    """One room is this node's, at the moment."""

    def __init__(self) -> None:
        self.mine = {MINE}

    def owner_of(self, room: str) -> str | None:
        return "here" if room in self.mine else "there"

    def epoch_of(self, room: str) -> int | None:
        return 1 if room in self.mine else None

    def is_mine(self, room: str) -> bool:
        return room in self.mine

    def is_inherited(self, room: str) -> bool:
        return False


TREE = SupervisorSpec(
    "node", [DynamicSpec("rooms", Standing, breaker=Breaker(crashes=1, window=10.0)), DynamicSpec("relays", Standing)]
)


def anywhere(system: System, ownership: Some) -> RoomsAnywhere:
    return RoomsAnywhere(ownership, system.dynamic("rooms"), system.dynamic("relays"))


async def test_a_single_process_has_all_rooms_itself() -> None:
    async with open_system(TREE) as system:
        assert rooms_here(system).find_or_start(OTHERS).path == f"node/rooms/{OTHERS}"


async def test_one_of_several_has_its_own_and_relays_for_the_rest() -> None:
    async with open_system(TREE) as system:
        rooms = anywhere(system, Some())
        assert rooms.find_or_start(MINE).path == f"node/rooms/{MINE}"
        assert rooms.find_or_start(OTHERS).path == f"node/relays/{OTHERS}"
        assert rooms.find_or_start(MINE) is rooms.find_or_start(MINE)


async def test_it_follows_the_room() -> None:
    ownership = Some()
    async with open_system(TREE) as system:
        rooms = anywhere(system, ownership)
        rooms.find_or_start(MINE)
        ownership.mine = {OTHERS}
        assert rooms.find_or_start(MINE).path == f"node/relays/{MINE}"
        assert rooms.find_or_start(OTHERS).path == f"node/rooms/{OTHERS}"


async def test_a_room_that_crashes_again_and_again_is_refused() -> None:
    async with open_system(TREE) as system:
        rooms = anywhere(system, Some())
        for _ in range(2):
            try:
                room = rooms.find_or_start(MINE)
            except Quarantined:
                return
            room.tell("anything")
            while room.living:
                await trio.lowlevel.checkpoint()
    pytest.fail("it was started over and over")
