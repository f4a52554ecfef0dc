"""The mailbox of a task: bounded, taken in batches, in order, and never losing what was not taken."""

from __future__ import annotations

import pytest
import trio
from hypothesis import given
from hypothesis import strategies as st

from actors import Gapped, Inbox, Overflow
from tests.actors.small_actors import quiet


async def test_take_waits_for_the_first_message_and_returns_all_that_wait() -> None:
    inbox = Inbox(10)
    taken: list[object] = []

    async def reader() -> None:
        taken.extend(await inbox.take(5))

    async with trio.open_nursery() as nursery:
        nursery.start_soon(reader)
        await quiet()
        assert inbox.statistics().tasks_waiting == 1
        for number in range(3):
            inbox.tell(number)
    assert taken == [0, 1, 2]


async def test_take_takes_at_most_as_many_as_asked_for() -> None:
    inbox = Inbox(10)
    for number in range(5):
        inbox.tell(number)
    assert await inbox.take(3) == [0, 1, 2]
    assert await inbox.take(3) == [3, 4]
    assert inbox.take_nowait(3) == []


async def test_a_cancelled_take_has_taken_nothing() -> None:
    inbox = Inbox(10)
    inbox.tell("precious")
    with trio.CancelScope() as scope:
        scope.cancel()
        await inbox.take(1)
    assert inbox.take_nowait(1) == ["precious"]


@pytest.mark.parametrize(
    ("overflow", "said", "kept"),
    [
        (Overflow.REFUSE, [True, True, False, False], [0, 1]),
        (Overflow.DROP_NEWEST, [True, True, True, True], [0, 1]),
        (Overflow.DROP_OLDEST, [True, True, True, True], [2, 3]),
        (Overflow.GAP, [True, True, True, True], [0, 1, Gapped()]),
    ],
)
def test_a_full_inbox_does_what_it_was_made_to_do(overflow: Overflow, said: list[bool], kept: list[object]) -> None:
    inbox = Inbox(2, overflow)
    assert [inbox.tell(number) for number in range(4)] == said
    assert inbox.take_nowait(10) == kept
    assert inbox.statistics().dropped == 2


def test_an_answer_is_taken_by_a_full_inbox() -> None:
    inbox = Inbox(1)
    inbox.tell("question")
    assert inbox.answer("answer")
    assert inbox.take_nowait(10) == ["question", "answer"]


async def test_an_answer_wakes_the_reader() -> None:
    inbox = Inbox(1)
    taken: list[object] = []

    async def reader() -> None:
        taken.extend(await inbox.take(1))

    async with trio.open_nursery() as nursery:
        nursery.start_soon(reader)
        await quiet()
        inbox.answer("at last")
    assert taken == ["at last"]


def test_an_inbox_says_how_it_is() -> None:
    inbox = Inbox(3)
    for number in range(5):
        inbox.tell(number)
    inbox.take_nowait(2)
    now = inbox.statistics()
    assert (now.waiting, now.peak, now.limit, now.taken, now.dropped) == (1, 3, 3, 2, 2)


@given(st.lists(st.one_of(st.just("tell"), st.integers(1, 5))))
def test_what_is_taken_is_what_was_told_in_order(script: list[object]) -> None:
    inbox = Inbox(1_000)
    told, taken = 0, []
    for step in script:
        if isinstance(step, int):
            taken += inbox.take_nowait(step)
        else:
            inbox.tell(told)
            told += 1
    assert taken + inbox.take_nowait(1_000) == list(range(told))


@pytest.mark.parametrize("limit", [0, -3])
def test_an_inbox_holds_at_least_one_message(limit: int) -> None:
    with pytest.raises(ValueError, match="at least one message"):
        Inbox(limit)
