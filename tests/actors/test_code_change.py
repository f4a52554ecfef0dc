"""Hot code change: other code, the same actor. And nothing at all when it fails."""

from __future__ import annotations

import gc
import importlib
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from types import ModuleType
from typing import Any, Self

import pytest
import trio
import trio.lowlevel
import trio.testing

from actors import (
    Actor,
    ActorSpec,
    Address,
    Backoff,
    ChangeFailed,
    Down,
    DynamicSpec,
    Intensity,
    Lifeless,
    Restart,
    SupervisorSpec,
    System,
    Timer,
    ask,
    change_all,
    change_code,
    get_state,
    open_system,
    reloaded,
    resume,
    suspend,
)
from actors.code_change import Code
from tests.actors.small_actors import (
    PATIENT,
    Add,
    Boom,
    Counter,
    Crash,
    End,
    Ponder,
    Read,
    Recorder,
    Script,
    Watch,
    collected,
    quiet,
    recorder,
    tell_script,
    tree,
)


class Doubling(Counter):
    """The next version of `Counter`: counts by two, and says so in its hooks."""

    __slots__ = ("changed_from",)

    version = 2

    def __init__(self, count: int = 0) -> None:
        super().__init__(count)
        self.changed_from: int | str = "new"

    @classmethod
    def code_change(cls, old_version: int | str, state: Counter) -> Self:
        new = cls(state.count)
        new.kept = state.kept
        new.changed_from = old_version
        return new

    def receive(self, message: object) -> None:
        super().receive(Add(2 * message.number) if isinstance(message, Add) else message)


class Refusing(Counter):
    """A version that cannot go on with an odd number."""

    __slots__ = ()

    @classmethod
    def code_change(cls, old_version: int | str, state: Counter) -> Self:
        if state.count % 2:
            raise Boom(f"{state.count} is odd")
        return cls(state.count)


class Longer(Counter):
    """A version with one slot more, that does not say what it is to be."""

    __slots__ = ("limit",)


class Mistaken(Counter):
    """A version that makes something else."""

    __slots__ = ()

    @classmethod
    def code_change(cls, old_version: int | str, state: Any) -> Any:
        return state


class Announcing(Counter):
    """A version with a hook that the old one had not."""

    __slots__ = ()

    def started(self) -> None:
        self.kept.append("started")


def counter(system: System) -> Address:
    address = system.whereis("counter")
    assert address is not None
    return address


def counted(address: Address) -> object:
    return get_state(address)["count"]


COUNTER = ActorSpec("counter", Counter, (10,), name="counter")


async def test_what_waits_in_its_mailbox_is_received_by_the_new_code() -> None:
    async with open_system(tree(COUNTER)) as system:
        address = counter(system)
        address.tell(Add())
        await quiet()
        for _ in range(3):
            address.tell(Add())
        change_code(address, Doubling)
        await quiet()
        assert get_state(address) == {"count": 17, "kept": [], "changed_from": 1}
        assert (address.statistics().actor, address.statistics().state) == ("Doubling", "resting")


async def test_its_name_groups_watchers_watches_timers_questions_and_incarnation_stay(
    autojump_clock: trio.testing.MockClock,
) -> None:
    class Script2(Script):
        __slots__ = ()

    seen: list[object] = []
    watched: list[object] = []
    timers: list[Timer] = []
    root = tree(ActorSpec("s", Script, name="s"), recorder(watched), ActorSpec("other", Counter, name="other"))
    async with open_system(root) as system:
        address, other = system.whereis("s"), system.whereis("other")
        assert address is not None
        assert other is not None
        recorder_address = system.whereis("recorder")
        assert recorder_address is not None
        recorder_address.tell(Watch(address))
        system.join("group", address)
        tell_script(address, lambda actor: actor.watch(other))
        tell_script(address, lambda actor: timers.append(actor.send_after(2.0, lambda late: seen.append(type(late)))))
        answer: list[object] = []

        async def ask_it() -> None:
            answer.append(
                await ask(
                    address, lambda reply: lambda actor: actor.send_after(1.0, lambda _: reply.tell(5)), seconds=9
                )
            )

        async with trio.open_nursery() as nursery:
            nursery.start_soon(ask_it)
            await trio.sleep(0.5)
            change_code(address, Script2)
            assert (system.whereis("s"), system.members("group"), address.incarnation) == (address, (address,), 1)
            assert timers[0].pending
        await trio.sleep(3)
        assert (seen, answer, watched) == ([Script2], [5], [])
        tell_script(address, lambda actor: actor.stop("done"))
        await trio.lowlevel.checkpoint()
        await quiet()
        (down,) = watched
        assert isinstance(down, Down)
        assert (down.incarnation, down.reason) == (1, "done")


async def test_a_later_restart_makes_the_new_class_with_the_same_arguments() -> None:
    async with open_system(tree(COUNTER)) as system:
        address = counter(system)
        change_code(address, Doubling)
        address.tell(Crash())
        address.tell(Add())
        await quiet()
        assert get_state(address) == {"count": 12, "kept": [], "changed_from": "new"}
        assert address.incarnation == 2


async def test_and_so_does_a_restart_of_its_supervisor() -> None:
    inner = SupervisorSpec("inner", [COUNTER], intensity=Intensity(0))
    async with open_system(SupervisorSpec("root", [inner], intensity=PATIENT)) as system:
        change_code(counter(system), Doubling)
        counter(system).tell(Crash())
        await quiet()
        assert counter(system).statistics().actor == "Doubling"
        change_all(system, {Doubling: Announcing})
        counter(system).tell(Crash())
        await quiet()
        assert counter(system).statistics().actor == "Announcing"


async def test_one_that_waits_for_its_restart_is_restarted_as_the_new_class(
    autojump_clock: trio.testing.MockClock,
) -> None:
    slow = SupervisorSpec("root", [COUNTER], intensity=Intensity(10), backoff=Backoff(first=5.0))
    async with open_system(slow) as system:
        address = counter(system)
        for change in (lambda: change_code(address, Doubling), lambda: change_all(system, {Doubling: Announcing})):
            address.tell(Crash())
            await trio.sleep(1)
            assert address.statistics().state == "waiting"
            change()
            await trio.sleep(10)
        assert get_state(address) == {"count": 10, "kept": ["started"]}


@pytest.mark.parametrize(
    ("new_class", "why"),
    [(Refusing, Boom), (Longer, AttributeError), (Mistaken, TypeError), (Recorder, AttributeError)],
)
async def test_a_change_that_fails_has_not_happened(new_class: type[Actor], why: type[Exception]) -> None:
    async with open_system(tree(ActorSpec("counter", Counter, (7,), name="counter"))) as system:
        address = counter(system)
        address.tell(Add(0))
        with pytest.raises(ChangeFailed, match="root/counter could not be changed") as failure:
            change_code(address, new_class)
        assert isinstance(failure.value.__cause__, why)
        with pytest.raises(ChangeFailed):
            change_all(system, {Counter: new_class})
        assert address.statistics().actor == "Counter"
        address.tell(Crash())
        address.tell(Add())
        await quiet()
        assert (address.statistics().actor, counted(address)) == ("Counter", 8)


async def test_by_default_what_both_have_is_taken_over_and_what_only_the_old_one_had_is_not() -> None:
    class Shorter(Actor):
        __slots__ = ("count",)

        def receive(self, message: object) -> None:
            self.count = 0

    async with open_system(tree(COUNTER)) as system:
        address = counter(system)
        address.tell("kept")
        await quiet()
        change_code(address, Announcing)
        assert get_state(address) == {"count": 10, "kept": ["kept"]}, "and `started` is not called again"
        change_code(address, Shorter)
        assert get_state(address) == {"count": 10}


async def test_a_crash_after_the_change_is_seen_by_the_supervisor_whatever_hooks_the_classes_have() -> None:
    async with open_system(tree(COUNTER)) as system:
        address = counter(system)
        for new_class, incarnation in ((Announcing, 2), (Counter, 3), (Announcing, 4)):
            change_code(address, new_class)
            address.tell(Crash())
            await quiet()
            assert (address.incarnation, address.statistics().state) == (incarnation, "resting")


async def test_one_that_is_suspended_stays_so() -> None:
    async with open_system(tree(COUNTER)) as system:
        address = counter(system)
        suspend(address)
        address.tell(Add())
        change_code(address, Doubling)
        await quiet()
        assert (address.statistics().state, counted(address)) == ("suspended", 10)
        resume(address)
        await quiet()
        assert counted(address) == 12


async def test_one_that_has_stopped_cannot_be_changed() -> None:
    async with open_system(tree(ActorSpec("counter", Counter, name="counter", restart=Restart.TRANSIENT))) as system:
        address = counter(system)
        address.tell(End())
        await quiet()
        with pytest.raises(Lifeless):
            change_code(address, Doubling)
        assert change_all(system, {Counter: Doubling}) == 0


async def test_an_actor_cannot_change_itself() -> None:
    class Script2(Script):
        __slots__ = ()

    refused: list[Callable[[], object]] = []

    def try_it(actor: Script) -> None:
        for change in (
            lambda: change_code(actor.address, Script2),
            lambda: change_all(actor.system, {Script: Script2}),
        ):
            with pytest.raises(RuntimeError, match="cannot be changed by itself"):
                change()
            refused.append(change)

    async with open_system(tree(ActorSpec("s", Script, name="s"), ActorSpec("t", Script))) as system:
        address = system.whereis("s")
        assert address is not None
        tell_script(address, try_it)
        await quiet()
        assert len(refused) == 2
        assert {address.statistics().actor for address in system.addresses()} == {"Script"}


async def test_one_child_of_a_dynamic_supervisor_is_changed_alone_over_its_restarts() -> None:
    async with open_system(SupervisorSpec("root", [DynamicSpec("many", Counter)])) as system:
        many = system.dynamic("many")
        one, other = many.start("one", 1), many.start("other", 1)
        change_code(one, Doubling)
        for address in (one, other):
            address.tell(Crash())
            address.tell(Add())
        await quiet()
        assert (counted(one), counted(other)) == (3, 2)
        assert many.start("third").statistics().actor == "Counter"


async def test_all_of_a_class_are_changed_wherever_they_are_and_all_that_are_started_later() -> None:
    inner = SupervisorSpec("inner", [DynamicSpec("some", partial(Counter, 5))])
    async with open_system(tree(COUNTER, recorder([]), inner, DynamicSpec("none", Counter))) as system:  # type: ignore[arg-type]
        some = system.dynamic("some")
        keys = [some.start(key) for key in range(10)]
        for address in keys:
            address.tell(Add())
        assert change_all(system, {Counter: Doubling}) == 11
        await quiet()
        assert {counted(address) for address in keys} == {7}
        assert counted(some.start("later")) == 5
        keys[0].tell(Crash())
        await quiet()
        later = [keys[0], some.start("latest"), system.dynamic("none").start("k"), counter(system)]
        later.append(system.spawn(ActorSpec("spawned", Counter)))
        assert {address.statistics().actor for address in later} == {"Doubling"}


async def test_if_one_of_them_cannot_be_changed_none_is() -> None:
    async with open_system(SupervisorSpec("root", [DynamicSpec("many", Counter)])) as system:
        many = system.dynamic("many")
        children = [many.start(key, 2 * key) for key in range(5)]
        odd = many.start("odd", 7)
        children[0].tell(Add(2))
        with pytest.raises(ChangeFailed) as failure:
            change_all(system, {Counter: Refusing})
        assert failure.value.path == "root/many/odd"
        await quiet()
        assert [counted(child) for child in (*children, odd)] == [2, 2, 4, 6, 8, 7]
        assert {child.statistics().actor for child in (*many.children(), many.start("new"))} == {"Counter"}


async def test_several_classes_are_changed_together_or_none() -> None:
    class Script2(Script):
        __slots__ = ()

    async with open_system(tree(ActorSpec("s", Script), ActorSpec("counter", Counter, (7,), name="counter"))) as system:
        with pytest.raises(ChangeFailed):
            change_all(system, {Script: Script2, Counter: Refusing})
        assert {address.statistics().actor for address in system.addresses()} == {"Script", "Counter"}
        assert change_all(system, {Script: Script2, Counter: Doubling}) == 2
        with pytest.raises(ValueError, match="either replaced or replaces"):
            change_all(system, {Doubling: Counter, Counter: Doubling})


async def test_a_change_can_be_taken_back() -> None:
    async with open_system(SupervisorSpec("root", [DynamicSpec("many", Counter)])) as system:
        child = system.dynamic("many").start("k", 1)
        assert change_all(system, {Counter: Doubling}) == 1
        assert change_all(system, {Doubling: Counter}) == 1
        child.tell(Add())
        await quiet()
        assert counted(child) == 2
        assert system.dynamic("many").start("l").statistics().actor == "Counter"
        assert change_all(system, {Counter: Doubling}) == 2


async def test_a_function_that_makes_the_old_class_has_its_actors_changed_as_well() -> None:
    def make(count: int) -> Actor:
        return Counter(count) if count else Recorder([])

    async with open_system(SupervisorSpec("root", [DynamicSpec("many", make)])) as system:
        many = system.dynamic("many")
        one, two, none = many.start("one", 1), many.start("two", 2), many.start("none", 0)
        change_code(two, Announcing)
        change_all(system, {Counter: Doubling})
        for address in (one, two, none):
            address.tell(Crash())
        await quiet()
        assert [address.statistics().actor for address in (one, two, none)] == ["Doubling", "Announcing", "Recorder"]
        assert get_state(one)["changed_from"] == 1, "made as a Counter, and changed"
        assert many.start("three", 3).statistics().actor == "Doubling"


def test_a_function_is_followed_once_however_often_its_classes_change() -> None:
    code = Code()
    code.replace({Counter: Doubling})
    once = code.current(lambda: Counter())
    code.replace({Doubling: Announcing})
    assert code.current(once) is once
    assert type(once()) is Announcing


async def test_and_one_that_makes_the_old_class_only_in_its_next_life() -> None:
    makes = iter([Script, Counter, Counter])
    async with open_system(tree(ActorSpec("counter", lambda: next(makes)(), name="counter"))) as system:
        address = counter(system)
        assert change_all(system, {Counter: Doubling}) == 0
        tell_script(address, lambda actor: actor.stop())
        await quiet()
        assert (address.incarnation, address.statistics().actor) == (2, "Doubling")


async def test_a_change_leaves_no_garbage() -> None:
    async with open_system(SupervisorSpec("root", [DynamicSpec("many", Counter)])) as system:
        many = system.dynamic("many")
        child = many.start("k")
        change_code(child, Announcing)
        with collected() as garbage:
            change_code(child, Counter)
            change_all(system, {Counter: Doubling})
            change_all(system, {Doubling: Counter})
            many.stop("k")
            await quiet()
            gc.collect()
            assert garbage == []


MESSAGES = """
from dataclasses import dataclass

@dataclass(frozen=True)
class Count:
    by: int
"""

TALLY = """
from actors import Actor
from tally_messages import Count

class Tally(Actor):
    __slots__ = ("total",)
    version = {version}

    def __init__(self):
        self.total = 0

    def receive(self, message):
        match message:
            case Count(by):
                self.total += {factor} * by
            case _:
                raise ValueError(message)

def make():
    return Tally()
"""


@pytest.fixture
def tally(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """A module on disk, with an actor, and its messages in another."""
    monkeypatch.syspath_prepend(tmp_path)
    for name in ("tally", "tally_messages"):
        monkeypatch.delitem(sys.modules, name, raising=False)
    (tmp_path / "tally_messages.py").write_text(MESSAGES)
    (tmp_path / "tally.py").write_text(TALLY.format(version=1, factor=1))
    importlib.invalidate_caches()
    return importlib.import_module("tally")


async def test_a_module_is_edited_and_its_actors_go_on_by_the_new_source(tally: ModuleType, tmp_path: Path) -> None:
    count = sys.modules["tally_messages"].Count
    root = tree(ActorSpec("a", tally.Tally, name="a"), ActorSpec("b", tally.make, name="b"))
    async with open_system(root) as system:
        addresses = [system.whereis("a"), system.whereis("b")]
        for address in addresses:
            assert address is not None
            address.tell(count(1))
        await quiet()
        for address in addresses:
            assert address is not None
            address.tell(count(1))
        (tmp_path / "tally.py").write_text(TALLY.format(version=2, factor=5))
        with reloaded(tally) as classes:
            assert change_all(system, classes) == 2
        await quiet()
        for address in addresses:
            assert address is not None
            assert get_state(address) == {"total": 6}
            address.tell(Crash())
            address.tell(count(1))
            await quiet()
            assert (address.incarnation, get_state(address)) == (2, {"total": 5})
        assert tally.Tally.version == 2
        assert tally.Tally in system.code.replaced.values()


@pytest.mark.parametrize("source", ["class Tally(", "VERSION = 3\nraise ImportError('a name that is gone')\n"])
def test_source_that_cannot_be_loaded_leaves_the_module_as_it_was(
    tally: ModuleType, tmp_path: Path, source: str
) -> None:
    before = dict(vars(tally))
    (tmp_path / "tally.py").write_text(source)
    with pytest.raises((SyntaxError, ImportError)), reloaded(tally):
        pytest.fail("it was not loaded")
    assert vars(tally) == before


async def test_a_change_that_fails_takes_the_module_back(tally: ModuleType, tmp_path: Path) -> None:
    old = tally.Tally
    async with open_system(tree(ActorSpec("a", tally.Tally, name="a"))) as system:
        source = TALLY.format(version=2, factor=5).replace('("total",)', '("total", "more")')
        (tmp_path / "tally.py").write_text(source)
        with pytest.raises(ChangeFailed), reloaded(tally) as classes:
            change_all(system, classes)
        assert tally.Tally is old
        address = system.whereis("a")
        assert address is not None
        address.tell(sys.modules["tally_messages"].Count(1))
        await quiet()
        assert get_state(address) == {"total": 1}


def test_a_module_that_defines_messages_is_not_loaded_again(tally: ModuleType) -> None:
    with pytest.raises(ValueError, match="tally_messages also defines Count"), reloaded(sys.modules["tally_messages"]):
        pytest.fail("it was loaded")


def test_a_module_without_source_cannot_be_loaded_again() -> None:
    with pytest.raises(ValueError, match="not loaded from a source file"), reloaded(sys):
        pytest.fail("it was loaded")


async def test_open_questions_that_were_received_before_the_change_can_still_be_answered() -> None:
    async with open_system(tree(COUNTER)) as system:
        address = counter(system)
        answers: list[int] = []

        async def ask_it() -> None:
            answers.append(await ask(address, Ponder, seconds=10))

        async with trio.open_nursery() as nursery:
            nursery.start_soon(ask_it)
            await quiet()
            change_code(address, Doubling)
            kept = get_state(address)["kept"]
            assert isinstance(kept, list)
            kept[0].reply_to.tell(3)
        assert answers == [3]
        assert await ask(address, Read, seconds=10) == 10
