"""Of many processes that make the load a few at a time let their people come; each knows when by the clock alone."""

from __future__ import annotations

import pytest

from clients.endpoint import endpoint_of
from loadtest.crowd.arrivals import Arrivals
from loadtest.crowd.shifts import Shifts
from loadtest.crowd.standing import NOBODY
from loadtest.people import People
from loadtest.precedence import shifts_of
from loadtest.scenarios.messages import Come, Hold, Options, Order
from loadtest.scenarios.playing import Player


def test_at_every_moment_one_shift_is_on() -> None:
    shifts = [Shifts(mine, 7, 0.5) for mine in range(7)]
    for tick in range(100):
        now = 1_000.0 + tick / 10
        assert sum(shift.next(now) == now for shift in shifts) == 1
        assert sorted(int(shift.next(now) / 0.5) - int(now / 0.5) for shift in shifts) == list(range(7))


def test_few_processes_have_none_and_many_are_few_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.sched_getaffinity", lambda _: {0, 1})
    assert shifts_of(0, 5) is None
    mine = [shifts_of(player, 53) for player in range(53)]
    assert all(shift is not None and shift.shifts == 14 for shift in mine)
    assert {sum(shift is not None and shift.mine == number for shift in mine) for number in range(14)} <= {3, 4}


def test_nobody_begins_outside_of_the_shift() -> None:
    arrivals = Arrivals(0, 0.0, True, lambda: 0.5)
    for slot in range(3):
        arrivals.add(slot)
    arrivals.keep_to(Shifts(1, 3, 1.0))
    assert arrivals.take(30.2, 0) == NOBODY
    assert arrivals.due(0) == 31.0
    assert arrivals.take(31.0, 0) == 0
    assert arrivals.take(32.0, 0) == NOBODY
    assert arrivals.due(0) == 34.0
    arrivals.keep_to(None)
    assert arrivals.due(0) == 0.0
    assert [arrivals.take(32.0, 0), arrivals.take(32.0, 0)] == [1, 2]


def test_in_a_shift_as_many_more_are_under_way_as_others_wait_for_theirs() -> None:
    arrivals = Arrivals(5, 0.0, True, lambda: 0.5)
    for slot in range(3):
        arrivals.add(slot)
    arrivals.keep_to(Shifts(0, 3, 1.0))
    assert arrivals.take(30.2, 15) == NOBODY
    assert arrivals.take(30.2, 14) == 0
    arrivals.keep_to(None)
    assert arrivals.take(30.2, 5) == NOBODY
    assert arrivals.take(30.2, 4) == 1


def test_while_people_come_their_shifts_may_change_and_at_no_other_time() -> None:
    player = _player()
    try:
        arrivals = player.crowd.arrivals
        player.obey(Order(1, "come", Come(0.0, 10), 0.0))
        assert arrivals.take(30.2, 0) == NOBODY, "it is the turn of others"
        player.keep_to(Shifts(0, 2, 1.0), 2)
        assert arrivals.take(30.2, 0) == NOBODY, "of another order"
        player.keep_to(Shifts(0, 2, 1.0), 1)
        assert arrivals.take(30.2, 0) != NOBODY
        player.keep_to(None, 1)
        assert arrivals.take(31.2, 0) != NOBODY, "the only one that is left comes when it likes"
        player.obey(Order(2, "hold", Hold(1.0), 0.0))
        player.keep_to(Shifts(1, 3, 1.0), 2)
        assert arrivals.take(30.2, 0) != NOBODY, "who was cut off comes again at once"
    finally:
        player.crowd.close()


def test_where_a_pace_is_wanted_there_are_no_shifts() -> None:
    player = _player()
    try:
        player.obey(Order(1, "come", Come(1_000.0, 10), 0.0))
        player.keep_to(Shifts(1, 3, 1.0), 1)
        assert player.crowd.arrivals.take(30.2, 0) != NOBODY
    finally:
        player.crowd.close()


def _player() -> Player:
    """One of six processes, in the second of three shifts."""
    people = People.made(60, "all")
    mine = range(4, 60, 6)
    options = Options(connections=60)
    return Player.of(people, [endpoint_of("ws://127.0.0.1:9")], mine, options, 4, Shifts(1, 3, 1.0))
