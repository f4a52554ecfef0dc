"""The life of an actor: its hooks, its incarnations, and `Down` for those who watch it."""

from __future__ import annotations

from collections import Counter as Tally
from functools import partial

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from actors import (
    NORMAL,
    SHUTDOWN,
    Actor,
    ActorSpec,
    Address,
    Down,
    DynamicSpec,
    Mailbox,
    Restart,
    SupervisorSpec,
    System,
    open_system,
)
from actors.few import MOST
from actors.ties import watched_by, watchers_of
from tests.actors.small_actors import (
    PATIENT,
    Boom,
    Crash,
    Diary,
    End,
    Recorder,
    Script,
    Unwatch,
    Watch,
    quiet,
    recorder,
    tell_script,
    tree,
)


def tell_it(to: Address, message: object, _: Script) -> None:
    to.tell(message)


def named(system: System, name: str) -> Address:
    address = system.whereis(name)
    assert address is not None
    return address


async def test_started_comes_before_the_first_message_of_each_incarnation_and_stopped_only_after_an_orderly_end() -> (
    None
):
    log: list[object] = []
    async with open_system(tree(ActorSpec("diary", Diary, (log,), name="diary"))) as system:
        diary = named(system, "diary")
        diary.tell("first")
        diary.tell(Crash())
        diary.tell("second")
        await quiet()
    assert [entry for entry in log if entry != "settled"] == [
        "started",
        "first",
        "started",
        "second",
        ("stopped", SHUTDOWN),
    ]


async def test_the_hook_stopped_hears_the_reason_the_actor_gave() -> None:
    log: list[object] = []
    async with open_system(tree(ActorSpec("diary", Diary, (log,), Restart.TEMPORARY, name="diary"))) as system:
        diary = named(system, "diary")
        diary.tell(End("enough"))
        diary.tell("too late")
        await quiet()
        assert ("stopped", "enough") in log
        assert "too late" not in log
        assert not diary.alive
        assert system.whereis("diary") is None


async def test_a_crash_in_stopped_is_logged_and_the_actor_ends_all_the_same(caplog: pytest.LogCaptureFixture) -> None:
    class Stubborn(Recorder):
        __slots__ = ()

        def stopped(self, reason: object) -> None:
            raise Boom("not me")

    async with open_system(tree(ActorSpec("stubborn", Stubborn, ([],)))):
        pass
    assert "root/stubborn crashed: Boom('not me')" in caplog.text


async def test_the_address_stays_and_the_incarnation_rises() -> None:
    async with open_system(tree(recorder([]))) as system:
        address = named(system, "recorder")
        assert address.incarnation == 1
        address.tell(Crash())
        await quiet()
        assert named(system, "recorder") is address
        assert address.incarnation == 2
        assert address.alive


async def test_the_log_names_the_path_and_the_exception_and_not_the_message(caplog: pytest.LogCaptureFixture) -> None:
    class Secretive(Actor):
        __slots__ = ()

        def receive(self, message: object) -> None:
            raise ValueError("a bad message")

    async with open_system(tree(ActorSpec("secretive", Secretive, name="secretive"))) as system:
        named(system, "secretive").tell("the password is swordfish")
        await quiet()
    records = [record for record in caplog.records if record.name == "actors.supervisor"]
    assert [record.getMessage() for record in records] == ["root/secretive crashed: ValueError('a bad message')"]
    assert "swordfish" not in caplog.text


async def test_down_arrives_behind_all_that_the_actor_had_told_before() -> None:
    log: list[object] = []
    async with open_system(tree(recorder(log))) as system:
        watcher = named(system, "recorder")
        script = system.spawn(ActorSpec("script", Script))
        watcher.tell(Watch(script))
        await quiet()
        for number in range(3):
            tell_script(script, partial(tell_it, watcher, number))
        tell_script(script, lambda _: 1 / 0)
        await quiet()
        assert log[:3] == [0, 1, 2]
        down = log[3]
    assert isinstance(down, Down)
    assert (down.address, down.incarnation, down.crashed) == (script, 1, True)
    assert isinstance(down.reason, ZeroDivisionError)
    assert down.reason.__traceback__ is None


async def test_down_names_how_it_ended() -> None:
    log: list[object] = []
    async with open_system(tree(recorder(log), recorder([], "other"))) as system:
        watcher, other = named(system, "recorder"), named(system, "other")
        watcher.tell(Watch(other))
        await quiet()
        for how in (End(), End("bored"), Crash(), End(Boom("by choice"))):
            other.tell(how)
        await quiet()
        downs = [entry for entry in log if isinstance(entry, Down)]
    assert [down.incarnation for down in downs] == [1, 2, 3, 4]
    assert [down.reason for down in downs[:2]] == [NORMAL, "bored"]
    assert [down.crashed for down in downs] == [False, False, True, True]


async def test_to_watch_one_that_is_down_already_says_so_at_once_and_why() -> None:
    log: list[object] = []
    async with open_system(tree(recorder(log))) as system:
        watcher = named(system, "recorder")
        gone = system.spawn(ActorSpec("gone", Recorder, ([],), Restart.TEMPORARY))
        gone.tell(Crash("long ago"))
        await quiet()
        watcher.tell(Watch(gone))
        await quiet()
    (down,) = log
    assert isinstance(down, Down)
    assert (down.address, down.incarnation) == (gone, 1)
    assert isinstance(down.reason, Boom)


async def test_the_last_end_counts_for_who_comes_to_watch_late() -> None:
    log: list[object] = []
    async with open_system(tree(recorder(log))) as system:
        gone = system.spawn(ActorSpec("gone", Recorder, ([],), Restart.TRANSIENT))
        gone.tell(Crash("mended since"))
        gone.tell(End())
        await quiet()
        named(system, "recorder").tell(Watch(gone))
        await quiet()
        assert log == [Down(gone, 2, NORMAL)]


async def test_to_watch_twice_is_to_watch_once() -> None:
    log: list[object] = []
    async with open_system(tree(recorder(log), recorder([], "other"))) as system:
        watcher, other = named(system, "recorder"), named(system, "other")
        watcher.tell(Watch(other))
        watcher.tell(Watch(other))
        other.tell(Crash())
        await quiet()
        assert len(log) == 1


async def test_who_watches_no_more_hears_no_more() -> None:
    log: list[object] = []
    async with open_system(tree(recorder(log), recorder([], "other"))) as system:
        watcher, other = named(system, "recorder"), named(system, "other")
        watcher.tell(Watch(other))
        watcher.tell(Unwatch(other))
        await quiet()
        other.tell(Crash())
        await quiet()
    assert log == []


async def test_a_watch_ends_with_the_incarnation_that_watches() -> None:
    log: list[object] = []
    async with open_system(tree(recorder(log), recorder([], "other"))) as system:
        watcher, other = named(system, "recorder"), named(system, "other")
        watcher.tell(Watch(other))
        watcher.tell(Crash())
        await quiet()
        other.tell(Crash())
        await quiet()
    assert log == []


async def test_everyone_who_watches_hears_it_but_the_first_who_watches_no_more() -> None:
    logs: list[list[object]] = [[] for _ in range(2 * MOST)]
    watchers = [recorder(log, f"watcher {number}") for number, log in enumerate(logs)]
    async with open_system(tree(recorder([], "other"), *watchers)) as system:
        other = named(system, "other")
        for number in range(len(logs)):
            named(system, f"watcher {number}").tell(Watch(other))
            other.tell(Crash(str(number)))
            await quiet()
        for number in range(len(logs)):
            named(system, f"watcher {number}").tell(Unwatch(other))
            await quiet()
            other.tell(Crash(str(number)))
            await quiet()
        assert watchers_of(other) == ()
    for number, log in enumerate(logs):
        lives = [down.incarnation for down in log if isinstance(down, Down)]
        assert lives == list(range(number + 1, len(logs) + number + 1))


async def test_who_watches_no_more_on_hearing_of_an_end_hears_of_no_other_and_the_rest_do() -> None:
    heard_once: list[object] = []
    heard_all: list[object] = []

    class Once(Recorder):
        """Watches for one end only."""

        __slots__ = ()

        def receive(self, message: object) -> None:
            if isinstance(message, Down):
                self.unwatch(message.address)
            super().receive(message)

    once_only = ActorSpec("once", Once, (heard_once,), name="once")
    async with open_system(tree(once_only, recorder(heard_all), recorder([], "other"))) as system:
        once, other = named(system, "once"), named(system, "other")
        once.tell(Watch(other))
        named(system, "recorder").tell(Watch(other))
        await quiet()
        for _ in range(2):
            other.tell(Crash())
            await quiet()
        assert [down.incarnation for down in heard_once if isinstance(down, Down)] == [1]
        assert [down.incarnation for down in heard_all if isinstance(down, Down)] == [1, 2]
        assert watched_by(once) == ()
        assert watchers_of(other) == (named(system, "recorder"),)


async def test_two_that_watch_each_other_have_nothing_left_of_it_when_both_are_gone() -> None:
    log: list[object] = []
    async with open_system(
        SupervisorSpec("root", [DynamicSpec("pair", Recorder, restart=Restart.TEMPORARY)])
    ) as system:
        one, other = (system.dynamic("pair").start(key, log) for key in ("one", "other"))
        one.tell(Watch(other))
        other.tell(Watch(one))
        await quiet()
        assert (one._ties, other._ties) == (other, one)
        one.tell(Crash())
        await quiet()
        assert [entry.address for entry in log if isinstance(entry, Down)] == [one]
        assert other._ties is None
        other.tell(End())
        await quiet()
        assert len(log) == 1


async def test_who_has_stopped_for_good_is_watched_by_nobody_and_watches_nobody() -> None:
    async with open_system(
        SupervisorSpec("root", [recorder([]), DynamicSpec("many", Recorder, restart=Restart.TEMPORARY)])
    ) as system:
        hub, many = named(system, "recorder"), system.dynamic("many")
        children = [many.start(key, []) for key in range(500)]
        for child in children:
            hub.tell(Watch(child))
            child.tell(Watch(hub))
        await quiet()
        assert (watched_by(hub), watchers_of(hub)) == (tuple(children), tuple(children))
        for child in reversed(children):
            child.tell(End())
        await quiet()
        assert hub._ties is None
        assert all(child._ties is None for child in children)


async def test_down_is_not_held_to_the_bound_of_the_mailbox() -> None:
    log: list[object] = []
    async with open_system(tree(recorder(log, mailbox=Mailbox(1)), recorder([], "other"))) as system:
        watcher, other = named(system, "recorder"), named(system, "other")
        watcher.tell(Watch(other))
        await quiet()
        other.tell(Crash())
        watcher.tell("the only one that fits")
        await quiet()
    assert log[0] == "the only one that fits"
    assert isinstance(log[1], Down)


@settings(max_examples=40, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 3), st.sampled_from(["crash", "end", "watch", "pause"])), max_size=60))
async def test_down_comes_exactly_once_for_every_incarnation_that_ends_while_watched(
    script: list[tuple[int, str]],
) -> None:
    log: list[object] = []
    root = SupervisorSpec(
        "root",
        [recorder(log), DynamicSpec("watched", Recorder, breaker=None, restart=Restart.PERMANENT, intensity=PATIENT)],
    )
    expected: Tally[tuple[int, int]] = Tally()
    watched: set[int] = set()
    async with open_system(root) as system:
        watcher = named(system, "recorder")
        targets = [system.dynamic("watched").start(key, []) for key in range(4)]
        lives = [1] * 4
        for key, action in script:
            match action:
                case "watch":
                    watcher.tell(Watch(targets[key]))
                    await quiet()
                    watched.add(key)
                case "pause":
                    await quiet()
                case _:
                    targets[key].tell(Crash() if action == "crash" else End())
                    if key in watched:
                        expected[key, lives[key]] += 1
                    lives[key] += 1
                    await quiet()
        seen = Tally((targets.index(down.address), down.incarnation) for down in log if isinstance(down, Down))
    assert seen == expected
