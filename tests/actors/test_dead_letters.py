"""Dead letters: counted always, shown to whoever watches, and never a loop."""

from __future__ import annotations

from actors import Address, DeadLetter, DynamicSpec, Inbox, Mailbox, Restart, SupervisorSpec, System, open_system
from tests.actors.small_actors import Crash, End, Recorder, quiet, recorder


def mortals(*children: object) -> SupervisorSpec:
    many = DynamicSpec("mortals", Recorder, restart=Restart.TEMPORARY, breaker=None)
    return SupervisorSpec("root", [many, *children])  # type: ignore[list-item]


async def dead(system: System, log: list[object] | None = None) -> Address:
    """An actor that has stopped for good."""
    address = system.dynamic("mortals").start(object(), [] if log is None else log)
    address.tell(End())
    await quiet()
    assert not address.alive
    return address


async def test_who_watches_is_told_each_message_and_whom_it_was_for() -> None:
    seen = Inbox(10)
    async with open_system(mortals()) as system:
        gone = await dead(system)
        gone.tell("before anybody watched")
        system.dead_letters.watch(seen)
        assert [gone.tell("told"), gone.answer("answered"), gone.urgent("urgent")] == [False] * 3
        assert system.dead_letters.count == 4
    assert seen.take_nowait(10) == [DeadLetter(gone, what) for what in ("told", "answered", "urgent")]


async def test_what_waits_in_the_mailbox_of_one_that_stops_is_a_dead_letter() -> None:
    seen = Inbox(10)
    log: list[object] = []
    async with open_system(mortals()) as system:
        system.dead_letters.watch(seen)
        address = system.dynamic("mortals").start("m", log)
        for message in ("received", Crash(), "too late", "later still"):
            address.tell(message)
        await quiet()
        assert log == ["received"]
        assert system.dead_letters.count == 2
    assert seen.take_nowait(10) == [DeadLetter(address, "too late"), DeadLetter(address, "later still")]


async def test_an_actor_may_watch_and_is_told_no_more_when_it_unwatches() -> None:
    log: list[object] = []
    async with open_system(mortals(recorder(log))) as system:
        watcher = system.whereis("recorder")
        assert watcher is not None
        gone = await dead(system)
        system.dead_letters.watch(watcher)
        system.dead_letters.watch(watcher)
        gone.tell(1)
        await quiet()
        system.dead_letters.unwatch(watcher)
        system.dead_letters.unwatch(watcher)
        gone.tell(2)
        await quiet()
        assert system.dead_letters.count == 2
    assert log == [DeadLetter(gone, 1)]


async def test_a_watcher_that_is_full_gets_what_it_holds_and_no_loop_follows() -> None:
    log: list[object] = []
    async with open_system(mortals(recorder(log, mailbox=Mailbox(2)))) as system:
        watcher = system.whereis("recorder")
        assert watcher is not None
        gone = await dead(system)
        system.dead_letters.watch(watcher)
        for number in range(100):
            gone.tell(number)
        await quiet()
        assert system.dead_letters.count == 100
        assert watcher.statistics().dropped == 98
    assert log == [DeadLetter(gone, 0), DeadLetter(gone, 1)]


async def test_a_watcher_that_is_dead_is_forgotten_and_no_loop_follows() -> None:
    seen = Inbox(10)
    async with open_system(mortals()) as system:
        gone, watcher = await dead(system), await dead(system)
        for each in (watcher, seen):
            system.dead_letters.watch(each)
        gone.tell("one")
        gone.tell("two")
        assert system.dead_letters.count == 2, "what the dead watcher was told does not count"
        assert list(system.dead_letters._watchers) == [seen]
    assert seen.take_nowait(10) == [DeadLetter(gone, "one"), DeadLetter(gone, "two")]


async def test_letters_that_die_with_their_watcher_are_counted_and_shown_to_nobody() -> None:
    seen = Inbox(10)
    async with open_system(mortals()) as system:
        gone = await dead(system)
        watcher = system.dynamic("mortals").start("watcher", [])
        system.dead_letters.watch(watcher)
        system.dead_letters.watch(seen)
        watcher.tell(End())
        gone.tell("one")
        await quiet()
        assert not watcher.alive
        assert system.dead_letters.count == 2
    assert seen.take_nowait(10) == [DeadLetter(gone, "one")]


async def test_an_inbox_that_is_full_keeps_what_it_was_made_to_keep() -> None:
    seen = Inbox(1)
    async with open_system(mortals()) as system:
        gone = await dead(system)
        system.dead_letters.watch(seen)
        gone.tell(1)
        gone.tell(2)
        assert system.dead_letters.count == 2
    assert seen.statistics().dropped == 1
