"""Rooms that are behind are taken up when enough was said, or when the first has waited long enough."""

from __future__ import annotations

import trio
from trio.testing import MockClock, wait_all_tasks_blocked

from server.store.tails import TailsHere

MANY = 100


async def taken(tails: TailsHere, seen: list[tuple[str, ...]], most: int = 10) -> None:
    await tails.come(MANY, 5.0)
    seen.append(tails.taken(most))


async def test_many_entries_wait_for_nothing(autojump_clock: MockClock) -> None:
    tails = TailsHere()
    tails.committed(["one", "two"], MANY)
    await tails.come(MANY, 5.0)
    assert tails.taken(10) == ("one", "two")
    assert trio.current_time() == 0
    assert not tails


async def test_a_few_wait_for_more(autojump_clock: MockClock) -> None:
    tails = TailsHere()
    seen: list[tuple[str, ...]] = []
    async with trio.open_nursery() as nursery:
        nursery.start_soon(taken, tails, seen)
        await wait_all_tasks_blocked()
        tails.committed(["one"], MANY // 2)
        await trio.sleep(1)
        assert seen == []
        tails.committed(["two", "one"], MANY // 2)
        await wait_all_tasks_blocked()
        assert seen == [("one", "two")]
    assert trio.current_time() == 1


async def test_a_few_wait_no_longer_than_that(autojump_clock: MockClock) -> None:
    tails = TailsHere()
    tails.remember(["one"], 1)
    await tails.come(MANY, 5.0)
    assert tails.taken(10) == ("one",)
    assert trio.current_time() == 5


async def test_what_stays_is_as_much_as_its_rooms_are_of_all(autojump_clock: MockClock) -> None:
    tails = TailsHere()
    tails.remember([str(room) for room in range(4)], 4 * MANY)
    for taken_by_then in range(0, 4, 2):
        await tails.come(MANY, 5.0)
        assert len(tails.taken(2)) == 2, taken_by_then
    assert trio.current_time() == 0
    tails.remember(["last"], 0)
    await tails.come(MANY, 5.0)
    assert tails.taken(2) == ("last",)
    assert trio.current_time() == 5, "nothing of what was taken is counted any more"


async def test_what_is_said_in_a_row_is_waited_for(autojump_clock: MockClock) -> None:
    tails = TailsHere()

    async def say(times: int) -> None:
        for _ in range(times):
            tails.committed(["one"], 1)
            await trio.sleep(0.01)

    async with trio.open_nursery() as nursery:
        nursery.start_soon(say, 100)
        await tails.lull(0.02, MANY * 2)
        assert 1 <= trio.current_time() <= 1.04
        nursery.start_soon(say, 100)
        await tails.lull(0.02, MANY * 2)
        assert len(tails) == 1


async def test_too_much_is_not_waited_for(autojump_clock: MockClock) -> None:
    tails = TailsHere()

    async def say() -> None:
        while True:
            tails.committed(["one"], 1)
            await trio.sleep(0.01)

    async with trio.open_nursery() as nursery:
        nursery.start_soon(say)
        await tails.lull(0.02, MANY)
        assert 0.98 <= trio.current_time() <= 1.04
        nursery.cancel_scope.cancel()
