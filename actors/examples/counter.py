"""A supervised counter: what a crash costs, and what it does not.

    python -m actors.examples.counter

One counter for each fruit, started when somebody first wants it. A share among nobody crashes its counter: that costs
the counter its state and that message. Its address, its name and its mailbox stay; who asked hears at once; the
others do not notice. One that keeps crashing is left alone for a while, and what is told to it then is a dead letter.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from functools import partial

import trio

from actors import (
    Actor,
    ActorSpec,
    Address,
    AskFailed,
    Backoff,
    Breaker,
    DeadLetter,
    DynamicSpec,
    Quarantined,
    Reply,
    SupervisorSpec,
    ask,
    open_system,
)


@dataclass(frozen=True)
class Add:
    """Count so many more."""

    number: int


@dataclass(frozen=True)
class Share:
    """How many are there for each of so many? Nobody knows for none."""

    among: int
    reply_to: Reply[int]


class Counter(Actor):
    """Counts, from what it was started with."""

    __slots__ = ("count",)

    def __init__(self, count: int = 0) -> None:
        self.count = count

    def receive(self, message: object) -> None:
        match message:
            case Add(number):
                self.count += number
            case Share(among, reply_to):
                reply_to.tell(self.count // among)


class Postmaster(Actor):
    """Says which messages nobody will ever receive."""

    __slots__ = ()

    def started(self) -> None:
        self.system.dead_letters.watch(self.address)

    def receive(self, message: object) -> None:
        match message:
            case DeadLetter(address, letter):
                print(f"too late for {address.name}: {letter}")

    def stopped(self, reason: object) -> None:
        self.system.dead_letters.unwatch(self.address)


BREAKER = Breaker(crashes=3, window=60.0, backoff=Backoff(first=10.0))

TREE = SupervisorSpec(
    "root",
    [
        ActorSpec("postmaster", Postmaster),
        DynamicSpec("counters", Counter, breaker=BREAKER, named=True),  # transient: started again after a crash
    ],
)


async def share(counter: Address, among: int) -> None:
    """Ask, and print the answer or why there is none."""
    try:
        print(f"{counter.name}: {await ask(counter, partial(Share, among), seconds=5.0)} for each of {among}")
    except AskFailed as failure:
        print(f"{failure}; {f'life {counter.incarnation} follows' if counter.alive else 'left alone'}")


async def main() -> None:
    async with open_system(TREE) as system:
        counters = system.dynamic("counters")
        apples = counters.find_or_start("apples", 100)
        pears = counters.find_or_start("pears")

        apples.tell(Add(20))
        pears.tell(Add(7))
        await share(apples, among=4)
        await share(apples, among=0)
        await share(apples, among=4)  # it has started again from 100: the 20 that were added are gone

        for _ in range(2):
            await share(apples, among=0)
        try:
            counters.find_or_start("apples")
        except Quarantined as refusal:
            print(f"no apples for {refusal.retry_after:.0f} s")
        apples.tell(Add(1))

        print("found by its name:", system.whereis("pears") is pears)
        await share(pears, among=1)
        print(system.describe().children[-1].count())


if __name__ == "__main__":
    logging.getLogger("actors").setLevel(logging.CRITICAL)  # each crash is logged with its traceback
    trio.run(main)
