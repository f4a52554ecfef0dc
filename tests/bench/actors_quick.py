"""A quick look at what the actor runtime costs: one JSON object a figure, a few seconds in all.

For whoever changes the scheduler, the address or the lifecycle: run it before and after. Nothing is asserted, and on
a busy machine only the ratios mean anything. `python tests/bench/actors_quick.py [rounds [figure ...]]`
"""

from __future__ import annotations

import gc
import json
import logging
import os
import statistics
import sys
from collections.abc import Awaitable, Callable
from time import perf_counter

import trio
import trio.lowlevel

from actors import Actor, Address, Breaker, DynamicSpec, Mailbox, Restart, SupervisorSpec, System, open_system

HOPS = 300_000
RING = 1_000
CROWD = 10_000
SPAWNS = 100_000
CRASHES = 2_000
PAIRS = 50_000
AUDIENCE = 200
POSTS = 500


class Node(Actor):
    """One place in a ring: passes the token on, one less each time."""

    __slots__ = ("done", "next")

    def __init__(self, done: trio.Event) -> None:
        self.done = done
        self.next: Address | None = None

    def receive(self, message: object) -> None:
        if isinstance(message, Address):
            self.next = message
        elif self.next is not None and isinstance(message, int) and message:
            self.next.tell(message - 1)
        else:
            self.done.set()


class Idle(Actor):
    """A state of three fields, and nothing to do."""

    __slots__ = ("a", "b", "c")

    def __init__(self) -> None:
        self.a = self.b = self.c = None

    def receive(self, message: object) -> None:
        self.a = self.b
        if message == "crash":
            raise RuntimeError(message)


class Counting(Actor):
    """Counts down, shared by a crowd."""

    __slots__ = ("done", "left")

    def __init__(self, left: list[int], done: trio.Event) -> None:
        self.left = left
        self.done = done

    def receive(self, message: object) -> None:
        self.left[0] -= 1
        if not self.left[0]:
            self.done.set()


class Watching(Actor):
    """One of a pair that watch each other, as a connection and its session do; or all alone, a watcher of many."""

    __slots__ = ("about",)

    def __init__(self, about: object) -> None:
        self.about = about

    def receive(self, message: object) -> None:
        if isinstance(message, Address):
            self.watch(message)


class Relay(Actor):
    """Passes on what it is told: a room to its sessions, or a session to its connection."""

    __slots__ = ("audience",)

    def __init__(self, audience: tuple[Address, ...]) -> None:
        self.audience = audience

    def receive(self, message: object) -> None:
        for listener in self.audience:
            listener.tell(message)


class Outlet(Actor):
    """Keeps what it is told until it has settled, as a connection does before it sends."""

    __slots__ = ("done", "left", "pending")

    def __init__(self, left: list[int], done: trio.Event) -> None:
        self.left = left
        self.done = done
        self.pending: list[object] = []

    def receive(self, message: object) -> None:
        self.pending.append(message)

    def settled(self) -> None:
        self.left[0] -= len(self.pending)
        self.pending.clear()
        if not self.left[0]:
            self.done.set()


async def hop(system: System) -> float:
    """Nanoseconds of one hop of a single token round a ring."""
    done = trio.Event()
    nodes = system.dynamic("nodes")
    ring = [nodes.start(place, done) for place in range(RING)]
    for place, node in enumerate(ring):
        node.tell(ring[(place + 1) % RING])
    await trio.lowlevel.checkpoint()
    start = perf_counter()
    ring[0].tell(HOPS)
    await done.wait()
    return (perf_counter() - start) / HOPS * 1e9


async def one_to_many(system: System) -> float:
    """Nanoseconds per message, from one sender to ten thousand receivers."""
    done = trio.Event()
    left = [CROWD * 10]
    crowd = [system.dynamic("crowd").start(place, left, done) for place in range(CROWD)]
    await trio.lowlevel.checkpoint()
    start = perf_counter()
    for _ in range(10):
        for address in crowd:
            address.tell(None)
    await done.wait()
    return (perf_counter() - start) / (CROWD * 10) * 1e9


async def fan_out(system: System) -> float:
    """Nanoseconds of one delivery by way of two: a room tells sessions, each of which tells a connection."""
    done = trio.Event()
    left = [AUDIENCE * POSTS]
    outlets = [system.dynamic("outlets").start(place, left, done) for place in range(AUDIENCE)]
    relays = system.dynamic("relays")
    room = relays.start("room", tuple(relays.start(place, (outlet,)) for place, outlet in enumerate(outlets)))
    await trio.lowlevel.checkpoint()
    start = perf_counter()
    for post in range(POSTS):
        room.tell(post)
        await _rest(system)
    await done.wait()
    return (perf_counter() - start) / (AUDIENCE * POSTS) * 1e9


async def tell(system: System) -> float:
    """Nanoseconds of telling a busy actor."""
    address = system.dynamic("idle").start("target")
    message = object()
    rounds = range(100_000)
    start = perf_counter()
    for _ in rounds:
        address.tell(message)
    return (perf_counter() - start) / len(rounds) * 1e9


async def spawn(system: System) -> float:
    """Nanoseconds of starting an actor under a dynamic supervisor."""
    idle = system.dynamic("idle")
    start = perf_counter()
    for key in range(SPAWNS):
        idle.start(key)
    return (perf_counter() - start) / SPAWNS * 1e9


async def idle_bytes(system: System) -> float:
    """Bytes of an idle actor with three fields, found by key, that has handled three messages (slope of Pss)."""
    idle = system.dynamic("idle")
    seen = []
    for count in (SPAWNS, 3 * SPAWNS):
        for key in range(len(idle), count):
            address = idle.start(key)
            for _ in range(3):
                address.tell(None)
        await _rest(system)
        gc.collect()
        seen.append(_pss())
    return (seen[1] - seen[0]) / (2 * SPAWNS)


async def pair_bytes(system: System) -> float:
    """Bytes of two idle actors that watch each other, one of them in a group of its own and watched by one that
    watches all of them (slope of Pss)."""
    sessions, connections = system.dynamic("sessions"), system.dynamic("connections")
    room = sessions.start("room", None)
    seen = []
    for count in (PAIRS, 2 * PAIRS):
        for number in range(len(connections), count):
            session, connection = sessions.start(number, system), connections.start(number, system)
            system.join(number, session)
            session.tell(connection)
            connection.tell(session)
            room.tell(session)
            if number % 100 == 0:
                await _rest(system)
        await _rest(system)
        gc.collect()
        seen.append(_pss())
    return (seen[1] - seen[0]) / PAIRS


async def crash(system: System) -> float:
    """Nanoseconds of a crash and its restart, the log line (to nowhere) included."""
    address = system.dynamic("crashing").start("child")
    start = perf_counter()
    for _ in range(CRASHES):
        address.tell("crash")
    while address.incarnation <= CRASHES:
        await trio.lowlevel.checkpoint()
    return (perf_counter() - start) / CRASHES * 1e9


FIGURES: dict[str, tuple[str, Callable[[System], Awaitable[float]]]] = {
    "hop": ("ns", hop),
    "one_to_many": ("ns", one_to_many),
    "fan_out": ("ns", fan_out),
    "tell": ("ns", tell),
    "spawn": ("ns", spawn),
    "crash_and_restart": ("ns", crash),
    "idle": ("bytes", idle_bytes),
    "watching_pair": ("bytes", pair_bytes),
}

TREE = SupervisorSpec(
    "root",
    [
        DynamicSpec("nodes", Node),
        DynamicSpec("crowd", Counting),
        DynamicSpec("idle", Idle, mailbox=Mailbox(limit=200_000)),
        DynamicSpec("sessions", Watching, restart=Restart.TEMPORARY),
        DynamicSpec("connections", Watching, restart=Restart.TEMPORARY),
        DynamicSpec("relays", Relay),
        DynamicSpec("outlets", Outlet),
        DynamicSpec("crashing", Idle, mailbox=Mailbox(limit=CRASHES), breaker=Breaker(window=1e-9)),
    ],
)


async def measure(figure: Callable[[System], Awaitable[float]]) -> float:
    """One figure, in a system of its own."""
    async with open_system(TREE) as system:
        return await figure(system)


async def _rest(system: System) -> None:
    """Until no actor has anything to do."""
    while system.scheduler.ready:
        await trio.lowlevel.checkpoint()


def _pss() -> int:
    with open(f"/proc/{os.getpid()}/smaps_rollup") as rollup:
        return next(int(line.split()[1]) * 1024 for line in rollup if line.startswith("Pss:"))


def main() -> None:
    """Measure every figure and print its median."""
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 3
    logging.getLogger("actors").addHandler(logging.NullHandler())
    logging.getLogger("actors").propagate = False
    for name in sys.argv[2:] or FIGURES:
        unit, figure = FIGURES[name]
        gc.collect()
        gc.freeze()
        values = [trio.run(measure, figure) for _ in range(1 if unit == "bytes" else rounds)]
        print(json.dumps({"figure": name, "value": round(statistics.median(values), 1), "unit": unit}), flush=True)


if __name__ == "__main__":
    main()
