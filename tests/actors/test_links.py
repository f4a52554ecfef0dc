"""Links: two that are of no use without each other fall together, each in the hands of its own supervisor."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from actors import (
    SHUTDOWN,
    Actor,
    ActorSpec,
    Address,
    Down,
    DynamicSpec,
    Restart,
    SupervisorSpec,
    System,
    TaskContext,
    TaskSpec,
    open_system,
    suspend,
)
from tests.actors.small_actors import (
    PATIENT,
    Boom,
    Crash,
    End,
    Recorder,
    Script,
    Watch,
    quiet,
    recorder,
    tell_script,
    tree,
)


class Partner(Recorder):
    """A recorder that links with an address it is told, and writes down how it was stopped."""

    __slots__ = ()

    def receive(self, message: object) -> None:
        if isinstance(message, Address):
            self.link(message)
        else:
            super().receive(message)

    def stopped(self, reason: object) -> None:
        self.log.append(("stopped", reason))


def partner(name: str, log: list[object], restart: Restart = Restart.PERMANENT) -> ActorSpec:
    return ActorSpec(name, Partner, (log,), restart, name=name)


def named(system: System, name: str) -> Address:
    address = system.whereis(name)
    assert address is not None
    return address


async def linked(system: System) -> tuple[Address, Address]:
    """`a` and `b`, after `a` has linked itself with `b`."""
    a, b = named(system, "a"), named(system, "b")
    a.tell(b)
    await quiet()
    return a, b


@pytest.mark.parametrize("first", ["a", "b"])
async def test_a_crash_of_either_is_a_crash_of_both_and_each_supervisor_restarts_its_own(first: str) -> None:
    seen: list[object] = []
    trees = [SupervisorSpec(f"over {name}", [partner(name, [])]) for name in ("a", "b")]
    async with open_system(SupervisorSpec("root", [*trees, recorder(seen)])) as system:
        a, b = await linked(system)
        for address in (a, b):
            named(system, "recorder").tell(Watch(address))
        await quiet()
        named(system, first).tell(Crash("of one"))
        await quiet()
        assert (a.incarnation, b.incarnation) == (2, 2)
        reasons = {down.address: down.reason for down in seen if isinstance(down, Down)}
        assert reasons[a] is reasons[b]
        assert isinstance(reasons[a], Boom)


async def test_a_normal_end_takes_nobody_along_and_ends_the_link() -> None:
    log: list[object] = []
    async with open_system(tree(partner("a", log), partner("b", log))) as system:
        a, b = await linked(system)
        b.tell(End())
        await quiet()
        assert (a.incarnation, b.incarnation) == (1, 2)
        assert len(system.links) == 0
        b.tell(Crash())
        await quiet()
        assert (a.incarnation, b.incarnation) == (1, 3), "the link was with the life before"


async def test_an_orderly_end_with_a_reason_of_its_own_is_one_of_both() -> None:
    """As in OTP: only `normal` takes nobody along. A transient child is not restarted by it."""
    log: list[object] = []
    children = [partner(name, log, Restart.TRANSIENT) for name in ("a", "b")]
    async with open_system(tree(*children)) as system:
        a, b = await linked(system)
        b.tell(End("bored"))
        await quiet()
        assert not a.alive
        assert not b.alive
    assert log == [("stopped", "bored")] * 2


async def test_one_that_its_supervisor_stops_takes_the_other_along() -> None:
    async with open_system(SupervisorSpec("root", [DynamicSpec("many", Partner)])) as system:
        many = system.dynamic("many")
        log: list[object] = []
        a, b = (many.start(key, log) for key in ("a", "b"))
        a.tell(b)
        await quiet()
        many.stop("b")
        await quiet()
        assert not a.alive
        assert len(many) == 0
    assert log == [("stopped", SHUTDOWN)] * 2


async def test_who_falls_receives_nothing_more_and_keeps_its_mailbox_for_its_next_life() -> None:
    log: list[object] = []
    async with open_system(tree(recorder([], "b"), ActorSpec("a", Script, name="a"))) as system:
        a, b = named(system, "a"), named(system, "b")
        tell_script(a, lambda actor: actor.link(b))
        await quiet()
        b.tell(Crash())
        for _ in range(3):
            tell_script(a, lambda actor: log.append(actor.address.incarnation))
        a.urgent(lambda actor: log.append(("urgent", actor.address.incarnation)))
        await quiet()
    assert log == [("urgent", 2), 2, 2, 2]


async def test_the_next_life_of_the_first_never_meets_the_old_life_of_the_other() -> None:
    """Both link themselves with the other as they start: one crash costs each exactly one life."""

    class Twin(Actor):
        __slots__ = ("other",)

        def __init__(self, other: str) -> None:
            self.other = other

        def started(self) -> None:
            other = self.system.dynamic("twins").find(self.other)
            if other is not None:
                self.link(other)

        def receive(self, message: object) -> None:
            if message == "crash":
                raise Boom("as told")

    async with open_system(SupervisorSpec("root", [DynamicSpec("twins", Twin)])) as system:
        a = system.dynamic("twins").start("a", "b")
        b = system.dynamic("twins").start("b", "a")
        await quiet()
        for life in (2, 3):
            for _ in range(5):
                b.urgent("is busy, one turn each")
            a.tell("crash")
            await quiet()
            assert (a.incarnation, b.incarnation) == (life, life)


async def test_to_link_with_one_that_is_down_already_is_as_if_it_had_ended_just_after() -> None:
    log: list[object] = []
    children = [partner(name, log, Restart.TEMPORARY) for name in ("a", "b", "c", "d")]
    async with open_system(tree(*children)) as system:
        a, b, c, d = (named(system, name) for name in ("a", "b", "c", "d"))
        b.tell(Crash())
        d.tell(End())
        await quiet()
        a.tell(b)
        c.tell(d)
        await quiet()
        assert not a.alive, "the other had crashed"
        assert c.alive, "the other had nothing more to do"
        assert len(system.links) == 0


async def test_who_is_linked_no_more_lives_on() -> None:
    async with open_system(tree(ActorSpec("a", Script, name="a"), recorder([], "b"))) as system:
        a, b = named(system, "a"), named(system, "b")
        tell_script(a, lambda actor: (actor.link(b), actor.link(b), actor.unlink(b), actor.unlink(b)))
        await quiet()
        assert len(system.links) == 0
        b.tell(Crash())
        await quiet()
        assert (a.incarnation, b.incarnation) == (1, 2)


async def test_nobody_is_linked_with_itself() -> None:
    async with open_system(tree(partner("a", []))) as system:
        a = named(system, "a")
        a.tell(a)
        await quiet()
        assert len(system.links) == 0


async def test_one_that_is_suspended_falls_as_any_other() -> None:
    log: list[object] = []
    async with open_system(tree(partner("a", log), partner("b", []))) as system:
        a, b = await linked(system)
        suspend(a)
        a.tell("waits")
        b.tell(Crash())
        await quiet()
        assert a.incarnation == 2
    assert [entry for entry in log if isinstance(entry, str)] == ["waits"]


async def test_ten_thousand_in_a_chain_fall_one_by_one() -> None:
    """Not one inside the other: there would be no stack deep enough."""
    log: list[object] = []
    many = DynamicSpec("many", Partner, restart=Restart.TEMPORARY, breaker=None)
    async with open_system(SupervisorSpec("root", [many])) as system:
        chain = [system.dynamic("many").start(number, log) for number in range(10_000)]
        for one, other in pairwise(chain):
            one.tell(other)
        await quiet()
        assert len(system.links) == 10_000
        chain[5_000].tell(End("the end"))
        await quiet()
        assert len(system.dynamic("many")) == 0
        assert len(system.links) == 0
    assert log == [("stopped", "the end")] * 10_000


async def test_a_watcher_hears_it_and_lives() -> None:
    """What OTP has `trap_exit` for."""
    log: list[object] = []
    async with open_system(tree(recorder(log), partner("a", []), partner("b", []))) as system:
        a, b = await linked(system)
        named(system, "recorder").tell(Watch(a))
        await quiet()
        b.tell(Crash())
        await quiet()
        assert [entry.incarnation for entry in log if isinstance(entry, Down)] == [1]
        assert named(system, "recorder").incarnation == 1


async def test_the_fall_counts_with_the_supervisor_as_any_end_does() -> None:
    """Siblings that belong together are better off under `ONE_FOR_ALL`: one restart, not two."""
    root = SupervisorSpec("root", [SupervisorSpec("pair", [partner("a", []), partner("b", [])])], intensity=PATIENT)
    async with open_system(root) as system:
        _, b = await linked(system)
        b.tell(Crash())
        await quiet()
        (pair,) = system.describe().children
        assert pair.restarts == 1, "two restarts at once are one too many by default"


async def test_links_that_are_left_at_the_stop_hold_nothing_up(caplog: pytest.LogCaptureFixture) -> None:
    async def idle(context: TaskContext) -> None:
        context.started()

    root = tree(partner("a", []), partner("b", []))
    async with open_system(SupervisorSpec("root", [*root.children, TaskSpec("idle", idle, Restart.TEMPORARY)])) as it:
        await linked(it)
    assert len(it.links) == 0
    assert "killed" not in caplog.text


PLACES = st.integers(0, 5)
ACTIONS = st.tuples(PLACES, st.sampled_from(["link", "link", "link", "unlink", "crash", "end"]), PLACES)


@settings(max_examples=100, deadline=None)
@given(st.lists(ACTIONS, max_size=40))
async def test_a_crash_costs_everyone_in_reach_of_its_links_exactly_one_life_and_nobody_else(
    actions: list[tuple[int, str, int]],
) -> None:
    links: set[frozenset[int]] = set()
    lives = [1] * 6

    def in_reach(place: int) -> set[int]:
        reached, edge = {place}, {place}
        while edge:
            edge = {other for link in links for one in edge if one in link for other in link} - reached
            reached |= edge
        return reached

    many = DynamicSpec("many", Script, restart=Restart.PERMANENT, breaker=None, intensity=PATIENT)
    async with open_system(SupervisorSpec("root", [many])) as system:
        actors = [system.dynamic("many").start(place) for place in range(6)]
        for one, action, other in actions:
            match action:
                case "link":
                    tell_script(actors[one], lambda actor, to=actors[other]: actor.link(to))
                    links |= {frozenset({one, other})} if one != other else set()
                case "unlink":
                    tell_script(actors[one], lambda actor, to=actors[other]: actor.unlink(to))
                    links.discard(frozenset({one, other}))
                case "crash":
                    tell_script(actors[one], lambda _: 1 / 0)
                    fallen = in_reach(one)
                    lives = [life + (place in fallen) for place, life in enumerate(lives)]
                    links = {link for link in links if not link & fallen}
                case "end":
                    tell_script(actors[one], lambda actor: actor.stop())
                    lives[one] += 1
                    links = {link for link in links if one not in link}
            await quiet()
        assert [actor.incarnation for actor in actors] == lives
        assert len(system.links) == len({place for link in links for place in link})
