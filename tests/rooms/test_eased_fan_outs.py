"""A fan-out over real sockets whose clients do not read: it waits, others do not, and all have all in the end."""

from __future__ import annotations

import fcntl
import struct
import termios
from functools import partial

import pytest

from actors import ActorSpec
from server.gateway.limits import GatewayLimits
from server.metrics.counts import RoomCounts
from server.protocol.replies import Pong
from server.rooms import easing
from server.rooms.easing import PORTION, Easing
from server.rooms.effects import FanOut
from server.rooms.messages import Passing
from server.rooms.telling import NextSlice, Telling
from tests.gateway.doorway import Client, open_door, until

CROWD = 2 * PORTION + 40
LIMIT = 100  # sockets that hold something


class Crier(Telling):
    """Tells whom it is told to tell, as rooms and relays do."""

    __slots__ = ("_counted", "_shared")

    def __init__(self, shared: Easing, counted: RoomCounts) -> None:
        super().__init__()
        self._shared = shared
        self._counted = counted

    @property
    def _counts(self) -> RoomCounts:
        return self._counted

    @property
    def _easing(self) -> Easing:
        return self._shared

    def receive(self, message: object) -> None:
        match message:
            case FanOut():
                self._tell_in_order(message)
            case NextSlice():
                self._tell_next_slice()
            case _:
                raise TypeError(message)


def unread(clients: list[Client]) -> int:
    """How many have something that they have not read."""
    waiting = [fcntl.ioctl(client.socket.fileno(), termios.FIONREAD, bytes(4)) for client in clients]
    return sum(struct.unpack("i", each)[0] > 0 for each in waiting)


async def test_it_waits_for_readers_and_nobody_else_waits_for_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(easing, "MOST_SECONDS", 600.0)
    limits = GatewayLimits(connects_per_second=1_000_000, connects_per_second_per_address=1_000_000)
    async with open_door(limits) as door:
        crowd = [await door.welcomed() for _ in range(CROWD)]
        to_crowd = tuple(door.connections)
        two = [await door.welcomed() for _ in range(2)]
        to_two = tuple(address for address in door.connections if address not in to_crowd)
        shared, counts = Easing(lambda: unread(crowd), LIMIT), RoomCounts()
        large, small = (door.system.spawn(ActorSpec(id, partial(Crier, shared, counts))) for id in ("large", "small"))

        large.tell(FanOut(Passing("r", [Pong(id=1)]), to_crowd))
        await until(lambda: counts.pauses > 3, "it waits")
        assert unread(crowd) < CROWD

        small.tell(FanOut(Passing("r", [Pong(id=2)]), to_two))
        assert [(await client.hear())["id"] for client in two] == [2, 2]
        assert unread(crowd) < CROWD, "it waits all the same"

        large.tell(FanOut(Passing("r", [Pong(id=3)]), to_crowd[-1:]))
        assert [(await client.hear())["id"] for client in crowd] == [1] * CROWD, "as those before them read"
        assert (await crowd[-1].hear())["id"] == 3, "behind what was told before"
