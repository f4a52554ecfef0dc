from __future__ import annotations

from server.cluster.attention import AttentiveClock


def test_it_goes_with_the_time_while_somebody_looks() -> None:
    clock = AttentiveClock(tick=0.25)
    for step in range(9):
        clock.ticked(100.0 + step * 0.25)
    assert clock.now == 2.0


def test_a_tick_that_is_a_little_late_counts_in_full() -> None:
    clock = AttentiveClock(tick=0.25)
    clock.ticked(0.0)
    assert clock.ticked(0.4) == 0.4


def test_who_was_stopped_has_missed_next_to_nothing() -> None:
    clock = AttentiveClock(tick=0.25)
    clock.ticked(0.0)
    assert clock.ticked(15.0) == 0.5
