"""Who watches whom: the same as a set of pairs, whatever was changed before, and kept once where it is mutual."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from hypothesis import given
from hypothesis import strategies as st

from actors.far_address import FarAddress
from actors.few import MOST
from actors.ties import (
    OneWay,
    is_tied,
    tie,
    tie_far,
    untie,
    untie_far,
    watched_by,
    watchers_of,
)

if TYPE_CHECKING:
    from actors.address import Address
    from actors.ties import Ties


class Tied:
    """An address, as far as it is tied."""

    __slots__ = ("_ties",)

    def __init__(self) -> None:
        self._ties: Ties = None


def some(count: int) -> list[Address]:
    return [cast("Address", Tied()) for _ in range(count)]


PLACES = st.integers(0, MOST + 2)


@given(st.lists(st.tuples(st.booleans(), PLACES, PLACES), max_size=120))
def test_it_is_a_set_of_pairs(steps: list[tuple[bool, int, int]]) -> None:
    crowd = some(MOST + 3)
    pairs: set[tuple[int, int]] = set()
    for ties, watcher, target in steps:
        if not ties:
            untie(crowd[watcher], crowd[target])
            pairs.discard((watcher, target))
        elif (watcher, target) not in pairs:
            tie(crowd[watcher], crowd[target])
            pairs.add((watcher, target))
        for here, one in enumerate(crowd):
            assert {crowd.index(other) for other in watched_by(one)} == {b for a, b in pairs if a == here}
            assert {crowd.index(other) for other in watchers_of(one)} == {a for a, b in pairs if b == here}
            assert all(is_tied(one, other) is ((here, there) in pairs) for there, other in enumerate(crowd))


def test_two_that_watch_each_other_are_all_there_is_to_know() -> None:
    one, other = some(2)
    tie(one, other)
    tie(other, one)
    assert (one._ties, other._ties) == (other, one)


def test_one_way_is_kept_apart_only_as_long_as_it_is() -> None:
    hub, *others = some(MOST + 2)
    for other in others:
        tie(hub, other)
        tie(other, hub)
    assert list(cast("dict[Address, None]", hub._ties)) == others
    untie(others[0], hub)
    assert isinstance(hub._ties, OneWay)
    assert hub._ties.watched is others[0]
    untie(hub, others[0])
    assert list(cast("dict[Address, None]", hub._ties)) == others[1:]
    assert others[0]._ties is None


def test_who_watches_itself_can_let_go_of_it() -> None:
    (one,) = some(1)
    tie(one, one)
    assert (watchers_of(one), watched_by(one)) == ((one,), (one,))
    untie(one, one)
    assert one._ties is None


class Watcher(FarAddress):
    __slots__ = ()

    is_watcher = True


def test_of_what_is_far_only_the_end_here_is_kept() -> None:
    one, sibling = some(2)
    far, watcher = FarAddress.__new__(FarAddress), Watcher.__new__(Watcher)
    far._ties = watcher._ties = None
    tie(one, sibling)
    tie_far(one, far)
    assert (watchers_of(one), watched_by(one)) == ((), (far, sibling))
    tie_far(one, watcher)
    assert (watchers_of(one), watched_by(one)) == ((watcher,), (far, sibling))
    assert far._ties is watcher._ties is None
    for _ in range(2):
        untie_far(one, far)
        untie_far(one, watcher)
    assert (watchers_of(one), watched_by(one)) == ((), (sibling,))


def test_who_watches_back_and_somebody_far_has_one_set() -> None:
    one, other = some(2)
    far = FarAddress.__new__(FarAddress)
    tie(one, other)
    tie(other, one)
    tie_far(one, far)
    assert not isinstance(one._ties, OneWay)
    assert (watchers_of(one), watched_by(one)) == ((other,), (other, far))
    untie(other, one)
    assert (watchers_of(one), watched_by(one)) == ((), (far, other))
    untie_far(one, far)
    assert (watchers_of(one), watched_by(one)) == ((), (other,))
