"""Who is in which room, computed from both ends."""

from __future__ import annotations

import time
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loadtest.plans import ZIPF_ROOMS_AT_MOST, BadPlan, Plan, zipf_sizes


@st.composite
def plans(draw: st.DrawFn) -> Plan:
    people = draw(st.integers(1, 60))
    size = st.integers(1, people)
    each = st.builds("each:{}".format, size)
    rooms = st.builds("rooms:{}x{}".format, st.integers(1, 40), size)
    parts = draw(st.lists(st.just("all") | each | rooms, min_size=1, max_size=3, unique=True))
    return Plan(",".join(parts), people)


@st.composite
def zipf_plans(draw: st.DrawFn) -> Plan:
    people, exponent = draw(st.integers(1, 60)), draw(st.floats(0, 4))
    rooms = draw(st.integers(1, people))
    average = draw(st.integers(1, rooms))
    return Plan(f"all,zipf:{rooms}:{exponent:.3f}:{average}", people)


@given(plans() | zipf_plans())
def test_people_and_rooms_agree_about_who_is_where(plan: Plan) -> None:
    by_room = {(person, room) for room in range(plan.rooms) for person in plan.members_of(room)}
    by_person = {(person, room) for person in range(plan.people) for room in plan.rooms_of(person)}
    assert by_room == by_person


@given(plans() | zipf_plans())
def test_nobody_is_in_a_room_twice_and_all_are_counted(plan: Plan) -> None:
    for room in range(plan.rooms):
        members = list(plan.members_of(room))
        assert members == sorted(set(members))
        assert len(members) == plan.size_of(room) >= 1
    assert max(len(plan.rooms_of(person)) for person in range(plan.people)) <= plan.most_rooms


@given(plans() | zipf_plans())
def test_the_first_room_of_anybody_is_the_largest_but_for_one(plan: Plan) -> None:
    for person in range(plan.people):
        rooms = plan.rooms_of(person)
        assert list(rooms) == sorted(rooms)
        if rooms:
            assert plan.size_of(rooms[0]) + 1 >= max(map(plan.size_of, rooms))


@given(st.integers(1, 300), st.data())
def test_everybody_is_in_exactly_one_room_of_each(people: int, data: st.DataObject) -> None:
    size = data.draw(st.integers(1, people))
    plan = Plan(f"each:{size}", people)
    assert Counter(person for room in range(plan.rooms) for person in plan.members_of(room)) == Counter(range(people))
    sizes = {plan.size_of(room) for room in range(plan.rooms)}
    assert max(sizes) <= size
    assert max(sizes) - min(sizes) <= 1


def test_the_room_of_all_comes_before_the_small_ones() -> None:
    plan = Plan("each:10,all", 1_000)
    assert plan.members_of(0) == range(1_000)
    assert plan.members_of(1) == range(10)
    assert plan.rooms_of(999) == (0, 100)


def test_fewer_people_than_a_room_has_are_in_one() -> None:
    plan = Plan("all,each:10", 3)
    assert [list(plan.members_of(room)) for room in range(plan.rooms)] == [[0, 1, 2], [0, 1, 2]]


def test_rooms_go_around_the_circle_until_there_are_enough() -> None:
    plan = Plan("rooms:3x4", 5)
    assert [list(plan.members_of(room)) for room in range(3)] == [[0, 1, 2, 3], [0, 1, 2, 4], [0, 1, 3, 4]]


def test_more_rooms_than_people_leave_nobody_out_and_fewer_do() -> None:
    assert Plan("rooms:2x2", 10).rooms_of(9) == ()
    assert Plan("rooms:10x2", 4).most_rooms == 5


def test_millions_cost_nothing() -> None:
    began = time.process_time()
    plan = Plan("all,each:10", 2_300_000)
    assert plan.rooms == 230_001
    assert plan.members_of(0) == range(2_300_000)
    assert plan.members_of(230_000) == range(2_299_990, 2_300_000)
    assert plan.rooms_of(2_299_999) == (0, 230_000)
    assert time.process_time() - began < 0.1  # of the processor, in which a table of them could not be filled


def test_zipf_halves_thirds_and_quarters() -> None:
    sizes = zipf_sizes(100, exponent=1.0, places=5_000, largest=1_000)
    assert sizes[:4] == [964, 482, 321, 241]


@pytest.mark.parametrize("exponent", [0.0, 0.7, 1.0, 2.0, 4.0])
@pytest.mark.parametrize(("rooms", "average"), [(1, 1), (40, 5), (1_000, 40), (3_000, 4)])
def test_zipf_fills_as_many_places_as_were_asked_for(rooms: int, average: int, exponent: float) -> None:
    people = 1_000
    sizes = zipf_sizes(rooms, exponent, average * people, people)
    assert sizes == sorted(sizes, reverse=True)
    assert 1 <= sizes[-1] <= sizes[0] <= people
    assert abs(sum(sizes) - average * people) <= max(average, rooms / 2)


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("", "`` is no part"),
        ("everybody", "`everybody` is no part"),
        ("all,", "`` is no part"),
        ("all, each:2", "` each:2` is no part"),
        ("each:0", "lets nobody in"),
        ("rooms:2x0", "1 to 50"),
        ("each:-1", "no part"),
        ("each:٣", "no part"),
        ("each:9999999999", "no part"),
        ("rooms:0x3", "makes no room"),
        ("rooms:3x51", "1 to 50"),
        ("rooms:3", "no part"),
        ("all,all", "twice"),
        ("rooms:999999999x2", "more than 10,000,000"),
        ("rooms:30000x1", "into 600 rooms each, more than 500"),
        (f"zipf:{ZIPF_ROOMS_AT_MOST + 1}", "1 to 100,000 rooms"),
        ("zipf:0", "1 to 100,000 rooms"),
        ("zipf:10:5", "0 to 4"),
        ("zipf:10:1:11", "cannot fill 10 rooms"),
        ("zipf:60:1:1", "cannot fill 60 rooms"),
        ("zipf:10,each:5", "stands alone"),
        ("zipf:10,zipf:11", "stands alone"),
    ],
)
def test_a_bad_plan_is_refused_in_one_line(text: str, complaint: str) -> None:
    with pytest.raises(BadPlan) as refused:
        Plan(text, 50)
    assert complaint in str(refused.value)
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize("people", [0, -1, 10_000_001])
def test_there_is_somebody_and_not_everybody(people: int) -> None:
    with pytest.raises(BadPlan, match="1 to 10,000,000 people"):
        Plan("all", people)
