"""Timers: after, every, cancel; they die with the incarnation that set them."""

from __future__ import annotations

from collections import Counter as Tally

import pytest
import trio
from hypothesis import given, settings
from hypothesis import strategies as st
from trio.testing import MockClock

from actors import ActorSpec, Address, Mailbox, System, Timer, open_system
from tests.actors.small_actors import Script, quiet, tell_script, tree

SCRIPT = ActorSpec("script", Script, mailbox=Mailbox(200_000), name="script")


def the(system: System) -> Address:
    address = system.whereis("script")
    assert address is not None
    return address


class Notebook:
    """Notes what a timer told, and when."""

    def __init__(self) -> None:
        self.notes: list[tuple[float, object]] = []
        self.timers: list[Timer] = []

    def after(self, script: Address, seconds: float, what: object) -> None:
        def note(_: Script) -> None:
            self.notes.append((round(trio.current_time(), 3), what))

        tell_script(script, lambda actor: self.timers.append(actor.send_after(seconds, note)))

    def every(self, script: Address, seconds: float, what: object) -> None:
        def note(_: Script) -> None:
            self.notes.append((round(trio.current_time(), 3), what))

        tell_script(script, lambda actor: self.timers.append(actor.send_every(seconds, note)))


async def test_send_after_tells_once_when_its_time_has_come(autojump_clock: MockClock) -> None:
    book = Notebook()
    async with open_system(tree(SCRIPT)) as system:
        start = trio.current_time()
        book.after(the(system), 2.0, "two")
        book.after(the(system), 1.0, "one")
        await trio.sleep(10.0)
    assert book.notes == [(start + 1.0, "one"), (start + 2.0, "two")]


async def test_send_every_tells_again_and_again_until_cancelled(autojump_clock: MockClock) -> None:
    book = Notebook()
    async with open_system(tree(SCRIPT)) as system:
        book.every(the(system), 1.0, "tick")
        await trio.sleep(3.5)
        book.timers[0].cancel()
        await trio.sleep(10.0)
        assert not book.timers[0].pending
    assert len(book.notes) == 3


async def test_a_cancelled_timer_says_nothing_and_to_cancel_again_is_harmless(autojump_clock: MockClock) -> None:
    book = Notebook()
    async with open_system(tree(SCRIPT)) as system:
        book.after(the(system), 1.0, "never")
        await quiet()
        book.timers[0].cancel()
        book.timers[0].cancel()
        await trio.sleep(5.0)
        assert len(system.timers) == 0
    assert book.notes == []


async def test_a_timer_that_was_set_later_and_is_due_sooner_is_not_late(autojump_clock: MockClock) -> None:
    book = Notebook()
    async with open_system(tree(SCRIPT)) as system:
        book.after(the(system), 1000.0, "late")
        await trio.sleep(1.0)
        start = trio.current_time()
        book.after(the(system), 1.0, "soon")
        await trio.sleep(2.0)
    assert book.notes == [(start + 1.0, "soon")]


async def test_timers_die_with_the_incarnation_that_set_them(autojump_clock: MockClock) -> None:
    book = Notebook()
    async with open_system(tree(SCRIPT)) as system:
        book.after(the(system), 1.0, "after")
        book.every(the(system), 1.0, "every")
        tell_script(the(system), lambda _: 1 / 0)
        await trio.sleep(5.0)
        assert the(system).incarnation == 2
        assert len(system.timers) == 0
    assert book.notes == []


async def test_a_slow_actor_does_not_get_its_missed_ticks_in_a_burst(mock_clock: MockClock) -> None:
    book = Notebook()
    async with open_system(tree(SCRIPT)) as system:
        book.every(the(system), 1.0, "tick")
        await quiet()
        mock_clock.jump(100.0)
        await quiet()
        assert len(book.notes) == 1


async def test_what_was_sent_after_is_not_lost_to_a_full_mailbox_and_a_tick_is(mock_clock: MockClock) -> None:
    book = Notebook()
    async with open_system(tree(ActorSpec("script", Script, mailbox=Mailbox(1), name="script"))) as system:
        book.after(the(system), 1.0, "after")
        await quiet()
        book.every(the(system), 1.0, "every")
        await quiet()
        tell_script(the(system), lambda _: None)
        for timer in book.timers:
            assert timer._fire() is (timer is book.timers[1])
        await quiet()
    assert [what for _, what in book.notes] == ["after"]


@pytest.mark.parametrize("seconds", [0.0, -1.0])
async def test_a_period_is_longer_than_nothing(seconds: float) -> None:
    refusals: list[str] = []
    async with open_system(tree(SCRIPT)) as system:

        def try_it(actor: Script) -> None:
            try:
                actor.send_every(seconds, "tick")
            except ValueError as refusal:
                refusals.append(str(refusal))

        tell_script(the(system), try_it)
        await quiet()
    assert len(refusals) == 1


@settings(max_examples=30, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 100), st.booleans()), max_size=50))
async def test_every_timer_that_is_not_cancelled_tells_once_in_the_order_of_their_times(
    script: list[tuple[int, bool]],
) -> None:
    book = Notebook()
    async with open_system(tree(SCRIPT)) as system:
        for number, (seconds, _) in enumerate(script):
            book.after(the(system), seconds + 1.0, number)
        await quiet()
        for timer, (_, cancel) in zip(book.timers, script, strict=True):
            if cancel:
                timer.cancel()
        system.timers._fire_due(trio.current_time() + 200.0)
        await quiet()
    kept = [(seconds, number) for number, (seconds, cancel) in enumerate(script) if not cancel]
    assert [what for _, what in book.notes] == [number for _, number in sorted(kept)]


async def test_cancelled_timers_do_not_fill_the_heap(autojump_clock: MockClock) -> None:
    async with open_system(tree(SCRIPT)) as system:

        def set_and_cancel(actor: Script) -> None:
            for _ in range(10_000):
                actor.send_after(3600.0, None).cancel()

        tell_script(the(system), set_and_cancel)
        await quiet()
        assert len(system.timers) == 0
        assert len(system.timers._heap) <= 200


class StepsOfTasks(trio.abc.Instrument):
    """How often each task ran."""

    def __init__(self) -> None:
        self.steps: Tally[str] = Tally()

    def before_task_step(self, task: trio.lowlevel.Task) -> None:
        self.steps[task.name] += 1


async def test_a_hundred_thousand_pending_timers_are_one_task_that_does_not_move_while_they_wait(
    autojump_clock: MockClock,
) -> None:
    async with open_system(tree(SCRIPT)) as system:
        await quiet()
        before = trio.lowlevel.current_statistics().tasks_living
        told: list[object] = []

        def set_many(actor: Script) -> None:
            for number in range(100_000):
                actor.send_after(3600.0, lambda _, number=number: told.append(number))

        tell_script(the(system), set_many)
        await quiet()
        assert len(system.timers) == 100_000
        assert trio.lowlevel.current_statistics().tasks_living == before
        counter = StepsOfTasks()
        trio.lowlevel.add_instrument(counter)
        for _ in range(10):
            await trio.sleep(300.0)
        trio.lowlevel.remove_instrument(counter)
        assert counter.steps["actors timers"] == counter.steps["actors scheduler"] == 0
        assert told == []
        await trio.sleep(700.0)
        assert told == list(range(100_000))
        assert len(system.timers) == 0
