"""Who decides when the next phase begins: histories with a clock that is set."""

from __future__ import annotations

import pytest

from loadtest.scenarios.messages import Found, Measured, Options, Progress, Reach, Verdict
from tests.loadtest.scenarios.history import History, took

STEADY = Options(scenario="steady", connections=100, seconds=10.0, rate=20.0, come_within=30.0, settle_within=20.0)


def test_the_next_phase_begins_when_every_process_is_done() -> None:
    history = History(STEADY)
    come = history.tick()
    assert come is not None
    history.obey(come, 0)
    assert history.tick(1.0) is None, "the other one is not done"
    history.obey(come, 1)
    following = history.tick(1.0)
    assert following is not None
    assert following.number == come.number + 1


def test_who_is_left_is_known_of_every_phase() -> None:
    history = History(STEADY)
    conductor = history.conductor
    assert conductor.left == ()
    come = history.tick()
    assert come is not None
    assert (conductor.order, conductor.left) == (come.number, (0, 1))
    history.obey(come, 0)
    assert conductor.left == (1,)
    history.obey(come, 1)
    following = history.tick(1.0)
    assert following is not None
    assert (conductor.order, conductor.left) == (following.number, (0, 1))
    conductor.lost(0, "it was killed")
    assert conductor.left == (1,)


def test_who_has_done_an_earlier_phase_has_not_done_this_one() -> None:
    history = History(STEADY)
    come = history.tick()
    assert come is not None
    for player in (0, 1):
        history.obey(come, player)
    assert history.tick() is not None
    for player in (0, 1):
        history.obey(come, player)
    assert history.tick(1.0) is None


def test_a_phase_whose_time_is_over_is_a_failure_and_what_was_seen_is_checked_all_the_same() -> None:
    history = History(STEADY)
    come = history.tick()
    assert come is not None
    history.obey(come, 0)
    settle = history.tick(30.0)
    assert settle is not None
    assert settle.phase == "settle", "a scenario in which not everybody came is not gone on with"
    results = history.play()
    assert results.failures == [
        "come: not within 30 s: everybody is welcome (1 of 2 processes still waited)",
        *results.failures[1:],
    ]
    assert results.exit_code == 1
    assert history.phases == ["come", "settle", "reach", "testify"]


def test_everybody_has_to_come_as_far_as_the_highest_entry_that_anybody_was_acknowledged() -> None:
    history = History(STEADY)
    history.play()
    (reach,) = (order.doing for order in history.orders if isinstance(order.doing, Reach))
    assert reach.heads == {"r_1": 8}


def test_the_verdict_is_asked_of_all_ledgers_in_the_order_of_the_processes() -> None:
    history = History(STEADY)
    results = history.play()
    assert history.conductor.ledgers == [b"ledger 0", b"ledger 1"]
    assert history.conductor.finished
    assert results.exit_code == 0


@pytest.mark.parametrize("verdict", [Verdict(findings=[Found("LOST", "r_1", "…")]), Verdict(unchecked=["a log"])])
def test_a_broken_promise_and_one_that_could_not_be_checked_fail_the_run(verdict: Verdict) -> None:
    assert History(STEADY).play(verdict).exit_code == 1


def test_a_process_that_is_lost_is_waited_for_no_longer_and_its_ledger_is_missing() -> None:
    history = History(STEADY)
    come = history.tick()
    assert come is not None
    history.obey(come, 0)
    history.conductor.lost(1, "it was killed")
    history.conductor.lost(1, "it is silent")
    for _ in range(20):
        order = history.tick(1.0)
        if order is not None:
            history.obey(order, 0)
    assert history.conductor.ledgers == [b"ledger 0", b""]
    assert history.conductor.results().failures == ["process 1 was lost: it was killed"]


def test_who_stops_a_run_gets_a_verdict() -> None:
    history = History(STEADY)
    come = history.tick()
    assert come is not None
    history.conductor.stop()
    history.conductor.stop()
    results = history.play()
    assert history.phases == ["come", "settle", "reach", "testify"]
    assert results.failures == ["stopped in the phase 'come'"]


def test_results_before_a_verdict_are_no_good_ones() -> None:
    history = History(STEADY)
    history.tick()
    assert history.conductor.results().exit_code == 1


def test_what_comes_late_is_counted_where_it_belongs() -> None:
    history = History(STEADY)
    for _ in range(3):
        order = history.tick(1.0)
        assert order is not None
        for player in (0, 1):
            history.obey(order, player)
    late = Measured(order=3, acknowledged=5, seen=took(9.0))
    history.conductor.heard(0, Progress(0, 4, done=False, wanted=50, connected=50, ready=50, measured=[late]))
    results = history.play()
    talk = next(phase for phase in results.phases if phase.name == "talk")
    assert talk.counts["acknowledged"] == 2 * 100 + 5
    assert talk.seen is not None
    assert talk.seen.max == pytest.approx(9.0, rel=1e-3)


def test_a_glance_tells_of_all_so_far_and_of_latencies_since_the_last_one() -> None:
    history = History(STEADY)
    history.tick()
    first = Measured(order=1, posted=3, seen=took(0.5), closes={4002: 1}, refusals={503: 2}, refused=4)
    history.conductor.heard(0, Progress(0, 1, done=False, wanted=50, connected=40, ready=30, measured=[first]))
    history.conductor.heard(1, Progress(1, 1, done=False, wanted=50, connected=45, ready=44))
    glance = history.conductor.glance(history.now + 2.0)
    assert (glance.at, glance.phase, glance.players) == (2.0, "come", 2)
    assert (glance.wanted, glance.connected, glance.ready, glance.posted) == (100, 85, 74, 3)
    assert glance.seen is not None
    assert glance.failures == {"503": 2, "close 4002": 1, "refused commands": 4}
    again = history.conductor.glance(history.now + 3.0)
    assert (again.posted, again.seen) == (3, None)
