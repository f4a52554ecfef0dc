"""A pool of workers: blocking work, back-pressure, and who hears of a failure.

    python -m actors.examples.workers

Customers (tasks) ask a foreman (an actor); the foreman asks a worker (an actor) that has nothing to do; the worker has
the work done in a thread. Nobody waits but the customer, so that is where the pressure goes: the foreman keeps only so
many jobs, refuses the rest at once, and whoever is refused comes back later.

Every question ends, and so every job: with its result, or with the reason why there is none. When a worker crashes by
a job, the foreman hears so as the answer to its own question, passes it on, and the worker's next life is as idle
as the last one was busy. No list of who does what has to be kept for that: it is in the label of the question.
"""

from __future__ import annotations

import hashlib
import logging
from collections import deque
from dataclasses import dataclass
from functools import partial

import trio

from actors import (
    Actor,
    ActorSpec,
    Address,
    Answer,
    Crashed,
    DynamicSpec,
    NoAnswer,
    Refused,
    Reply,
    SupervisorSpec,
    TaskSpec,
    Threads,
    ask,
    open_system,
)

WORKERS = 3
MOST_WAITING = 2
PATIENCE = 30.0
"""Seconds that anybody waits for an answer."""


@dataclass(frozen=True)
class Job:
    """Make a fingerprint of this text. An empty one crashes the worker."""

    text: str
    reply_to: Reply[str]


def fingerprint(text: str) -> str:
    """Something slow that blocks: it runs in a thread. What it raises is an answer like any other."""
    return hashlib.pbkdf2_hmac("sha256", text.encode("ascii"), b"salt", 10_000).hex()[:8]


class Worker(Actor):
    """Does one job at a time, because it is asked for one at a time."""

    __slots__ = ("threads",)

    def __init__(self, threads: Threads) -> None:
        self.threads = threads

    def receive(self, message: object) -> None:
        match message:
            case Job(text, reply_to):
                if not text:
                    raise ValueError("nothing to work on")
                self.offload(self.threads, fingerprint, text, seconds=PATIENCE, label=reply_to)
            case Answer(Reply() as reply_to, result):
                reply_to.tell(result)
            case NoAnswer(Reply() as reply_to, failure):
                reply_to.fail(failure)


@dataclass(frozen=True)
class HandedOut:
    """The label of a question to a worker: which job it was, and whose."""

    job: Job
    worker: Address


class Foreman(Actor):
    """Hands jobs to workers that have nothing to do, and keeps a few for when one has."""

    __slots__ = ("idle", "threads", "waiting")

    def __init__(self, threads: Threads) -> None:
        self.threads = threads
        self.idle: deque[Address] = deque()
        self.waiting: deque[Job] = deque()

    def started(self) -> None:
        workers = self.system.dynamic("workers")
        self.idle.extend(workers.find_or_start(number, self.threads) for number in range(WORKERS))

    def receive(self, message: object) -> None:
        match message:
            case Job() as job:
                if self.idle or len(self.waiting) < MOST_WAITING:
                    self.waiting.append(job)
                else:
                    job.reply_to.fail(Refused("the foreman has enough to do"))
            case Answer(HandedOut(job, worker), result):
                job.reply_to.tell(result)
                self.idle.append(worker)
            case NoAnswer(HandedOut(job, worker), failure):
                job.reply_to.fail(failure)
                if worker.alive:  # one that was given up has left the pool
                    self.idle.append(worker)
        self._hand_out()

    def _hand_out(self) -> None:
        while self.idle and self.waiting:
            worker, job = self.idle.popleft(), self.waiting.popleft()
            self.send_request(worker, partial(Job, job.text), seconds=PATIENCE, label=HandedOut(job, worker))


def tree(threads: Threads) -> SupervisorSpec:
    """Each child needs those above it: it is started after them, and stopped before them."""
    return SupervisorSpec(
        "root",
        [
            TaskSpec("threads", threads.run),
            DynamicSpec("workers", Worker),
            ActorSpec("foreman", Foreman, (threads,), name="foreman"),
        ],
    )


async def customer(foreman: Address, text: str, results: dict[str, str], refused: set[str]) -> None:
    """Wants one text done, and comes back as often as it is refused."""
    while text not in results:
        try:
            results[text] = await ask(foreman, partial(Job, text), seconds=PATIENCE)
        except Refused:
            refused.add(text)
            await trio.sleep(0.01)
        except Crashed as crash:
            results[text] = f"nobody can: {type(crash.__cause__).__name__}"


async def main() -> None:
    results: dict[str, str] = {}
    refused: set[str] = set()
    threads = Threads(limit=2, waiting=WORKERS)
    async with open_system(tree(threads)) as system:
        foreman = system.whereis("foreman")
        assert foreman is not None
        async with trio.open_nursery() as customers:
            for text in ("oak", "elm", "ash", "fir", "", "yew", "bøg", "bay"):
                customers.start_soon(customer, foreman, text, results, refused)
        print("workers:", len(system.dynamic("workers")), "restarts:", system.dynamic("workers").restarts)
    print("done in threads:", threads.statistics().taken)
    print("some had to come back:", bool(refused))
    for text, result in sorted(results.items()):
        print(f"{text or 'nothing'}: {result}")


if __name__ == "__main__":
    logging.getLogger("actors").setLevel(logging.CRITICAL)  # each crash is logged with its traceback
    trio.run(main)
