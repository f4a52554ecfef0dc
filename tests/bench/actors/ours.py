"""Our side of the figures: one process each, `python -m tests.bench.actors.ours FIGURE SIZE`, one JSON object out.

Everything runs in `actors.run` as in production: garbage policy, counters and overrun timer on. What is measured is a
task of the tree, so it starts when all others are ready, and nothing is set up that a program would not set up.
"""

from __future__ import annotations

import gc
import json
import logging
import os
import sys
from collections.abc import Awaitable, Callable, Iterator
from statistics import median
from time import perf_counter_ns

import trio
import trio.lowlevel

import actors
from actors import (
    Actor,
    Address,
    Dynamic,
    DynamicSpec,
    FreezePolicy,
    Intensity,
    Mailbox,
    Restart,
    SupervisorSpec,
    System,
    TaskContext,
    TaskSpec,
)
from tests.bench.actors.stalls import Stalls
from tests.bench.measure import proportional_memory

RING = 1_000
CROWD = 10_000
LIVES = 100
"""Crashes of one child, under a supervisor of its own, which remembers each restart within its window."""
SLICE = 500
"""What one task does at a time, when it does something to each of very many: trio preempts nobody."""
FLOOD = 2**24
"""The most messages that may wait for one actor which is flooded on purpose."""
STALLS = Stalls()


class Idle(Actor):
    """A state of three fields, and nothing to do."""

    __slots__ = ("a", "b", "c")

    def __init__(self) -> None:
        self.a = self.b = self.c = None

    def receive(self, message: object) -> None:
        self.a = self.b


class Node(Actor):
    """One place in a ring: passes the token on, one less each time."""

    __slots__ = ("done", "next")

    def __init__(self, done: trio.Event) -> None:
        self.done = done
        self.next: Address | None = None

    def receive(self, message: object) -> None:
        if isinstance(message, int):
            if message and self.next is not None:
                self.next.tell(message - 1)
            else:
                self.done.set()
        elif isinstance(message, Address):
            self.next = message


class Left:
    """How many messages have not arrived yet; shared by a crowd, as an atomic counter is in Erlang."""

    __slots__ = ("count", "done")

    def __init__(self) -> None:
        self.count = 0
        self.done = trio.Event()


class Receiver(Actor):
    """One of a crowd."""

    __slots__ = ("left",)

    def __init__(self, left: Left) -> None:
        self.left = left

    def receive(self, message: object) -> None:
        left = self.left
        left.count -= 1
        if not left.count:
            left.done.set()


class Sender(Actor):
    """Tells each of a crowd what it is told."""

    __slots__ = ("crowd",)

    def __init__(self, crowd: list[Address]) -> None:
        self.crowd = crowd

    def receive(self, message: object) -> None:
        for receiver in self.crowd:
            receiver.tell(message)


class Crashing(Actor):
    """Says that it is up; the next message ends it."""

    __slots__ = ("up",)

    def __init__(self, up: Callable[[Address], None]) -> None:
        self.up = up

    def started(self) -> None:
        self.up(self.address)

    def receive(self, message: object) -> None:
        raise RuntimeError("crash")


async def hop(system: System, hops: int) -> dict[str, float]:
    """One token round a ring."""
    done = trio.Event()
    nodes = system.dynamic("nodes")
    ring = [nodes.start(place, done) for place in range(RING)]
    for place, node in enumerate(ring):
        node.tell(ring[(place + 1) % RING])
    await rest(system)
    begin = perf_counter_ns()
    ring[0].tell(hops)
    await done.wait()
    return {"value": (perf_counter_ns() - begin) / hops}


async def one_to_many(system: System, sent: int) -> dict[str, float]:
    """One actor tells each of a crowd; when all have it, again."""
    left = Left()
    receivers = system.dynamic("receivers")
    crowd = [receivers.start(place, left) for place in range(CROWD)]
    sender = system.dynamic("senders").start("sender", crowd)
    await rest(system)
    begin = perf_counter_ns()
    for _ in range(sent // CROWD):
        left.count, left.done = CROWD, trio.Event()
        sender.tell("message")
        await left.done.wait()
    return {"value": (perf_counter_ns() - begin) / sent}


async def spawn(system: System, children: int) -> dict[str, float]:
    """Children of a dynamic supervisor, by key."""
    begin = perf_counter_ns()
    await start_all(system.dynamic("idle"), range(children))
    return {"value": (perf_counter_ns() - begin) / children}


async def crash_and_restart(system: System, crashes: int) -> dict[str, float]:
    """One crash after the other: the next message is told by the incarnation that has just come up."""
    taken = 0
    for child in range(crashes // LIVES):
        taken += await crash_one(system, child)
    return {"value": taken / (crashes // LIVES * LIVES)}


async def crash_one(system: System, child: int) -> int:
    """Nanoseconds of all crashes of one child."""
    lives, over = 0, trio.Event()
    begin = perf_counter_ns()

    def up(address: Address) -> None:
        nonlocal lives
        if lives == LIVES:
            over.set()
        else:
            lives += 1
            address.tell("crash")

    system.dynamic(f"crashing {child}").start("child", up)
    await over.wait()
    return perf_counter_ns() - begin


async def fairness(system: System, flood: int) -> dict[str, float]:
    """One actor has that many messages waiting; how long is a message to another one on its way meanwhile?"""
    left = Left()
    left.count = flood
    busy = system.dynamic("flooded").start("busy", left)
    for _ in range(flood):
        busy.tell("message")
    waits: list[float] = []
    answered = Left()
    other = system.dynamic("receivers").start("other", answered)
    while left.count:
        answered.count, answered.done = 1, trio.Event()
        begin = perf_counter_ns()
        other.tell("message")
        await answered.done.wait()
        waits.append((perf_counter_ns() - begin) / 1e6)
    return {"median_ms": median(waits), "longest_ms": max(waits)}


async def named(system: System, many: int) -> dict[str, float]:
    """Bytes of one with a name of its own, by which `System.whereis` finds it."""
    children = system.dynamic("named")
    return await slope(system, many, lambda number: children.start(f"actor-{number}"))


async def child(system: System, many: int) -> dict[str, float]:
    """Bytes of one that only its supervisor knows, by a number."""
    return await slope(system, many, system.dynamic("idle").start)


async def slope(system: System, many: int, start: Callable[[int], Address]) -> dict[str, float]:
    """Bytes of one: from a tenth of them to all, each having handled three messages."""
    few = many // 10
    before = await settled(system, range(few), start)
    after = await settled(system, range(few, many), start)
    return {"value": (after - before) / (many - few)}


async def settled(system: System, numbers: range, start: Callable[[int], Address]) -> int:
    """Pss, once those are started and have handled three messages each."""
    for slice in slices(numbers):
        addresses = [start(number) for number in slice]
        for _ in range(3):
            for address in addresses:
                address.tell("message")
            await rest(system)
    gc.collect()
    return proportional_memory(os.getpid())


async def million(system: System, many: int) -> dict[str, float]:
    """Spawn all, tell each twice. `main` times the stop of all, which is the end of the run."""
    children = system.dynamic("idle")
    STALLS.take("before")
    begin = perf_counter_ns()
    await start_all(children, range(many))
    spawned = perf_counter_ns()
    spawning = {"spawn_s": (spawned - begin) / 1e9, **STALLS.take("spawn")}
    for _ in range(2):
        await tell_all(children, range(many))
    await rest(system)
    return {**spawning, "tell_s": (perf_counter_ns() - spawned) / 1e9, **STALLS.take("tell")}


async def start_all(children: Dynamic, keys: range) -> None:
    """Start a child for each key, a slice at a time."""
    for slice in slices(keys):
        for key in slice:
            children.start(key)
        await trio.lowlevel.checkpoint()


async def tell_all(children: Dynamic, keys: range) -> None:
    """Find every child by its key and tell it a message, a slice at a time."""
    for slice in slices(keys):
        for key in slice:
            child = children.find(key)
            if child is not None:
                child.tell("message")
        await trio.lowlevel.checkpoint()


def slices(keys: range) -> Iterator[range]:
    """`SLICE` of them after the other."""
    return (keys[first : first + SLICE] for first in range(0, len(keys), SLICE))


async def rest(system: System) -> None:
    """Until no actor has anything to do."""
    while system.scheduler.ready:
        await trio.lowlevel.checkpoint()


FIGURES: dict[str, Callable[[System, int], Awaitable[dict[str, float]]]] = {
    "hop": hop,
    "one_to_many": one_to_many,
    "spawn": spawn,
    "crash_and_restart": crash_and_restart,
    "fairness": fairness,
    "named": named,
    "child": child,
    "million": million,
    "million_unfrozen": million,
}


async def main(figure: str, size: int) -> dict[str, float]:
    """Run a tree with one more task in it, which takes the figure, and then stops the tree."""
    values: dict[str, float] = {}
    async with trio.open_nursery() as outside:
        if figure.startswith("million"):
            outside.start_soon(STALLS.run)
        stopped_after = await run_tree(figure, size, values)
        if figure.startswith("million"):
            values |= {"stop_s": stopped_after, **STALLS.take("stop")}
        outside.cancel_scope.cancel()
    return values


async def run_tree(figure: str, size: int, values: dict[str, float]) -> float:
    """Take the figure into `values`; returns how many seconds it took to stop everything then."""
    begin = 0
    with trio.CancelScope() as life:

        async def take(context: TaskContext) -> None:
            nonlocal begin
            context.started()
            values.update(await FIGURES[figure](context.system, size))
            begin = perf_counter_ns()
            life.cancel()

        crashing = size // LIVES if figure == "crash_and_restart" else 0
        policy = None if figure == "million_unfrozen" else FreezePolicy()
        await actors.run(tree(take, crashing), freeze=policy)
    return (perf_counter_ns() - begin) / 1e9


def tree(take: Callable[[TaskContext], Awaitable[None]], crashing: int) -> SupervisorSpec:
    """A dynamic supervisor for each kind, one for each of those that crash, and the task that takes the figure."""
    return SupervisorSpec(
        "root",
        [
            DynamicSpec("idle", Idle),
            DynamicSpec("named", Idle, named=True),
            DynamicSpec("nodes", Node),
            DynamicSpec("receivers", Receiver),
            DynamicSpec("senders", Sender),
            DynamicSpec("flooded", Receiver, Mailbox(limit=FLOOD)),
            *(
                DynamicSpec(f"crashing {number}", Crashing, breaker=None, intensity=Intensity(LIVES, 1.0))
                for number in range(crashing)
            ),
            TaskSpec("figure", take, restart=Restart.TEMPORARY),
        ],
    )


if __name__ == "__main__":
    logging.getLogger("actors").addHandler(logging.NullHandler())
    logging.getLogger("actors").propagate = False
    print(json.dumps(trio.run(main, sys.argv[1], int(sys.argv[2]))))
