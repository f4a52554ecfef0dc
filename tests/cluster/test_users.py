"""News for a user reach all sessions wherever they are."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import trio

from server.cluster.door import Door
from server.cluster.users import MAILBOX, MOST_AT_ONCE, USERS, Users, UsersEnvironment
from server.protocol.objects import User
from server.rooms.messages import Added, Chose, Named, News
from server.store.choices import Choice
from tests.cluster.two_nodes import Nodes, named
from tests.cluster.waiting import until


class Place:
    """What the users' actor of one node has."""

    def __init__(self, nodes: Nodes, name: str) -> None:
        self.door = Door()
        distribution = nodes.distributions[name]
        environment = UsersEnvironment(
            door=self.door,
            others=lambda: (distribution.address(node, USERS) for node in distribution.nodes),
        )
        self.children = [named(USERS, Users, environment, mailbox=MAILBOX)]


@pytest.fixture
def nodes() -> Nodes:
    return Nodes()


@pytest.fixture
def places(nodes: Nodes) -> tuple[Place, Place]:
    return Place(nodes, "a"), Place(nodes, "b")


def holds(heard: list[object], *messages: object) -> Callable[[], bool]:
    return lambda: heard == list(messages)


async def test_a_membership_that_begins_here_is_told_there(nodes: Nodes, places: tuple[Place, Place]) -> None:
    here, there = places
    async with nodes.living(a=here.children, b=there.children):
        ann, bob = nodes.session("b", "u_ann"), nodes.session("b", "u_bob")
        own = nodes.session("a", "u_ann")
        assert here.door.tell(News("u_ann", Added("r_1", 7)))
        await until(holds(ann, Added("r_1", 7)), "ann's other device hears of it")
        assert not bob
        assert not own, "whoever has the news tells the sessions of its own node itself"


async def test_a_new_display_name_reaches_the_sessions_of_its_owner_there(
    nodes: Nodes, places: tuple[Place, Place]
) -> None:
    here, there = places
    async with nodes.living(a=here.children, b=there.children):
        ann, bob, own = nodes.session("b", "u_ann"), nodes.session("b", "u_bob"), nodes.session("a", "u_ann")
        renamed = Named(User(user="u_ann", name="ann", display_name="Ann B."))
        assert here.door.tell(renamed)
        await until(holds(ann, renamed), "ann's other device hears of it")
        assert not bob
        assert not own, "whoever has the news tells the sessions of its own node itself"


async def test_a_crowd_that_joins_is_told_in_few_messages(nodes: Nodes, places: tuple[Place, Place]) -> None:
    here, there = places
    async with nodes.living(a=here.children, b=there.children):
        ann = nodes.session("b", "u_ann")
        for number in range(3 * MOST_AT_ONCE):
            here.door.tell(News("u_ann", Added(f"r_{number}", 1)))
        before = nodes.network.carried
        await until(lambda: len(ann) == 3 * MOST_AT_ONCE, "all of it")
        assert nodes.network.carried - before < 10


async def test_nothing_is_taken_before_the_actor_lives() -> None:
    assert not Door().tell(News("u_ann", Added("r_1", 7)))
    await trio.lowlevel.checkpoint()


async def test_what_somebody_has_chosen_here_is_kept_to_there(nodes: Nodes, places: tuple[Place, Place]) -> None:
    here, there = places
    async with nodes.living(a=here.children, b=there.children):
        heard = nodes.session("b", "u_ann")
        chose = Chose("u_ann", Choice(hides_receipts=True))
        assert here.door.tell(chose)
        await until(holds(heard, chose), "ann's other device hears of it")
