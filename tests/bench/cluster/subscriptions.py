"""What a crowd on other nodes costs the owner of its rooms: microseconds of its processor.

    python tests/bench/cluster/run.py --only subscriptions

One owner, which is the product's own from the packets of the links to the rooms; the network, the store, which has
everything at once, and the other nodes are played. These are so many `Link`s, and what they say was made bytes of
before; what they take for themselves is taken off. `open`: the first relay of a small room, which opens it. `join`: the
other ones. `admit`: 64 users into one large room with a relay on each node. `part`: a node is lost, by subscription.
"""

from __future__ import annotations

import random
import sys
from collections.abc import Iterator
from functools import partial
from itertools import count
from time import thread_time
from typing import Any, Final

import trio

from actors import Address, Distribution, DynamicSpec, SupervisorSpec, System, TaskSpec, open_system
from actors.distribution.envelopes import Envelope, EnvelopeKind
from actors.distribution.limits import DistributionLimits
from actors.distribution.link import Link, LinkLimits, Phase
from actors.distribution.packets import decoded
from server.cluster.codec import NodeCodec
from server.relays.messages import Admit, Subscribe
from server.rooms.actor import MAILBOX, ROOMS, RoomActor, RoomEnvironment
from server.store.log_messages import Anchor, Anchored
from server.store.questions import Done
from server.store.room_messages import LoadRoom, MemberRecord, RoomRecord

OWNER: Final = "owner.3f9a2c51"
NODES: Final = 50
MEMBERS: Final = 10
RELAYS_OF_A_ROOM: Final = 9
LARGE: Final = "r_large"
LARGE_MEMBERS: Final = 50_000
AT_ONCE: Final = 64
_LIMITS: Final = LinkLimits(window=2**30, time_out=3600.0)


class Store:
    """Has every room, and takes nothing else."""

    def tell(self, message: object, /) -> bool:
        match message:
            case Anchor(reply_to=asker, ref=ref, room=room):
                asker.answer(Done(ref, Anchored(room, 1)))
            case LoadRoom(reply_to=asker, ref=ref, room=room):
                many = LARGE_MEMBERS if room == LARGE else MEMBERS
                members = {sys.intern(_user(room, number)): MemberRecord("member", 0, 0) for number in range(many)}
                asker.answer(Done(ref, RoomRecord(room, f"l_{room[2:]}", "group", "Ten", None, 700, members)))
            case _:
                pass
        return True


class Owned:
    """All rooms are the owner's."""

    def owner_of(self, room: str) -> str | None:
        return OWNER

    def epoch_of(self, room: str) -> int | None:
        return 700

    def is_mine(self, room: str) -> bool:
        return True

    def is_inherited(self, room: str) -> bool:
        return False


class Players:
    """The other nodes: their links, and nothing behind them. `heard`: how many answers; `seconds`: what they took of
    the processor."""

    def __init__(self) -> None:
        sessions = count(1)
        self.links = {f"gateway{number}.7be0d4{number:02}": Link(_LIMITS, sessions) for number in range(NODES)}
        self.seconds = 0.0
        self.heard = 0
        self.numbers = count(1)
        self._waiting: list[tuple[str, bytes]] = []
        self._encoding = Distribution("nobody", self, NodeCodec)

    def send(self, node: str, data: bytes) -> bool:
        """The owner's transport."""
        self._waiting.append((node, data))
        return True

    def told(self, room: str, message: object) -> bytes:
        return Envelope(EnvelopeKind.TELL, 0, f"{ROOMS}/{room}", self._encoding.encoded(Any, message)[0]).encoded()

    def relay(self, node: str, room: str) -> Address:
        return self._encoding.addresses.find_or_make(node, "relays/", room)

    def go_on(self, owner: Distribution) -> bool:
        """Exchange the packets that there are; whether there were any."""
        began, now = thread_time(), trio.current_time()
        waiting, self._waiting = self._waiting, []
        out: list[tuple[str, bytes]] = []
        for node, data in waiting:
            envelopes = self.links[node].received(decoded(data), now).envelopes
            self.heard += sum(envelope[0] == EnvelopeKind.ANSWER for envelope in envelopes)
        for node, link in self.links.items():
            while (packet := link.packet(now)) is not None:
                out.append((node, packet.encoded()))
                link.sent(packet, now)
        self.seconds += thread_time() - began
        for node, data in out:
            owner.received(node, data)
        return bool(waiting or out)

    def say(self, said: Iterator[tuple[str, bytes]]) -> None:
        began, now = thread_time(), trio.current_time()
        for node, envelope in said:
            assert self.links[node].take(envelope, now)
        self.seconds += thread_time() - began


class Stage:
    """The owner, and those who play with it."""

    def __init__(self, players: Players, owner: Distribution, system: System) -> None:
        self.players = players
        self.owner = owner
        self.system = system

    async def measure(self, said: list[tuple[str, bytes]], answers: int) -> float:
        """Seconds of the processor until so much more was heard."""
        players = self.players
        before, wanted = players.seconds, players.heard + answers
        began = thread_time()
        players.say(iter(said))
        while players.heard < wanted:
            players.go_on(self.owner)
            await trio.lowlevel.checkpoint()
        return thread_time() - began - (players.seconds - before)

    async def open_links(self) -> None:
        for node, link in self.players.links.items():
            self.owner.node_up(node)
            link.open(trio.current_time())
        while not all(link.phase is Phase.UP for link in self.players.links.values()):
            self.players.go_on(self.owner)
            await trio.lowlevel.checkpoint()


def subscriptions_figure(rooms: int = 3_000, admits: int = 1_000) -> dict[str, Any]:
    """Microseconds of the owner's processor for each."""
    return trio.run(_measured, rooms, admits)


async def _measured(rooms: int, admits: int) -> dict[str, Any]:
    players, store, chance = Players(), Store(), random.Random(1)
    owner = Distribution(OWNER, players, NodeCodec, _resolve, DistributionLimits(_LIMITS))
    environment = RoomEnvironment(writer=store, reader=store, ownership=Owned())
    tree = SupervisorSpec(
        "node",
        [TaskSpec("links", owner.run), DynamicSpec(ROOMS, partial(RoomActor, environment), mailbox=MAILBOX)],
    )
    async with open_system(tree, distribution=owner) as system:
        players._encoding.attach(system)
        stage = Stage(players, owner, system)
        await stage.open_links()
        asked = list(_asked(players, rooms, chance))
        asked.sort(key=lambda one: one[0])
        opening = [said for place, said in asked if place < rooms]
        joining = [said for place, said in asked if place >= rooms]
        opened = await stage.measure([one for said in opening for one in said], len(opening))
        joined = await stage.measure([one for said in joining for one in said], len(joining))
        large = [_subscribed(players, node, LARGE, ()) for node in players.links]
        await stage.measure([one for said in large for one in said], len(large))
        subscription = _subscriptions(system)
        crowd = [
            (node, players.told(LARGE, Admit(subscription[node], number, _users(LARGE, number * AT_ONCE))))
            for number, node in zip(range(min(admits, LARGE_MEMBERS // AT_ONCE)), _turns(players), strict=False)
        ]
        admitted = await stage.measure(crowd, len(crowd))
        lost = next(iter(players.links))
        hung = sum(said[0][0] == lost for _, said in asked)
        began = thread_time()
        owner.node_down(lost)
        parted = thread_time() - began
    micro = 1e6
    return {
        "open_us": round(opened / len(opening) * micro, 1),
        "join_us": round(joined / len(joining) * micro, 1),
        "admit_us": round(admitted / len(crowd) * micro, 1),
        "part_us": round(parted / hung * micro, 1),
        "part_ms_of": [hung, round(parted * 1_000, 1)],
    }


Said = list[tuple[str, bytes]]


def _asked(players: Players, rooms: int, chance: random.Random) -> Iterator[tuple[int, Said]]:
    """What each relay says, and in which place: those that open their rooms first."""
    nodes = list(players.links)
    for number in range(rooms):
        room = f"r_{number:022d}"
        for place, node in enumerate(chance.sample(nodes, RELAYS_OF_A_ROOM)):
            at = number if place == 0 else rooms + chance.randrange(rooms * RELAYS_OF_A_ROOM)
            yield at, _subscribed(players, node, room, (_user(room, place),))


def _subscribed(players: Players, node: str, room: str, users: tuple[str, ...]) -> Said:
    number = next(players.numbers)
    subscribe = Subscribe(number, players.relay(node, room), -1, (), admit=users)
    watch = Envelope(EnvelopeKind.WATCH, number, f"{ROOMS}/{room}").encoded()
    return [(node, players.told(room, subscribe)), (node, watch)]


def _subscriptions(system: System) -> dict[str, int]:
    """The numbers of those in the large room, by their nodes."""
    room: Any = system.dynamic(ROOMS).find(LARGE)
    elsewhere = room._actor._room._state.audience.elsewhere
    return {one.relay.node: one.number for one in elsewhere._each()}


def _turns(players: Players) -> Iterator[str]:
    while True:
        yield from players.links


def _user(room: str, number: int) -> str:
    return f"u_{room[3:]}{number}"


def _users(room: str, first: int) -> tuple[str, ...]:
    return tuple(_user(room, number) for number in range(first, first + AT_ONCE))


def _resolve(system: System, name: str, start: bool) -> Address | None:
    """As `server/cluster/node.py` does it."""
    kind, _, room = name.partition("/")
    if kind != ROOMS:
        return None
    found = system.dynamic(ROOMS).find(room)
    return system.dynamic(ROOMS).find_or_start(room) if found is None and start else found
