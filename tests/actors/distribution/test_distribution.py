"""What is promised of actors on other nodes: told in order, asked, watched, and never left in silence."""

from __future__ import annotations

import trio

from actors import RemoteAddress, ask
from tests.actors.distribution.small_nodes import open_places
from tests.actors.small_actors import Add, Read, quiet


async def test_a_message_reaches_an_actor_on_another_node(autojump_clock: trio.testing.MockClock) -> None:
    async with open_places("a", "b") as (_, (a, b)):
        remote = a.there.address("b", "recorder")
        assert isinstance(remote, RemoteAddress)
        assert remote.tell("hello")
        await quiet()
        assert b.log == ["hello"]


async def test_a_question_is_answered_by_one_that_is_started_for_it(autojump_clock: trio.testing.MockClock) -> None:
    async with open_places("a", "b") as (_, (a, _b)):
        apples = a.there.address("b", "counters/apples")
        assert apples.tell(Add(5))
        assert await ask(apples, Read, 1.0) == 5
