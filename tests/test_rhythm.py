"""What is done again and again is done at the same times, whenever it began."""

from __future__ import annotations

import trio
import trio.testing
from hypothesis import given
from hypothesis import strategies as st

from server.rhythm import next_time, seconds_to_next, sleep_to_next

PERIODS = st.sampled_from([0.05, 0.5, 1.0, 2.0, 3.0])


@given(PERIODS, st.floats(0, 1e6))
def test_the_next_time_is_later_and_within_a_period(period: float, now: float) -> None:
    assert now < next_time(period, now) <= now + period * (1 + 1e-9)


@given(st.floats(0, 1e6))
def test_short_periods_meet_at_the_times_of_long_ones(now: float) -> None:
    seconds = next_time(2.0, now)
    assert seconds in {next_time(0.5, seconds - rest) for rest in (0.5, 0.2, 0.001)}
    assert seconds in {next_time(1.0, seconds - rest) for rest in (1.0, 0.2, 0.001)}


async def test_who_began_at_different_times_wakes_up_at_one(autojump_clock: trio.testing.MockClock) -> None:
    woken: list[float] = []

    async def sleep_after(pause: float, period: float) -> None:
        await trio.sleep(pause)
        await sleep_to_next(period)
        woken.append(trio.current_time())

    async with trio.open_nursery() as nursery:
        for pause, period in ((0.3, 1.0), (0.6, 0.5), (0.9, 1.0)):
            nursery.start_soon(sleep_after, pause, period)
    assert woken == [1.0, 1.0, 1.0]


async def test_who_asks_at_that_time_waits_for_the_one_after(autojump_clock: trio.testing.MockClock) -> None:
    await trio.sleep(4.0)
    assert seconds_to_next(2.0) == 2.0
