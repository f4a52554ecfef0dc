from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from server.cluster.attention import LITTLE_SECONDS, MUCH_BYTES, AttentiveClock, CaughtUp


def test_it_goes_with_the_time_while_somebody_looks() -> None:
    clock = AttentiveClock()
    for step in range(9):
        clock.ticked(100.0 + step * 0.25, due=100.0 + step * 0.25)
    assert clock.now == 2.0


def test_a_little_lateness_counts_in_full() -> None:
    clock = AttentiveClock()
    clock.ticked(0.0, due=0.0)
    for step in range(1, 5):
        clock.ticked(step + LITTLE_SECONDS / 2, due=step)
    assert clock.now == 4.0 + LITTLE_SECONDS / 2


def test_who_was_stopped_has_missed_next_to_nothing() -> None:
    clock = AttentiveClock()
    clock.ticked(0.0, due=0.0)
    assert clock.ticked(15.0, due=0.5) == 0.5 + LITTLE_SECONDS


def test_who_is_woken_too_late_each_time_counts_what_was_asked_for() -> None:
    clock = AttentiveClock()
    clock.ticked(0.0, due=0.0)
    for step in range(10):
        clock.ticked(3.0 * (step + 1), due=3.0 * step + 0.5)
    assert round(clock.now, 6) == 10 * (0.5 + LITTLE_SECONDS)


def test_it_never_goes_back() -> None:
    clock = AttentiveClock()
    clock.ticked(10.0, due=9.0)
    assert clock.ticked(11.0, due=9.5) == 0.0


def test_while_nothing_lies_unread_everything_is_known() -> None:
    caught_up = CaughtUp()
    assert [caught_up.looked(float(now), 0, 100) for now in range(4)] == [0.0, 1.0, 2.0, 3.0]


def test_what_lay_there_at_a_look_and_was_read_is_known_up_to_that_look() -> None:
    caught_up = CaughtUp()
    caught_up.looked(1.0, 0, 0)
    assert caught_up.looked(2.0, 50, 0) == 1.0
    assert caught_up.looked(3.0, 70, 49) == 1.0, "a byte of it is left"
    assert caught_up.looked(4.0, 70, 50) == 2.0
    assert caught_up.looked(5.0, 30, 120) == 4.0, "the next look had been the one at 4"


def test_who_does_not_read_knows_nothing_of_the_time() -> None:
    caught_up = CaughtUp()
    assert {caught_up.looked(float(now), 10, 0) for now in range(60)} == {0.0}


def test_where_much_lies_unread_more_may_wait_behind_it() -> None:
    caught_up = CaughtUp()
    assert caught_up.looked(1.0, MUCH_BYTES, 0) == 0.0
    assert caught_up.looked(2.0, MUCH_BYTES, MUCH_BYTES) == 0.0
    assert caught_up.looked(3.0, MUCH_BYTES - 1, 2 * MUCH_BYTES) == 0.0
    assert caught_up.looked(4.0, 1, 4 * MUCH_BYTES) == 3.0


@given(st.lists(st.tuples(st.integers(0, 1000), st.integers(0, 1000)), max_size=30))
def test_nothing_that_came_before_it_is_left_unread(rounds: list[tuple[int, int]]) -> None:
    """Whatever comes between two looks, and however much of it is read."""
    caught_up, came, read = CaughtUp(), [0], 0
    for now, (more, taken) in enumerate(rounds):
        came.append(came[-1] + more)
        read = min(read + taken, came[-1])
        until = caught_up.looked(float(now), came[-1] - read, read)
        assert until <= now
        assert not until or came[int(until) + 1] <= read
