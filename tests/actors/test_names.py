"""Names and groups: unique, freed at the end, left on death, and quick to tear down."""

from __future__ import annotations

import pytest
import trio

from actors import (
    ActorSpec,
    Address,
    DynamicSpec,
    Mailbox,
    NameTaken,
    Restart,
    RootGaveUp,
    SupervisorSpec,
    System,
    open_system,
)
from actors.lifecycle import watch
from tests.actors.small_actors import Crash, End, Recorder, Script, quiet, recorder, tell_script, tree


def named(system: System, name: str) -> Address:
    address = system.whereis(name)
    assert address is not None
    return address


async def test_an_actor_is_found_by_its_name_and_nobody_by_another() -> None:
    async with open_system(tree(recorder([], "a"))) as system:
        assert named(system, "a").name == "a"
        assert system.whereis("b") is None
        assert len(system.names) == 1


async def test_a_name_has_one_owner() -> None:
    twin = ActorSpec("twin", Recorder, ([],), name="a")
    with pytest.raises(RootGaveUp) as failure:
        async with open_system(tree(recorder([], "a"), twin)):
            raise AssertionError("never ready")
    assert isinstance(failure.value.__cause__, NameTaken)


async def test_a_name_is_kept_over_restarts_and_freed_by_the_end() -> None:
    async with open_system(tree()) as system:
        first = system.spawn(ActorSpec("first", Recorder, ([],), Restart.TRANSIENT, name="a"))
        first.tell(Crash())
        await quiet()
        assert system.whereis("a") is first
        first.tell(End())
        await quiet()
        assert system.whereis("a") is None
        second = system.spawn(ActorSpec("second", Recorder, ([],), name="a"))
        assert system.whereis("a") is second


async def test_a_name_that_is_taken_is_not_freed_by_another_of_that_name() -> None:
    """The key of a dynamic child is a name within its supervisor, not in the system."""
    async with open_system(tree(recorder([], "a"))) as system:
        other = system.spawn(ActorSpec("a", Recorder, ([],), Restart.TEMPORARY))
        other.tell(End())
        await quiet()
        assert not other.alive
        assert named(system, "a").alive


async def test_a_name_that_is_taken_is_refused_to_what_is_spawned() -> None:
    async with open_system(tree(recorder([], "a"))) as system:
        with pytest.raises(NameTaken):
            system.spawn(ActorSpec("other", Recorder, ([],), name="a"))
        assert system.describe().children[-1].id == "a"


async def test_members_are_listed_in_the_order_of_joining() -> None:
    async with open_system(tree(recorder([], "a"), recorder([], "b"))) as system:
        a, b = named(system, "a"), named(system, "b")
        system.join("g", b)
        system.join("g", a)
        system.join("g", b)
        assert system.members("g") == (b, a)
        system.leave("g", b)
        system.leave("g", b)
        assert (system.members("g"), b._groups) == ((a,), None)
        assert system.members("nobody here") == ()


async def test_a_group_of_many_loses_them_one_by_one() -> None:
    names = [str(number) for number in range(20)]
    async with open_system(tree(*(recorder([], name) for name in names))) as system:
        everyone = [named(system, name) for name in names]
        for address in everyone:
            system.join(("user", "alice"), address)
            system.join(None, address)
        while everyone:
            assert system.members(("user", "alice")) == system.members(None) == tuple(everyone)
            system.leave(("user", "alice"), everyone[0])
            everyone.pop(0).tell(Crash())
            await quiet()
        assert len(system.groups) == 0


async def test_membership_ends_with_the_incarnation() -> None:
    async with open_system(tree(recorder([], "a"))) as system:
        a = named(system, "a")
        system.join("g", a)
        system.join("h", a)
        a.tell(Crash())
        await quiet()
        assert a.alive
        assert system.members("g") == system.members("h") == ()
        assert len(system.groups) == 0


async def test_who_is_down_cannot_join() -> None:
    async with open_system(tree()) as system:
        gone = system.spawn(ActorSpec("gone", Recorder, ([],), Restart.TEMPORARY))
        gone.tell(End())
        await quiet()
        system.join("g", gone)
        assert system.members("g") == ()


async def test_an_actor_that_joins_in_started_is_back_after_its_restart() -> None:
    class Member(Script):
        __slots__ = ()

        def started(self) -> None:
            self.system.join("g", self.address)

    async with open_system(tree(ActorSpec("m", Member, name="m"))) as system:
        tell_script(named(system, "m"), lambda _: 1 / 0)
        await quiet()
        assert system.members("g") == (named(system, "m"),)


async def test_a_broadcast_is_told_to_every_member_but_one_if_named() -> None:
    logs: dict[str, list[object]] = {name: [] for name in "abc"}
    async with open_system(tree(*(recorder(log, name) for name, log in logs.items()))) as system:
        for name in "ab":
            system.join("g", named(system, name))
        assert system.broadcast("g", "to all") == 2
        assert system.broadcast("g", "to the others", but=named(system, "a")) == 1
        assert system.broadcast("nobody here", "to nobody") == 0
        await quiet()
    assert logs == {"a": ["to all"], "b": ["to all", "to the others"], "c": []}


async def test_a_broadcast_counts_those_who_took_it() -> None:
    async with open_system(tree(recorder([], "a", Mailbox(1)), recorder([], "b"))) as system:
        for name in "ab":
            system.join("g", named(system, name))
        named(system, "a").tell("fills it")
        assert system.broadcast("g", "hello") == 1


async def test_a_broadcast_reaches_who_is_a_member_now_whatever_they_do_on_hearing_it() -> None:
    heard: list[object] = []

    async with open_system(tree(*(ActorSpec(name, Script, name=name) for name in "abc"))) as system:

        def hear_and_leave(actor: Script) -> None:
            heard.append(actor.address.name)
            actor.system.leave("g", actor.address)

        for name in "abc":
            system.join("g", named(system, name))
        assert system.broadcast("g", hear_and_leave) == 3
        await quiet()
        assert heard == ["a", "b", "c"]
        assert system.members("g") == ()


async def test_whoever_finds_or_starts_at_the_same_time_gets_the_same_one_and_it_is_started_once() -> None:
    """Tasks and actors all live in one thread, and no wait is between looking and starting: there is no race."""
    starts: list[int] = []
    got: list[Address] = []

    class Only(Recorder):
        __slots__ = ()

        def started(self) -> None:
            starts.append(1)

    async def from_a_task(system: System) -> None:
        await trio.lowlevel.checkpoint()
        got.append(system.dynamic("many").find_or_start("k", []))

    def from_an_actor(actor: Script) -> None:
        got.append(actor.system.dynamic("many").find_or_start("k", []))

    many = [DynamicSpec("many", Only), DynamicSpec("scripts", Script)]
    async with open_system(SupervisorSpec("root", many)) as system, trio.open_nursery() as nursery:
        for number in range(100):
            nursery.start_soon(from_a_task, system)
            tell_script(system.dynamic("scripts").start(number), from_an_actor)
        await quiet()
        assert len(got) == 200
        assert set(got) == {system.dynamic("many").find("k")}
        assert starts == [1]


NAMED = DynamicSpec("many", Recorder, restart=Restart.TRANSIENT, breaker=None, named=True)


async def test_the_key_of_a_dynamic_child_may_be_its_name_and_is_free_again_when_it_has_stopped() -> None:
    async with open_system(SupervisorSpec("root", [NAMED, recorder([], "a")])) as system:
        many = system.dynamic("many")
        child = many.find_or_start("k", [])
        assert system.whereis("k") is child is many.find_or_start("k", [])
        child.tell(Crash())
        await quiet()
        assert system.whereis("k") is child
        many.stop("k")
        assert system.whereis("k") is None, "it has not ended yet, but is as good as gone"
        heir = many.find_or_start("k", [])
        await quiet()
        assert not child.alive
        assert system.whereis("k") is heir is not child


async def test_a_dynamic_child_whose_name_another_has_is_refused_and_leaves_nothing_behind() -> None:
    async with open_system(SupervisorSpec("root", [NAMED, recorder([], "a")])) as system:
        with pytest.raises(NameTaken):
            system.dynamic("many").find_or_start("a", [])
        assert len(system.dynamic("many")) == 0
        assert named(system, "a").path == "root/a"


async def test_a_hundred_thousand_with_names_groups_and_watchers_are_torn_down_without_a_search() -> None:
    """Each end costs the same whoever else there is: were one of them a search, this would take an hour."""
    downs: list[object] = []
    async with open_system(SupervisorSpec("root", [NAMED, recorder(downs, "hub")])) as system:
        hub, many = named(system, "hub"), system.dynamic("many")
        children = [many.start(number, []) for number in range(100_000)]
        for child in children:
            system.join("everyone", child)
            watch(hub, child)
            watch(child, hub)
        assert len(system.names) == 100_001
        for child in reversed(children):
            child.tell(End())
        await quiet()
        assert (len(many), len(system.names), len(system.groups)) == (0, 1, 0)
        assert hub._ties is None
    assert len(downs) == 100_000
