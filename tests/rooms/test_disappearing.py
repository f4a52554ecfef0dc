"""When messages disappear: not early, whatever is done to the clock."""

from __future__ import annotations

from server.rooms.disappearing import Clock


def test_time_goes_on_by_the_earlier_of_two_clocks() -> None:
    wall, steady = 1_000_000, 50.0
    clock = Clock(lambda: wall, lambda: steady)
    wall, steady = wall + 5_000, steady + 5.0
    assert clock.now() == 1_005_000
    wall += 3_600_000  # somebody sets it an hour forth
    assert clock.now() == 1_005_000
    wall, steady = wall + 1_000, steady + 1.0
    assert clock.now() == 1_006_000
    wall -= 2 * 3_600_000  # and two hours back
    assert clock.now() == wall
