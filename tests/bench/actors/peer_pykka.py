"""pykka, an actor a thread: `python -m tests.bench.actors.peer_pykka FIGURE SIZE`, one JSON object out.

Nothing supervises pykka's actors; its registry knows them all.
"""

from __future__ import annotations

import gc
import json
import os
import sys
import threading
from collections.abc import Callable
from time import perf_counter_ns

import pykka

from tests.bench.measure import proportional_memory

RING = 1_000


class Idle(pykka.ThreadingActor):  # type: ignore[misc]
    """A state of three fields, and nothing to do."""

    def __init__(self) -> None:
        super().__init__()
        self.a = self.b = self.c = None

    def on_receive(self, message: object) -> None:
        self.a = self.b


class Node(pykka.ThreadingActor):  # type: ignore[misc]
    """One place in a ring."""

    def __init__(self, done: threading.Event) -> None:
        super().__init__()
        self.done = done
        self.following: pykka.ActorRef[Node] | None = None

    def on_receive(self, message: object) -> None:
        if not isinstance(message, int):
            self.following = message
        elif message and self.following is not None:
            self.following.tell(message - 1)
        else:
            self.done.set()


def hop(hops: int) -> float:
    done = threading.Event()
    ring = [Node.start(done) for _ in range(RING)]
    for place, node in enumerate(ring):
        node.tell(ring[(place + 1) % RING])
    begin = perf_counter_ns()
    ring[0].tell(hops)
    done.wait()
    return (perf_counter_ns() - begin) / hops


def spawn(threads: int) -> float:
    begin = perf_counter_ns()
    for _ in range(threads):
        Idle.start()
    return (perf_counter_ns() - begin) / threads


def child(many: int) -> float:
    few = many // 10
    before = _settled(few)
    return (_settled(many - few) - before) / (many - few)


def _settled(threads: int) -> int:
    """Pss, once so many more have handled three messages each."""
    for actor in [Idle.start() for _ in range(threads)]:
        for _ in range(2):
            actor.tell("message")
        actor.ask("message")
    gc.collect()
    return proportional_memory(os.getpid())


FIGURES: dict[str, Callable[[int], float]] = {"hop": hop, "spawn": spawn, "child": child}

if __name__ == "__main__":
    print(json.dumps({"value": FIGURES[sys.argv[1]](int(sys.argv[2]))}), flush=True)
    os._exit(0)  # a thousand threads take their time to be joined
