"""What a relay has at rest, in bytes: at the gateway where it lives, and at the owner of its room.

    python tests/bench/cluster/run.py --only relays

An owner and five gateways in one process, with the real distribution between them; only the network and the store are
played. Every room has ten members, two of them attached at each gateway, and nothing is open. Counted is what can be
reached from a node and is not its sessions', object by object, as the allocator rounds it: so it is exact, and the same
on a busy machine. The slope between few and many rooms leaves out what all of them share.
"""

from __future__ import annotations

import gc
import sys
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial
from itertools import chain
from types import FunctionType, ModuleType
from typing import Any, Final

import trio
from msgspec import Struct

from actors import (
    Actor,
    Address,
    Distribution,
    DynamicSpec,
    MemoryNetwork,
    SupervisorSpec,
    System,
    TaskSpec,
    open_system,
)
from actors.blueprint import Blueprint
from actors.dynamic import DynamicChild
from server.cluster.codec import NodeCodec
from server.relays.actor import RELAYS, RelayActor, RelayEnvironment
from server.rooms.actor import MAILBOX, ROOMS, RoomActor, RoomEnvironment
from server.rooms.messages import Attach, Attached
from server.store.log_messages import Anchor, Anchored
from server.store.marks import member_record
from server.store.questions import Done
from server.store.room_messages import LoadRoom, RoomRecord

OWNER: Final = "owner.3f9a2c51"
GATEWAYS: Final = tuple(f"gateway{number}.7be0{number}d44" for number in range(5))
SESSIONS: Final = "sessions"
MEMBERS: Final = 10
FEW, MANY = 200, 1_000
SHOWN: Final = 20
PATIENCE: Final = 120.0
SETTLED: Final = 8.0
"""Seconds after which nobody who has come is news any more, though a thousand rooms take turns to say it, and no timer
of that is left."""

_EDGES: Final = (type, FunctionType, ModuleType, MemoryNetwork, Blueprint, DynamicChild, System, trio.Event)
"""What all share, or is not this node's."""


class Sizes(Counter[str]):
    """Bytes by kind of object."""

    def per(self, count: int) -> dict[str, float]:
        """The largest, for each of so many."""
        return {kind: round(size / count, 1) for kind, size in self.most_common(SHOWN) if size >= count}


class Store:
    """Has every room, and takes nothing else."""

    def tell(self, message: object, /) -> bool:
        match message:
            case Anchor(reply_to=asker, ref=ref, room=room):
                asker.answer(Done(ref, Anchored(room, 1)))
            case LoadRoom(reply_to=asker, ref=ref, room=room):
                members = {sys.intern(_user(room, number)): member_record("member", 0, 0) for number in range(MEMBERS)}
                asker.answer(Done(ref, RoomRecord(room, f"l_{room[2:]}", "group", "Ten", None, 700, members)))
            case _:
                pass
        return True


class Owned:
    """All rooms are the owner's."""

    def __init__(self, node: str) -> None:
        self._node = node

    def owner_of(self, room: str) -> str | None:
        return OWNER

    def epoch_of(self, room: str) -> int | None:
        return 700 if self._node == OWNER else None

    def is_mine(self, room: str) -> bool:
        return self._node == OWNER

    def is_inherited(self, room: str) -> bool:
        return False


class Session(Actor):
    """Is attached, and does nothing."""

    __slots__ = ("_attached", "_relay")

    def __init__(self, relay: Address, attached: Callable[[], None]) -> None:
        self._relay = relay
        self._attached = attached

    def started(self) -> None:
        self.watch(self._relay)
        self._relay.tell(Attach(1, self.address, str(self.address.name)))

    def receive(self, message: object) -> None:
        if isinstance(message, Attached):
            self._attached()


class Stage:
    """The nodes, and who has been brought to them."""

    def __init__(self) -> None:
        self.network = MemoryNetwork(limit=100_000)
        self.systems: dict[str, System] = {}
        self._attached = 0

    async def bring(self, gateway: int, rooms: range) -> None:
        """Attach two members of each room at this gateway."""
        system, wanted = self.systems[GATEWAYS[gateway]], self._attached + 2 * len(rooms)
        for number in rooms:
            room = f"r_{number:022d}"
            relay = system.dynamic(RELAYS).find_or_start(room)
            for member in (2 * gateway, 2 * gateway + 1):
                system.dynamic(SESSIONS).start(_user(room, member), relay, self._count)
        with trio.fail_after(PATIENCE):
            while self._attached < wanted:  # noqa: ASYNC110 - what is looked at belongs to actors and tells nobody
                await trio.sleep(0.01)

    def _count(self) -> None:
        self._attached += 1

    def distribution(self, node: str) -> Distribution:
        return Distribution(node, self.network.transport(node), NodeCodec, _resolve)

    def sizes(self, node: str) -> Sizes:
        """What this node has, but its sessions."""
        system = self.systems[node]
        roots: list[object] = [system.distribution, system.dynamic(ROOMS), system.dynamic(RELAYS)]
        sessions = list(system.dynamic(SESSIONS).children())
        return _reachable(roots, {*map(id, sessions), *(id(session.name) for session in sessions)})


def relay_memory_figure() -> dict[str, Any]:
    """Bytes at rest: of a relay, of what its owner keeps of it, and of an open room besides."""
    return trio.run(_measured)


async def _measured() -> dict[str, Any]:
    async with _stage() as stage:
        await stage.bring(0, range(FEW))
        await trio.sleep(SETTLED)
        few, one_each_of_few = stage.sizes(GATEWAYS[0]), stage.sizes(OWNER)
        await stage.bring(0, range(FEW, MANY))
        await trio.sleep(SETTLED)
        many, one_each = stage.sizes(GATEWAYS[0]), stage.sizes(OWNER)
        for gateway in range(1, len(GATEWAYS)):
            await stage.bring(gateway, range(MANY))
        await trio.sleep(SETTLED)
        all_each = stage.sizes(OWNER)
    relays, subscribed = MANY - FEW, MANY * (len(GATEWAYS) - 1)
    relay, subscriber = _less(many, few), _less(all_each, one_each)
    opened = _less(one_each, one_each_of_few)
    return {
        "relay_bytes": round(relay.total() / relays),
        "subscribed_node_bytes": round(subscriber.total() / subscribed),
        "room_with_one_subscribed_node_bytes": round(opened.total() / relays),
        "relay": relay.per(relays),
        "subscribed_node": subscriber.per(subscribed),
        "room_with_one_subscribed_node": opened.per(relays),
    }


@asynccontextmanager
async def _stage() -> AsyncIterator[Stage]:
    stage = Stage()
    async with trio.open_nursery() as nursery, AsyncExitStack() as opened:
        nursery.start_soon(stage.network.run)
        for node in (OWNER, *GATEWAYS):
            distribution = stage.distribution(node)
            system = await opened.enter_async_context(open_system(_tree(node, distribution), distribution=distribution))
            stage.systems[node] = system
            stage.network.join(distribution)
        yield stage
        await opened.aclose()
        nursery.cancel_scope.cancel()


def _tree(node: str, distribution: Distribution) -> SupervisorSpec:
    store, owned = Store(), Owned(node)
    rooms = RoomEnvironment(writer=store, reader=store, ownership=owned)
    relays = RelayEnvironment(node=node, reader=store, ownership=owned)
    return SupervisorSpec(
        "node",
        [
            TaskSpec("links", distribution.run),
            DynamicSpec(ROOMS, partial(RoomActor, rooms), mailbox=MAILBOX),
            DynamicSpec(RELAYS, partial(RelayActor, relays), mailbox=MAILBOX),
            DynamicSpec(SESSIONS, Session),
        ],
    )


def _resolve(system: System, name: str, start: bool) -> Address | None:
    kind, _, key = name.partition("/")
    found = system.dynamic(kind)
    return found.find_or_start(key) if start and kind == ROOMS else found.find(key)


def _user(room: str, number: int) -> str:
    return f"u_{room[3:]}{number}"


def _less(many: Sizes, few: Sizes) -> Sizes:
    left = Sizes(many)
    left.subtract(few)
    return left


def _reachable(roots: list[object], edges: set[int]) -> Sizes:
    """What hangs on these objects, up to the edges; each once."""
    sizes, seen, left = Sizes(), set(edges), roots
    while left:
        thing = left.pop()
        if id(thing) in seen or isinstance(thing, _EDGES):
            continue
        seen.add(id(thing))
        sizes[_kind(thing)] += (sys.getsizeof(thing) + 15) // 16 * 16
        left.extend(_parts(thing))
    return sizes


def _parts(thing: object) -> Iterator[object]:
    if isinstance(thing, Struct):  # also where it is out of the collector's sight
        return (getattr(thing, name) for name in thing.__struct_fields__ if hasattr(thing, name))
    if isinstance(thing, dict):  # the collector leaves out keys that are texts
        return chain(thing, thing.values())
    return iter(gc.get_referents(thing))


def _kind(thing: object) -> str:
    """Its class; of a text what it begins with, too, which says what it names."""
    name = type(thing).__qualname__
    return f"{name} {thing[:2]}…" if isinstance(thing, str) else name
