"""Looking at a running system: who is there, who has the most of something, and what is in an actor."""

from __future__ import annotations

from typing import Any

import pytest

from actors import (
    Actor,
    ActorSpec,
    Address,
    DynamicSpec,
    Lifeless,
    Mailboxes,
    Restart,
    SupervisorSpec,
    System,
    TaskSpec,
    get_state,
    mailboxes,
    open_system,
)
from tests.actors.small_actors import Boom, Counter, Crash, End, Recorder, quiet, recorder
from tests.actors.test_system import idle

ROOT = SupervisorSpec(
    "root",
    [
        TaskSpec("listener", idle),
        SupervisorSpec("store", [recorder([], "writer")]),
        DynamicSpec("many", Recorder),
        DynamicSpec("none", Counter),
    ],
)


def many(system: System, count: int) -> list[Address]:
    return [system.dynamic("many").start(key, []) for key in range(count)]


async def test_all_actors_are_found_in_the_order_of_the_tree() -> None:
    async with open_system(ROOT) as system:
        children = many(system, 3)
        assert list(system.addresses()) == [system.whereis("writer"), *children]


async def test_an_actor_is_found_by_its_path() -> None:
    async with open_system(ROOT) as system:
        children = many(system, 3)
        slashed = system.dynamic("many").start("a/b", [])
        assert system.find("root/store/writer") is system.whereis("writer")
        assert system.find("root/many/2") is children[2]
        assert system.find("root/many/a/b") is slashed
        assert [system.find(path) for path in ("root/listener", "root/many", "root/many/7", "", "many/2")] == [None] * 5


async def test_the_top_by_mailbox_are_those_with_the_longest_first() -> None:
    async with open_system(ROOT) as system:
        children = many(system, 5)
        for number, child in enumerate(children):
            for _ in range(number):
                child.tell("waits")
        assert system.top(2, by="mailbox") == [(children[4], 4), (children[3], 3)]
        assert len(system.top(100, by="mailbox")) == 4, "who has none is left out"


async def test_what_waits_is_summed_over_many_and_the_stopped_have_nothing() -> None:
    async with open_system(ROOT) as system:
        children = many(system, 5)
        assert mailboxes(children) == Mailboxes(waiting=0, longest=0)
        children[0].tell(End())
        await quiet()
        assert not children[0].alive
        for number, child in enumerate(children):
            for _ in range(number):
                child.tell("waits")
        assert mailboxes(children) == Mailboxes(waiting=10, longest=4)


async def test_the_top_by_messages_are_those_that_have_handled_the_most() -> None:
    async with open_system(ROOT) as system:
        children = many(system, 5)
        for number, child in enumerate(children):
            for _ in range(number):
                child.tell("a")
        await quiet()
        assert system.top(3, by="messages") == [(children[4], 4), (children[3], 3), (children[2], 2)]


async def test_the_top_by_time_are_those_that_were_seen_running_the_most() -> None:
    async with open_system(ROOT) as system:
        children = many(system, 3)
        system.samples.add(children[1], 0.25)
        system.samples.add(children[2], 0.5)
        assert system.top(5, by="time") == [(children[2], 0.5), (children[1], 0.25)]
        assert [child.statistics().seconds for child in children] == [0.0, 0.25, 0.5]


async def test_how_an_actor_is_says_what_it_crashed_with_last() -> None:
    async with open_system(ROOT) as system:
        (child,) = many(system, 1)
        child.tell(Crash("why"))
        await quiet()
        now = child.statistics()
        assert (now.path, now.actor, now.state, now.restarts, now.handled) == (
            "root/many/0",
            "Recorder",
            "resting",
            1,
            1,
        )
        assert isinstance(now.last_reason, Boom)


class Base(Actor):
    """Named slots of all kinds."""

    __slots__ = ("__private", "_protected", "unset")

    def __init__(self) -> None:
        self._protected = 1
        self.__private = 2


class Derived(Base):
    """And a dictionary."""

    free: int

    def __init__(self) -> None:
        super().__init__()
        self.free = 3


class Single(Actor):
    """A slot that is not in a tuple."""

    __slots__ = "only"

    def __init__(self) -> None:
        self.only: dict[str, Any] = {}


async def test_the_state_of_an_actor_is_what_is_set_in_its_slots_and_its_dictionary() -> None:
    async with open_system(
        SupervisorSpec("root", [ActorSpec("d", Derived, name="d"), ActorSpec("s", Single)])
    ) as system:
        derived, single = system.addresses()
        assert get_state(derived) == {"_protected": 1, "_Base__private": 2, "free": 3}
        assert get_state(single) == {"only": {}}
        get_state(derived)["free"] = 4
        assert get_state(derived)["free"] == 3, "a copy"


async def test_who_has_stopped_has_no_state() -> None:
    async with open_system(
        SupervisorSpec("root", [ActorSpec("c", Counter, name="c", restart=Restart.TRANSIENT)])
    ) as system:
        address = system.whereis("c")
        assert address is not None
        address.tell(End())
        await quiet()
        with pytest.raises(Lifeless):
            get_state(address)
