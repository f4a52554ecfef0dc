"""Children beyond the size of one dictionary: found, refused, taken out and stopped like all others."""

from __future__ import annotations

import pytest

from actors import AlreadyStarted, DynamicSpec, SupervisorSpec, open_system
from actors.children import Children
from tests.actors.small_actors import Add, Counter, Diary, quiet

TREE = SupervisorSpec("root", [DynamicSpec("many", Counter)])


@pytest.fixture(autouse=True)
def small_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    """A dictionary is full with four."""
    monkeypatch.setattr("actors.children.PIECE", 4)
    monkeypatch.setattr("actors.dynamic.PIECE", 4)


async def test_every_child_is_found_however_many_came_after_it() -> None:
    async with open_system(TREE) as system:
        many = system.dynamic("many")
        started = [many.start(key) for key in range(19)]
        assert [many.find(key) for key in range(19)] == started
        assert sorted(child.path for child in many.children()) == sorted(child.path for child in started)
        assert len(many) == 19
        assert many.find(19) is None


async def test_a_key_in_an_older_dictionary_is_taken() -> None:
    async with open_system(TREE) as system:
        many = system.dynamic("many")
        first, *_ = [many.start(key) for key in range(9)]
        with pytest.raises(AlreadyStarted) as refusal:
            many.start(0)
        assert refusal.value.address is first
        assert many.find_or_start(0) is first


async def test_a_child_that_has_gone_leaves_its_key_to_another() -> None:
    async with open_system(TREE) as system:
        many = system.dynamic("many")
        for key in range(9):
            many.start(key)
        assert many.stop(0)
        await quiet()
        assert many.find(0) is None
        again = many.start(0, 7)
        assert again.tell(Add())
        assert many.find(0) is again
        assert len(many) == 9


async def test_children_that_come_and_go_need_no_more_dictionaries_than_those_that_stay() -> None:
    async with open_system(TREE) as system:
        many = system.dynamic("many")
        for key in range(100):
            many.start(key)
            many.stop(key - 4)
            await quiet()
        assert len(many) == 4
        assert len(many._children.older) <= 3


async def test_all_are_stopped_in_order_at_the_end() -> None:
    log: list[object] = []
    async with open_system(SupervisorSpec("root", [DynamicSpec("many", Diary)])) as system:
        for key in range(11):
            system.dynamic("many").start(key, log)
        await quiet()
        log.clear()
    assert len(log) == 11, "each has had its `stopped` hook run"


def test_the_last_of_none_is_an_error() -> None:
    with pytest.raises(KeyError):
        Children().pop_last()
