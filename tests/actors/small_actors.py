"""Small throw-away actors and what to tell them: the second application of `actors/`, besides the chat."""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import trio
from trio.testing import wait_all_tasks_blocked

from actors import Actor, ActorSpec, Address, Intensity, Mailbox, Reply, SupervisorSpec

PATIENT = Intensity(restarts=1_000, seconds=1.0)
"""For supervisors whose patience is not what the test is about."""


class Boom(Exception):
    """What crashes on purpose raise."""


@dataclass(frozen=True)
class Crash:
    """Raise `Boom`."""

    why: str = "boom"


@dataclass(frozen=True)
class End:
    """Stop in order."""

    reason: object = None


@dataclass(frozen=True)
class Add:
    """Add to the counter."""

    number: int = 1


@dataclass(frozen=True)
class Read:
    """Answer with the counter."""

    reply_to: Reply[int]


@dataclass(frozen=True)
class Ponder:
    """A question that is kept, and never answered."""

    reply_to: Reply[int]


@dataclass(frozen=True)
class Watch:
    """Watch another actor."""

    target: Address


@dataclass(frozen=True)
class Unwatch:
    """Watch it no more."""

    target: Address


class Counter(Actor):
    """Counts; the state a crash costs it."""

    __slots__ = ("count", "kept")

    def __init__(self, count: int = 0) -> None:
        self.count = count
        self.kept: list[object] = []

    def receive(self, message: object) -> None:
        match message:
            case Add(number):
                self.count += number
            case Read(reply_to):
                reply_to.tell(self.count)
            case Crash(why):
                raise Boom(why)
            case End():
                self.stop()
            case _:
                self.kept.append(message)


class Recorder(Actor):
    """Writes down what happens to it, over all its lives, in a list that is not its own."""

    __slots__ = ("log",)

    def __init__(self, log: list[object]) -> None:
        self.log = log

    def receive(self, message: object) -> None:
        match message:
            case Watch(target):
                self.watch(target)
            case Unwatch(target):
                self.unwatch(target)
            case Crash(why):
                raise Boom(why)
            case End(reason):
                self.stop() if reason is None else self.stop(reason)
            case _:
                self.log.append(message)


class Diary(Recorder):
    """A recorder that writes down its hooks as well."""

    __slots__ = ()

    def started(self) -> None:
        self.log.append("started")

    def settled(self) -> None:
        self.log.append("settled")

    def stopped(self, reason: object) -> None:
        self.log.append(("stopped", reason))


class Script(Actor):
    """Does what it is told to do: messages are functions of the actor."""

    __slots__ = ()

    def receive(self, message: object) -> None:
        assert callable(message)
        message(self)


def tell_script(address: Address, action: Callable[[Script], object]) -> None:
    """Have a `Script` do something."""
    assert address.tell(action)


def recorder(log: list[object], name: str = "recorder", mailbox: Mailbox | None = None) -> ActorSpec:
    """A recorder by its name."""
    return ActorSpec(name, Recorder, (log,), mailbox=mailbox or Mailbox(), name=name)


def tree(*children: ActorSpec) -> SupervisorSpec:
    """A root with these actors, none of which brings it down."""
    return SupervisorSpec("root", children, intensity=PATIENT)


@contextmanager
def collected() -> Iterator[list[object]]:
    """What the collector finds during a block, when the block asks it to look; it does not look by itself."""
    gc.collect()
    gc.disable()
    gc.set_debug(gc.DEBUG_SAVEALL)
    try:
        yield gc.garbage
    finally:
        gc.set_debug(0)
        gc.garbage.clear()
        gc.enable()


async def quiet() -> None:
    """Until nothing moves: every actor rests and every task waits."""
    with trio.fail_after(10):
        await wait_all_tasks_blocked()
