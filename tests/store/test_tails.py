"""Rooms that are behind are taken up when enough was said, or when the first has waited long enough."""

from __future__ import annotations

import trio
from trio.testing import MockClock, wait_all_tasks_blocked

from server.store.tails import TailsHere

MANY = 100


async def taken(tails: TailsHere, seen: list[tuple[str, ...]], most: int = 10) -> None:
    seen.append(await tails.some(most, MANY, 5.0))


async def test_many_entries_wait_for_nothing(autojump_clock: MockClock) -> None:
    tails = TailsHere()
    tails.committed(["one", "two"], MANY)
    assert await tails.some(10, MANY, 5.0) == ("one", "two")
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
    assert await tails.some(10, MANY, 5.0) == ("one",)
    assert trio.current_time() == 5


async def test_what_stays_is_as_much_as_its_rooms_are_of_all(autojump_clock: MockClock) -> None:
    tails = TailsHere()
    tails.remember([str(room) for room in range(4)], 4 * MANY)
    for taken_by_then in range(0, 4, 2):
        assert len(await tails.some(2, MANY, 5.0)) == 2, taken_by_then
    assert trio.current_time() == 0
    tails.remember(["last"], 0)
    assert await tails.some(2, MANY, 5.0) == ("last",)
    assert trio.current_time() == 5, "nothing of what was taken is counted any more"
