"""triotp, a gen_server a trio task, under its dynamic supervisor: `python -m tests.bench.actors.peer_triotp FIGURE
SIZE`, one JSON object out.

The release for this Python asks for trio below 0.20; it is run on the trio that is installed here.
"""

from __future__ import annotations

import gc
import json
import os
import sys
import warnings
from collections.abc import Awaitable, Callable
from time import perf_counter_ns
from types import ModuleType

import trio
import trio.testing

from tests.bench.measure import proportional_memory

warnings.simplefilter("ignore")  # what old code does that trio has since deprecated

from triotp import dynamic_supervisor, gen_server, mailbox, supervisor  # noqa: E402

RING = 1_000


async def _init(state: object) -> object:
    return state


async def _idle(message: object, state: tuple[object, ...]) -> tuple[object, object]:
    a, b, c = state
    return gen_server.NoReply(), (b, a, c)


async def _pass_on(left: object, state: tuple[str, trio.Event]) -> tuple[object, object]:
    following, done = state
    if isinstance(left, int) and left:
        await mailbox.send(following, left - 1)
    else:
        done.set()
    return gen_server.NoReply(), state


def _server(name: str, handle_info: object) -> ModuleType:
    """A gen_server is a module of callbacks here."""
    module = ModuleType(name)
    module.init = _init  # type: ignore[attr-defined]
    module.handle_info = handle_info  # type: ignore[attr-defined]
    return module


IDLE = _server("idle", _idle)
NODE = _server("node", _pass_on)


async def _start(name: str, module: ModuleType, state: object) -> None:
    spec = supervisor.child_spec(
        id=name, task=gen_server.start, args=[module, state, name], restart=supervisor.restart_strategy.TRANSIENT
    )
    await dynamic_supervisor.start_child("supervisor", spec)


async def hop(hops: int) -> float:
    done = trio.Event()
    for place in range(RING):
        await _start(f"node-{place}", NODE, (f"node-{(place + 1) % RING}", done))
    await trio.testing.wait_all_tasks_blocked()
    begin = perf_counter_ns()
    await mailbox.send("node-0", hops)
    await done.wait()
    return (perf_counter_ns() - begin) / hops


async def spawn(servers: int) -> float:
    begin = perf_counter_ns()
    for number in range(servers):
        await _start(f"actor-{number}", IDLE, (None, None, None))
    await trio.testing.wait_all_tasks_blocked()
    return (perf_counter_ns() - begin) / servers


async def named(many: int) -> float:
    few = many // 10
    before = await _settled(range(few))
    return (await _settled(range(few, many)) - before) / (many - few)


async def _settled(numbers: range) -> int:
    """Pss, once those are started and have handled three messages each."""
    for number in numbers:
        await _start(f"actor-{number}", IDLE, (None, None, None))
    await trio.testing.wait_all_tasks_blocked()
    for number in numbers:
        for _ in range(3):
            await mailbox.send(f"actor-{number}", "message")
    await trio.testing.wait_all_tasks_blocked()
    gc.collect()
    return proportional_memory(os.getpid())


FIGURES: dict[str, Callable[[int], Awaitable[float]]] = {"hop": hop, "spawn": spawn, "named": named}


async def main(figure: str, size: int) -> None:
    """Take one figure, print it, and leave without stopping thousands of tasks first."""
    mailbox._init()
    async with trio.open_nursery() as nursery:
        await nursery.start(dynamic_supervisor.start, supervisor.options(), "supervisor")
        print(json.dumps({"value": await FIGURES[figure](size)}), flush=True)
        os._exit(0)


if __name__ == "__main__":
    trio.run(main, sys.argv[1], int(sys.argv[2]))
