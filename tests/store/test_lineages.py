from __future__ import annotations

from itertools import count

from server.store.fencing import Fence
from server.store.lineages import Lineages


def test_an_append_is_admitted_by_the_live_lineage_only() -> None:
    lineages = Lineages(count(1))
    first = lineages.begin("r")
    assert lineages.admit("r", first, base=7) == 7
    second = lineages.begin("r")
    assert lineages.admit("r", first, base=7) is None
    assert lineages.admit("r", second, base=9) == 9
    assert lineages.admit("other", second, base=0) is None


def test_the_base_counts_once_then_the_log_itself_does() -> None:
    lineages = Lineages(count(1))
    lineage = lineages.begin("r")
    lineages.admit("r", lineage, base=7)
    lineages.move("r", 9)
    assert lineages.admit("r", lineage, base=7) == 9


def test_after_the_end_nothing_is_admitted() -> None:
    lineages = Lineages(count(1))
    lineage = lineages.begin("r")
    lineages.end("r")
    assert lineages.admit("r", lineage, base=0) is None
    assert len(lineages) == 0


def test_a_late_release_does_not_touch_the_next_incarnation() -> None:
    lineages = Lineages(count(1))
    first, second = lineages.begin("r"), lineages.begin("r")
    lineages.release("r", first)
    assert lineages.is_live("r", second)
    lineages.release("r", second)
    assert len(lineages) == 0


def test_numbers_are_never_given_twice_over_restarts_of_the_writer() -> None:
    numbers = count(1)
    assert Lineages(numbers).begin("r") != Lineages(numbers).begin("r")


def test_a_lineage_has_the_fence_it_was_begun_with_and_the_next_one_its_own() -> None:
    lineages = Lineages(count(1))
    lineages.begin("r", Fence(5, 1))
    assert lineages.fence_of("r") == Fence(5, 1)
    lineages.begin("r", Fence(5, 3))
    assert lineages.fence_of("r") == Fence(5, 3)
