"""Names: what an actor is called on other nodes, and who is meant by it."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from actors import ActorSpec, DynamicSpec, SupervisorSpec, System, find_by_name, open_system
from actors.distribution.naming import name_of
from tests.actors.small_actors import Counter


@pytest.fixture
async def system() -> AsyncIterator[System]:
    tree = SupervisorSpec(
        "root",
        [
            ActorSpec("one", Counter, name="the one"),
            ActorSpec("other", Counter, name=("a", "tuple")),
            DynamicSpec("counters", Counter),
            DynamicSpec("known", Counter, named=True),
        ],
    )
    async with open_system(tree) as system:
        yield system


async def test_a_registered_name_is_one(system: System) -> None:
    one = system.whereis("the one")
    assert one is not None
    assert name_of(one) == "the one"
    assert find_by_name(system, "the one") is one


@pytest.mark.parametrize("dynamic", ["counters", "known"])
@pytest.mark.parametrize("key", ["apples", "with/slash", ""])
async def test_a_key_under_a_dynamic_supervisor_is_one(system: System, dynamic: str, key: str) -> None:
    child = system.dynamic(dynamic).start(key)
    assert name_of(child) == f"{dynamic}/{key}"
    assert find_by_name(system, f"{dynamic}/{key}") is child


async def test_what_is_no_text_is_none(system: System) -> None:
    other = system.whereis(("a", "tuple"))
    assert other is not None
    for nameless in (other, system.dynamic("counters").start(None), system.dynamic("counters").start(7)):
        with pytest.raises(TypeError, match="no name"):
            name_of(nameless)


async def test_a_name_that_is_too_long_is_none(system: System) -> None:
    with pytest.raises(TypeError, match="no name"):
        name_of(system.dynamic("counters").start("é" * 500))


@pytest.mark.parametrize("name", ["nobody", "counters/none", "unheard of/x", "/", ""])
async def test_nobody_is_called_so(system: System, name: str) -> None:
    assert find_by_name(system, name, start=True) is None
