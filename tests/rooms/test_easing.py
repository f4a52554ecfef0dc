"""How fast many are told, with a kernel of our own: it holds a page for everybody who was told and has not read."""

from __future__ import annotations

from server.rooms.easing import COUNTED_SECONDS, MOST_SECONDS, PAUSE_SECONDS, PORTION, Easing

SLICE = 32
LIMIT = 4 * PORTION


class Kernel:
    """Readers that hold a page each until they read; `told` says how many of them were told, and when."""

    def __init__(self, used: int | None = 0) -> None:
        self.used = used
        self.looks = 0

    def look(self) -> int | None:
        self.looks += 1
        return self.used


def tell(easing: Easing, kernel: Kernel, most: int, now: float = 0.0) -> tuple[int, float]:
    """Tell up to so many, at one moment: how many were told, and how long to wait before more."""
    told = 0
    while told < most:
        if wait := easing.wait(SLICE, now):
            return told, wait
        told += SLICE
        if kernel.used is not None:
            kernel.used += SLICE
    return told, 0.0


def test_without_a_kernel_nobody_waits() -> None:
    assert tell(Easing(), Kernel(), 100 * PORTION) == (100 * PORTION, 0.0)


def test_while_there_is_room_nobody_waits_and_it_is_seldom_looked() -> None:
    kernel = Kernel()
    easing = Easing(kernel.look, 10 * PORTION)
    assert tell(easing, kernel, 10 * PORTION) == (10 * PORTION, 0.0)
    assert kernel.looks == 10


def test_what_is_not_read_stays_below_the_limit_and_a_portion() -> None:
    kernel = Kernel()
    easing = Easing(kernel.look, LIMIT)
    told, wait = tell(easing, kernel, 100 * PORTION)
    assert told == LIMIT + PORTION
    assert wait == PAUSE_SECONDS


def test_it_goes_on_as_far_as_was_read() -> None:
    kernel = Kernel()
    easing = Easing(kernel.look, LIMIT)
    tell(easing, kernel, 100 * PORTION)
    kernel.used = LIMIT - PORTION + 1
    assert tell(easing, kernel, 100 * PORTION, PAUSE_SECONDS) == (PORTION, PAUSE_SECONDS)
    kernel.used = LIMIT - PORTION
    assert tell(easing, kernel, 100 * PORTION, 2 * PAUSE_SECONDS) == (2 * PORTION, PAUSE_SECONDS)


def test_several_who_tell_many_are_no_faster_than_one() -> None:
    kernel = Kernel()
    easing = Easing(kernel.look, LIMIT)
    told = 0
    while sum(tell(easing, kernel, SLICE)[0] for _ in range(3)):
        told = kernel.used or 0
    assert told == LIMIT + PORTION


def test_processes_slow_down_together() -> None:
    kernel = Kernel()
    processes = [Easing(kernel.look, LIMIT) for _ in range(10)]
    while sum(tell(easing, kernel, SLICE)[0] for easing in processes):
        pass
    assert kernel.used is not None
    assert LIMIT < kernel.used <= LIMIT + len(processes) * PORTION


def test_nobody_waits_for_ever_for_readers_that_do_not_read() -> None:
    kernel = Kernel(10 * LIMIT)
    easing = Easing(kernel.look, LIMIT)
    now, told_at = 0.0, []
    while now < 3.5 * MOST_SECONDS:
        told, wait = tell(easing, kernel, 100 * PORTION, now)
        if told:
            assert told == PORTION
            told_at.append(now)
        now += wait
    gaps = [later - earlier for earlier, later in zip([0.0, *told_at], told_at, strict=False)]
    assert len(told_at) == 3
    assert all(MOST_SECONDS <= gap < MOST_SECONDS + 2 * PAUSE_SECONDS for gap in gaps)


def test_where_nothing_can_be_seen_so_many_are_told_in_a_second() -> None:
    kernel = Kernel(None)
    easing = Easing(kernel.look, LIMIT, share=3 * PORTION)
    assert tell(easing, kernel, 100 * PORTION, 10.0) == (3 * PORTION, COUNTED_SECONDS)
    assert tell(easing, kernel, 100 * PORTION, 10.75) == (0, 0.25)
    assert tell(easing, kernel, 100 * PORTION, 11.0) == (3 * PORTION, COUNTED_SECONDS)
