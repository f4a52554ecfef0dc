"""A trio task with a memory channel each: what one writes without a library. `python -m tests.bench.actors.peer_trio
FIGURE SIZE`, one JSON object out.

No supervisor, no names, nothing counted; a channel has room for three messages.
"""

from __future__ import annotations

import gc
import json
import os
import sys
from collections.abc import Awaitable, Callable
from time import perf_counter_ns

import trio
import trio.testing

from tests.bench.measure import proportional_memory

RING = 1_000
ROOM = 3

Inlet = trio.MemorySendChannel[object]
Outlet = trio.MemoryReceiveChannel[object]


async def idle(outlet: Outlet) -> None:
    """A state of three fields, and nothing to do."""
    a = b = c = None
    async for _ in outlet:
        a, b, c = b, a, c


async def pass_on(outlet: Outlet, following: Inlet, done: trio.Event) -> None:
    """One place in a ring."""
    async for left in outlet:
        if isinstance(left, int) and left:
            await following.send(left - 1)
        else:
            done.set()


async def hop(nursery: trio.Nursery, hops: int) -> float:
    done = trio.Event()
    ring = [trio.open_memory_channel[object](ROOM) for _ in range(RING)]
    for place, (_, outlet) in enumerate(ring):
        nursery.start_soon(pass_on, outlet, ring[(place + 1) % RING][0], done)
    await trio.testing.wait_all_tasks_blocked()
    begin = perf_counter_ns()
    await ring[0][0].send(hops)
    await done.wait()
    return (perf_counter_ns() - begin) / hops


async def spawn(nursery: trio.Nursery, tasks: int) -> float:
    begin = perf_counter_ns()
    await _start(nursery, tasks)
    return (perf_counter_ns() - begin) / tasks


async def child(nursery: trio.Nursery, many: int) -> float:
    few = many // 10
    kept = await _settled(nursery, few)
    before = _memory()
    kept += await _settled(nursery, many - few)
    return (_memory() - before) / (many - few)


async def _start(nursery: trio.Nursery, tasks: int) -> list[Inlet]:
    """So many, each waiting for its first message when this returns."""
    inlets = []
    for _ in range(tasks):
        inlet, outlet = trio.open_memory_channel[object](ROOM)
        nursery.start_soon(idle, outlet)
        inlets.append(inlet)
    await trio.testing.wait_all_tasks_blocked()
    return inlets


async def _settled(nursery: trio.Nursery, tasks: int) -> list[Inlet]:
    """So many, each having handled three messages."""
    inlets = await _start(nursery, tasks)
    for inlet in inlets:
        for _ in range(3):
            await inlet.send("message")
    await trio.testing.wait_all_tasks_blocked()
    return inlets


def _memory() -> int:
    gc.collect()
    return proportional_memory(os.getpid())


FIGURES: dict[str, Callable[[trio.Nursery, int], Awaitable[float]]] = {"hop": hop, "spawn": spawn, "child": child}


async def main(figure: str, size: int) -> float:
    """Take one figure."""
    async with trio.open_nursery() as nursery:
        value = await FIGURES[figure](nursery, size)
        nursery.cancel_scope.cancel()
    return value


if __name__ == "__main__":
    print(json.dumps({"value": trio.run(main, sys.argv[1], int(sys.argv[2]))}))
