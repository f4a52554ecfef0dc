"""What a process measures under an order, and what is made of that of several."""

from __future__ import annotations

import errno
import time
from collections import Counter
from collections.abc import Sequence

import pytest

from loadtest.crowd.entries import Entry
from loadtest.histogram import Histogram
from loadtest.marks import Mark
from loadtest.people import People
from loadtest.scenarios.doings import Company
from loadtest.scenarios.messages import Measured, Options
from loadtest.scenarios.readings import Readings
from loadtest.scenarios.talking import Rooms, as_many_as_talk, filling, in_common
from loadtest.scenarios.tallies import Tally, latencies_of, spectrum
from tests.loadtest.scenarios.history import took


def entry(label: str) -> Entry:
    return Entry("r_1", 1, "u_1", "n", "text", Mark("0" * 16, 0, 1, label, 1, 1))


def by_order(measured: list[Measured]) -> dict[int, Measured]:
    return {each.order: each for each in measured}


# --- one process ---


def test_who_sees_a_post_late_adds_to_the_order_under_which_it_was_said() -> None:
    readings = Readings()
    readings.begin(1)
    readings.begin(2)
    seen = readings.entry(entry("1"))
    assert seen is not None
    seen.record_seconds(0.5)
    measured = by_order(readings.take())
    assert measured[1].seen
    assert not measured[2].seen


def test_what_is_no_post_of_an_order_that_is_remembered_is_nobodys_latency() -> None:
    readings = Readings()
    for order in range(1, 9):
        readings.begin(order)
    assert [readings.entry(entry(label)) for label in ("1", "", "elsewhere")] == [None, None, None]
    assert readings.entry(Entry("r_1", 1)) is None


def sent_now(label: str) -> Entry:
    made = entry(label)
    made.sent = time.monotonic_ns()
    return made


def test_what_others_post_under_an_order_that_this_process_has_not_heard_of_is_kept_for_it() -> None:
    readings = Readings()
    readings.begin(1)
    early = sent_now("2")
    tally = readings.entry(early)
    assert tally is not None
    tally.record(5_000)
    readings.begin(2)
    assert readings.now.early == [early]
    assert by_order(readings.take())[2].seen
    readings.begin(3)
    assert readings.now.early == []


def test_a_post_of_an_earlier_run_is_not_of_the_next_order() -> None:
    readings = Readings()
    old = sent_now("2")
    readings.begin(1)
    assert readings.entry(old) is None
    assert readings.entry(sent_now("7")) is None
    readings.begin(2)
    assert readings.now.early == []


def test_what_was_told_once_is_not_told_again() -> None:
    readings = Readings()
    readings.begin(1)
    readings.posted(0, "r_1")
    readings.acknowledged(0, "r_1", 0.01)
    readings.closed(4002)
    first = by_order(readings.take())[1]
    assert (first.posted, first.acknowledged, first.closes) == (1, 1, {4002: 1})
    assert first.ack
    again = by_order(readings.take())[1]
    assert (again.posted, again.ack, again.closes) == (0, b"", {})


def test_who_hangs_up_because_nothing_comes_is_counted_among_the_failures() -> None:
    readings = Readings()
    readings.begin(1)
    readings.late(7, 61.0)
    readings.failed(errno.ECONNREFUSED)
    assert by_order(readings.take())[1].failures == {errno.ETIMEDOUT: 1, errno.ECONNREFUSED: 1}


def test_what_is_seen_by_those_who_did_not_want_to_does_not_count() -> None:
    readings = Readings()
    readings.begin(1)
    seen = readings.entry(entry("1"))
    assert seen is not None
    readings.now.is_frozen = True
    seen.record_seconds(30.0)
    assert not by_order(readings.take())[1].seen


# --- all of them ---


def test_processes_are_added_up_and_the_largest_of_a_phases_own_figures_counts() -> None:
    tally = Tally()
    for player, seconds in enumerate((0.010, 0.030)):
        measured = Measured(
            order=1, seconds=2.0, cpu=0.5 + player, posted=3, closes={4002: 1}, seen=took(seconds),
            figures={"last_receipt": seconds},
        )  # fmt: skip
        tally.add(player, measured, latencies_of(measured))
    result = tally.result("talk", 0.0, 2.0, in_time=True)
    assert (result.counts["posted"], result.closes, result.figures) == (6, {4002: 2}, {"last_receipt": 0.030})
    assert result.clients_cpu == [0.25, 0.75]
    assert result.seen is not None
    assert (result.seen.count, result.ack) == (2, None)


def test_a_spectrum_is_what_the_histogram_says() -> None:
    histogram = Histogram()
    for us in range(1, 5_000, 7):
        histogram.record(us)
    told = spectrum(histogram)
    expected = [histogram.percentile(share) / 1e6 for share in (50, 90, 99, 99.9, 100)]
    assert [told.p50, told.p90, told.p99, told.p999, told.max] == pytest.approx(expected)
    assert told.count == histogram.total


# --- who talks where ---


def test_rooms_too_large_to_talk_in_are_listened_to_unless_there_is_no_other() -> None:
    many = People.made(1_200, "all,each:10")
    assert Rooms(many, range(1_200)).talked_in(5) == [1]
    assert Rooms(People.made(1_200, "all"), range(1_200)).talked_in(5) == [0]
    assert Rooms(People.made(900, "all,each:10"), range(900)).talked_in(5) == [0, 1]


def test_a_process_knows_how_many_of_a_room_are_its_own() -> None:
    people = People.made(100, "all,each:10")
    rooms = Rooms(people, range(1, 90, 3))
    assert (rooms.of_mine(0), rooms.of_mine(1), rooms.of_mine(10)) == (30, 3, 0)
    assert (rooms.of_mine(0, 10), rooms.of_mine(0, 0)) == (3, 0)


@pytest.mark.parametrize("members", [range(100), range(7, 40), range(95, 130), range(40, 40), (3, 98, 99), ()])
@pytest.mark.parametrize("mine", [range(0, 100, 7), range(6, 100, 7), range(5, 5, 3), [1, 50, 99]])
def test_numbers_in_common_are_counted_without_a_look_at_each(mine: Sequence[int], members: Sequence[int]) -> None:
    assert in_common(mine, members) == len(set(mine) & set(members))


def test_no_more_people_talk_than_the_posts_take() -> None:
    everybody = range(3, 100_000, 53)
    assert as_many_as_talk(everybody, 1.0) == everybody[::47], "one post in forty seconds each"
    assert as_many_as_talk(everybody, 1_000.0) == everybody
    assert len(as_many_as_talk(everybody, 0.001)) >= 1


def drawn(everybody: int, count: int, processes: int, purpose: str = "storm") -> list[int]:
    options = Options(connections=everybody, seed=5)
    parts = (range(process, everybody, processes) for process in range(processes))
    found = [Company(None, None, mine, None, None, options).drawn(count, purpose) for mine in parts]  # type: ignore[arg-type]
    return sorted(number for part in found for number in part)


@pytest.mark.parametrize("processes", [1, 2, 3, 53])
@pytest.mark.parametrize(("everybody", "count"), [(1, 1), (80, 16), (997, 100), (10_000, 1), (10_000, 10_000)])
def test_processes_draw_as_many_as_are_to_be_drawn_whoever_has_whom(everybody: int, count: int, processes: int) -> None:
    assert len(drawn(everybody, count, processes)) == count
    assert drawn(everybody, count, processes) == drawn(everybody, count, 1)


def test_who_is_drawn_is_spread_over_rooms_and_another_one_for_another_purpose() -> None:
    storm = drawn(10_000, 2_000, 6)
    assert storm != drawn(10_000, 2_000, 6, "ignore")
    in_room = Counter(number // 10 for number in storm)
    assert len(in_room) == 1_000
    assert max(in_room.values()) <= 3


@pytest.mark.parametrize("characters", [1, 40, 600])
def test_what_is_said_is_as_long_as_it_should_be(characters: int) -> None:
    assert len(filling(characters)) == characters
