"""What each scenario asks for, and what it makes of what comes of it."""

from __future__ import annotations

import math

import pytest

from loadtest.scenarios.figures import MEANING
from loadtest.scenarios.messages import Broadcast, Come, Cut, Hold, Ignore, Kill, Measured, Options, Order, Spread
from loadtest.scenarios.table import SCENARIOS
from tests.loadtest.scenarios.history import History, good, took


def options(scenario: str, **chosen: float) -> Options:
    return Options(scenario=scenario, connections=100, seconds=10.0, **chosen)  # type: ignore[arg-type]


@pytest.mark.parametrize("scenario", SCENARIOS)
def test_every_figure_is_explained_and_every_end_is_the_same(scenario: str) -> None:
    history = History(options(scenario))
    results = history.play()
    assert results.figures.keys() <= MEANING.keys()
    assert history.phases[0] == "come"
    assert history.phases[-3:] == ["settle", "reach", "testify"]
    assert results.words
    assert results.exit_code == 0
    assert results.figures["connects_per_second"] == pytest.approx(100.0)


def test_people_talk_as_people_would_where_no_rate_is_chosen() -> None:
    history = History(options("steady"))
    results = history.play()
    assert [order.talk for order in history.orders[1:3]] == [2.5, 2.5], "one post of each in forty seconds"
    assert results.figures["seen_p99"] == pytest.approx(0.006, rel=1e-3)
    assert results.words == ["100 people made 24/s posts and got 240/s deliveries; 99 of 100 were seen within 6.0 ms"]


def test_each_broadcast_is_somebody_elses_and_the_worst_is_told() -> None:
    lasts = iter([0.2, 0.2, 0.9, 0.9, 0.3, 0.3])

    def server(order: Order) -> Measured:
        measured = good(order)
        if isinstance(order.doing, Broadcast):
            measured.figures = {"last_receipt": next(lasts)}
        return measured

    history = History(options("broadcast", repeats=3), server)
    figures = history.play().figures
    assert (figures["broadcast_to"], figures["broadcast_median"], figures["broadcast_worst"]) == (100, 0.3, 0.9)
    said = [order.doing for order in history.orders if isinstance(order.doing, Broadcast)]
    assert len({broadcast.poster for broadcast in said}) > 1
    again = History(options("broadcast", repeats=3))
    again.play()
    assert [order.doing for order in again.orders if isinstance(order.doing, Broadcast)] == said, "by the seed"


def test_the_last_process_to_recover_counts() -> None:
    recoveries = iter([0.5, 2.5])

    def server(order: Order) -> Measured:
        measured = good(order)
        if isinstance(order.doing, Cut):
            measured.figures = {"recovery": next(recoveries)}
        return measured

    figures = History(options("storm"), server).play().figures
    assert figures["recovery_seconds"] == 2.5
    assert figures["cut_off"] == 20


def test_the_others_are_measured_before_and_beside_the_slow() -> None:
    def server(order: Order) -> Measured:
        measured = good(order)
        if isinstance(order.doing, Ignore):
            measured.seen = took(0.04)
            measured.closes = {4002: 1}
        return measured

    figures = History(options("slow"), server).play().figures
    assert figures["seen_p99_before"] == pytest.approx(0.006, rel=1e-3)
    assert figures["seen_p99"] == pytest.approx(0.04, rel=1e-3)
    assert (figures["slow_readers"], figures["closed_for_slowness"]) == (20, 2)


def test_who_comes_in_parts_pauses_at_ten_times_as_many_each_time_and_hears_a_broadcast() -> None:
    history = History(options("proof", growth=1, repeats=1))
    results = history.play()
    assert history.phases[:8] == [
        "assemble", "come to 1", "rest at 1", "broadcast at 1", "come to 10", "rest at 10", "broadcast at 10", "come",
    ]  # fmt: skip
    counts = [order.doing.count for order in history.orders if isinstance(order.doing, Come)]
    assert counts == [1, 10, None]
    heard = [order.doing for order in history.orders if isinstance(order.doing, Broadcast)]
    assert [broadcast.among for broadcast in heard] == [1, 10, None]
    assert all(broadcast.poster < (broadcast.among or 100) for broadcast in heard)
    assert results.figures["connect_seconds"] == pytest.approx(3.0), "without the pauses"
    assert results.figures["connects_per_second"] == pytest.approx(100.0)


def test_a_process_of_the_server_is_killed_where_one_is_named() -> None:
    history = History(options("proof", kill=4_711))
    figures = history.play().figures
    kills = [(order.doing.process, order.talk) for order in history.orders if isinstance(order.doing, Kill)]
    assert kills == [(4_711, 50.0)]
    assert (figures["lost_by_kill"], figures["kill_recovery_seconds"]) == (30.0, 2.0)
    assert figures["kill_ack_p99"] > 0.0
    assert figures["meanwhile_ack_p99"] > 0.0
    without = History(options("proof"))
    without.play()
    assert "kill" not in without.phases


@pytest.mark.parametrize(("chosen", "count"), [({"storm": 7}, 7), ({"share": 0.3}, 30), ({"storm": 1_000}, 100)])
def test_a_storm_is_of_so_many_or_of_a_share(chosen: dict[str, float], count: int) -> None:
    history = History(options("storm", **chosen))
    history.play()
    assert [order.doing.count for order in history.orders if isinstance(order.doing, Cut)] == [count]


def test_a_proof_is_all_of_it_on_one_crowd() -> None:
    history = History(options("proof", repeats=2, posts=300))
    results = history.play()
    assert history.phases[1:-3] == ["hold", "small rooms", "broadcast 1", "broadcast 2", "storm"]
    (spread,) = (order.doing for order in history.orders if isinstance(order.doing, Spread))
    assert (spread.posts, spread.seconds) == (300, 3.0)
    assert {"broadcast_worst", "recovery_seconds"} <= results.figures.keys()


# --- the ladder ----------------------------------------------------------------------------------------------


def bearing(limit: float, cpu: float = 0.2, server_cpu: float = 0.97) -> History:
    """A server that is quick up to so many posts a second, and slow beyond."""

    def server(order: Order) -> Measured:
        measured = good(order)
        if isinstance(order.doing, Hold):
            measured.seen = took(0.01 if order.talk <= limit else 0.5)
            measured.cpu = cpu
            measured.figures = {"server_cpu": server_cpu}
        return measured

    return History(options("ladder", rate=100.0), server)


def rates(history: History) -> list[float]:
    """Of all steps; the first one warms up, and a bad one is tried again."""
    return [order.talk for order in history.orders if order.talk and not order.phase.endswith("again")][1:]


def test_the_ladder_climbs_until_it_fails_and_looks_in_between() -> None:
    history = bearing(400.0)
    figures = history.play().figures
    assert rates(history)[:5] == [100.0, 150.0, 225.0, 337.5, 506.25]
    assert rates(history)[5] == pytest.approx(math.sqrt(337.5 * 506.25))
    assert len(rates(history)) == 8
    assert 380 < figures["first_failing_rate"] < 425
    assert max(rate for rate in rates(history) if rate <= 400) == pytest.approx(figures["highest_rate"] / 10, rel=0.01)


def test_the_ladder_goes_down_where_it_began_too_high() -> None:
    history = bearing(50.0)
    assert history.play().figures["first_failing_rate"] < 60
    assert rates(history)[:3] == pytest.approx([100.0, 66.667, 44.444], rel=1e-3)


def test_after_a_step_that_failed_everything_is_let_come_to_rest() -> None:
    history = bearing(120.0)
    history.play()
    at = history.phases.index("150 a second")
    assert history.phases[at + 1 : at + 4] == ["calm down", "150 a second, again", "calm down"]


def test_a_step_that_was_bad_once_is_not_bad() -> None:
    def server(order: Order) -> Measured:
        measured = good(order)
        if order.phase == "150 a second" or order.talk > 200.0:
            measured.seen = took(0.5)
        return measured

    history = History(options("ladder", rate=100.0), server)
    assert history.play().figures["first_failing_rate"] > 200.0


@pytest.mark.parametrize(
    ("cpu", "server_cpu", "words"),
    [
        (0.3, 0.97, "the server's CPU bounded it"),
        (0.95, 0.5, "the harness' own CPU bounded it"),
        (0.95, 0.95, "the server's CPU bounded it, and the harness' own was full as well"),
        (0.3, 0.4, "no CPU was full, so something waited"),
    ],
)
def test_the_ladder_names_what_bounded_it(cpu: float, server_cpu: float, words: str) -> None:
    results = bearing(120.0, cpu, server_cpu).play()
    assert any(words in line for line in results.words), results.words
    assert ("clients_bottleneck_rate" in results.figures) == (words == "the harness' own CPU bounded it")


@pytest.mark.parametrize(
    ("changed", "why"),
    [
        ({"posted": 50}, "posts were made where"),
        ({"acknowledged": 50}, "posts were answered"),
        ({"refused": 3}, "6 posts were refused"),
        ({"gaps": 1}, "2 gaps told"),
        ({"closes": {4002: 1}}, "2 connections ended"),
        ({"seen": ""}, "nobody saw anything"),
    ],
)
def test_a_step_in_which_anything_is_missing_is_no_good_one(changed: dict[str, object], why: str) -> None:
    def server(order: Order) -> Measured:
        measured = good(order)
        if isinstance(order.doing, Hold) and order.talk > 120.0:
            for name, value in changed.items():
                setattr(measured, name, value)
        return measured

    results = History(options("ladder", rate=100.0), server).play()
    assert results.figures["first_failing_rate"] < 151
    assert any(why in line for line in results.words), results.words
