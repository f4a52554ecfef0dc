"""What nobody waits for is told a little at a time, to everybody who is there, and beside everything else."""

from __future__ import annotations

from typing import cast

import pytest

from actors import Actor, ActorSpec, Address, DynamicSpec, SupervisorSpec, open_system
from server.metrics.counts import RoomCounts
from server.protocol.events import Presence, RoomStats
from server.rooms.easing import Easing
from server.rooms.effects import FanOut
from server.rooms.fan_out import AT_ONCE
from server.rooms.messages import Delivery, Passing
from server.rooms.telling import NextPortion, NextSlice, Telling
from server.rooms.unhurried import PORTION, Unhurried, is_unhurried
from tests.placement.watching import until
from tests.relays.booth import entry
from tests.rooms.scene import key

MANY = tuple(key(f"session {number}") for number in range(AT_ONCE + 1))


def stats(online: int) -> Passing:
    return Passing("r_1", [RoomStats(room="r_1", members=1_000, online=online)])


@pytest.mark.parametrize(
    ("fan_out", "is_it"),
    [
        (FanOut(stats(1), MANY), True),
        (FanOut(stats(1), MANY[:-1]), False),
        (FanOut(Passing("r_1", [*stats(1).events, Presence(user="u_1", status="online")]), MANY), False),
        (FanOut(Delivery("r_1", [entry(1)]), MANY), False),
    ],
)
def test_only_counts_to_many_are_not_waited_for(fan_out: FanOut, *, is_it: bool) -> None:
    assert is_unhurried(fan_out) is is_it


def test_everybody_who_is_there_hears_it_once() -> None:
    going, gone = Unhurried(FanOut(stats(1), MANY)), {MANY[0], MANY[-1]}
    told: list[Address] = []
    while going:
        part = going.next_portion(lambda session: session not in gone)
        assert len(part.to) <= PORTION
        told += part.to
    assert told == list(MANY[1:-1])


def test_where_something_newer_comes_again_and_again_everybody_hears_something() -> None:
    going, told = Unhurried(FanOut(stats(0), MANY)), set[Address]()
    for number in range(len(MANY) // PORTION + 1):
        told.update(going.next_portion(lambda _: True).to)
        going = Unhurried(FanOut(stats(number), MANY), going)
    assert told == set(MANY)
    last: list[Address] = []
    while going:
        last += going.next_portion(lambda _: True).to
    assert sorted(map(str, last)) == sorted(map(str, MANY))


class Teller(Telling):
    """Tells what it is told."""

    def __init__(self, easing: Easing) -> None:
        super().__init__()
        self._with = easing
        self._count = RoomCounts()

    @property
    def _counts(self) -> RoomCounts:
        return self._count

    @property
    def _easing(self) -> Easing:
        return self._with

    def _listens(self, session: Address) -> bool:
        return True

    def receive(self, message: object) -> None:
        match message:
            case FanOut():
                self._tell_in_order(message)
            case NextSlice():
                self._tell_next_slice()
            case NextPortion():
                self._tell_next_portion()


class Listener(Actor):
    def __init__(self, heard: list[object]) -> None:
        self.heard = heard

    def receive(self, message: object) -> None:
        self.heard.append(message)


async def test_a_message_passes_counts_that_are_on_their_way() -> None:
    heard: list[list[object]] = [[] for _ in MANY]
    easing = Easing(unhurried=20 * PORTION)
    tree = SupervisorSpec(
        "top", [ActorSpec("teller", Teller, (easing,), name="teller"), DynamicSpec("people", Listener)]
    )
    async with open_system(tree) as system:
        people = tuple(system.dynamic("people").start(number, one) for number, one in enumerate(heard))
        teller = cast("Address", system.whereis("teller"))
        old, new, delivery = stats(1), stats(2), Delivery("r_1", [entry(1)])
        for fan_out in (FanOut(old, people), FanOut(delivery, people), FanOut(new, people)):
            teller.tell(fan_out)
        await until(lambda: all(delivery in one for one in heard))
        assert sum(old in one or new in one for one in heard) < len(heard)
        await until(lambda: all(new in one for one in heard))
        assert all(len(one) <= 3 and one.count(new) == 1 for one in heard)
