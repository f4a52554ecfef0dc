"""A set that is nothing while it is empty: the same as a dictionary, whatever its size, and no slower to change."""

from __future__ import annotations

import sys
from collections.abc import Hashable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actors.few import MOST, Few, Several, added, contains, each, removed, replaced

MEMBERS: list[Hashable] = [None, "a", ("user", "alice"), (), 0, 1, *range(2, 2 * MOST)]


class Compared:
    """Counts how often it is compared or hashed."""

    __slots__ = ()
    times = 0

    def __eq__(self, other: object) -> bool:
        Compared.times += 1
        return self is other

    def __hash__(self) -> int:
        Compared.times += 1
        return id(self) >> 4


@given(st.lists(st.tuples(st.booleans(), st.sampled_from(MEMBERS))))
def test_it_is_a_set_in_the_order_of_adding(steps: list[tuple[bool, Hashable]]) -> None:
    few: Few[Hashable] = None
    model: dict[Hashable, None] = {}
    for adds, member in steps:
        if adds:
            few = added(few, member)
            model[member] = None
        else:
            few = removed(few, member)
            model.pop(member, None)
        assert each(few) == tuple(model)
        assert all(contains(few, member) == (member in model) for member in MEMBERS)
        assert (few is None) == (not model)


def test_one_member_is_all_there_is() -> None:
    only = Compared()
    few = added(None, only)
    assert few is only
    assert removed(few, only) is None


def test_the_other_is_left_when_the_first_goes() -> None:
    first, second = Compared(), Compared()
    assert removed(added(added(None, first), second), first) is second


def test_one_that_shrinks_from_a_dictionary_is_its_only_member_again() -> None:
    few: Few[str] = None
    for number in range(3 * MOST):
        few = added(few, str(number))
    for number in range(3 * MOST - 1):
        few = removed(few, str(number))
    assert few == str(3 * MOST - 1)


def test_a_few_are_smaller_than_a_dictionary_of_one() -> None:
    few: Few[int] = None
    for number in range(MOST):
        few = added(few, number)
        if number == 1:
            assert sys.getsizeof(few) < sys.getsizeof((0, 1)), "two of them are fewest"
    assert type(few) is Several
    assert sys.getsizeof(few) < sys.getsizeof({0: None})


def test_going_through_the_members_is_not_disturbed_by_changes() -> None:
    few: Few[int] = None
    for number in range(2 * MOST):
        few = added(few, number)
    for number in each(few):
        few = removed(few, number)
    assert few is None


@pytest.mark.parametrize("from_the_front", [True, False])
def test_each_of_a_hundred_thousand_is_added_and_removed_in_the_same_few_steps(from_the_front: bool) -> None:
    members = [Compared() for _ in range(100_000)]
    Compared.times = 0
    few: Few[Compared] = None
    for count, member in enumerate(members, 1):
        few = added(few, member)
        assert Compared.times < 4 * count + MOST * MOST
    many = few
    for member in members[:-1] if from_the_front else members[:0:-1]:
        assert few is many  # nothing is copied
        few = removed(few, member)
        assert Compared.times < 8 * len(members)
    assert few is members[-1 if from_the_front else 0]


@pytest.mark.parametrize("size", [1, 2, 3, MOST, MOST + 1])
def test_one_takes_the_place_of_another(size: int) -> None:
    few: Few[str] = None
    members = [f"m{number}" for number in range(size)]
    for member in members:
        few = added(few, member)
    few = replaced(few, members[0], "by")
    assert sorted(each(few)) == sorted(["by", *members[1:]])
    assert contains(few, "by")
    assert not contains(few, members[0])
