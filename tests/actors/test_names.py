"""Names and groups: unique, freed at the end, left on death, and quick to tear down."""

from __future__ import annotations

import pytest

from actors import ActorSpec, Address, NameTaken, Restart, RootGaveUp, System, open_system
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
