"""News for a user reach all sessions wherever they are; what is lost on the way is found in the database."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import trio

from server.cluster.door import Door
from server.cluster.users import BEFORE_START_MS, MAILBOX, MOST_AT_ONCE, USERS, Users, UsersEnvironment
from server.protocol.errors import unavailable
from server.protocol.objects import User
from server.rooms.messages import Added, Chose, Named, News
from server.store.choices import Choice
from server.store.questions import Done, Failed
from server.store.room_messages import Membership, Memberships, ReadMemberships
from tests.cluster.two_nodes import Nodes, named
from tests.cluster.waiting import until


class Database:
    """Memberships that began lately, as the reader would tell."""

    def __init__(self) -> None:
        self.begun: list[Membership] = []
        self.asked: list[int] = []
        self.takes = self.answers = True

    def tell(self, question: object, /) -> bool:
        assert isinstance(question, ReadMemberships)
        self.asked.append(question.since)
        if not self.takes:
            return False
        answer = Done(question.ref, Memberships(tuple(self.begun), question.since + 1))
        return question.reply_to.answer(answer if self.answers else Failed(question.ref, unavailable()))


class Place:
    """What the users' actor of one node has."""

    def __init__(self, nodes: Nodes, name: str) -> None:
        self.door = Door()
        self.database = Database()
        self.somebody = True
        distribution = nodes.distributions[name]
        environment = UsersEnvironment(
            door=self.door,
            reader=self.database,
            others=lambda: (distribution.address(node, USERS) for node in distribution.nodes),
            anybody=lambda system: self.somebody,
            now=lambda: 100_000,
        )
        self.children = [named(USERS, Users, environment, mailbox=MAILBOX)]


@pytest.fixture
def nodes() -> Nodes:
    return Nodes()


@pytest.fixture
def places(nodes: Nodes, monkeypatch: pytest.MonkeyPatch) -> tuple[Place, Place]:
    monkeypatch.setattr("server.cluster.users.LOOK_SECONDS", 0.02)
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


async def test_what_was_lost_on_the_way_is_found_by_a_look_and_told_once(
    nodes: Nodes, places: tuple[Place, Place]
) -> None:
    here, there = places
    async with nodes.living(a=here.children, b=there.children):
        nodes.network.cut("a", "b")
        ann = nodes.session("b", "u_ann")
        here.door.tell(News("u_ann", Added("r_1", 7)))
        there.database.begun = [Membership("u_ann", "r_1", 5, 7), Membership("u_bob", "r_1", 5, 8)]
        await until(holds(ann, Added("r_1", 7)), "the look finds it")
        looks = len(there.database.asked)
        there.database.begun = [Membership("u_ann", "r_1", 5, 9)]
        await until(lambda: len(there.database.asked) > looks + 2, "it looks on")
        assert ann == [Added("r_1", 7)], "also when she has read on meanwhile"
        there.database.begun = [Membership("u_ann", "r_1", 6, 12)]
        await until(holds(ann, Added("r_1", 7), Added("r_1", 12)), "she left, and was invited again")


async def test_the_database_is_left_alone_while_nobody_is_here_and_nothing_is_missed_by_it(
    nodes: Nodes, places: tuple[Place, Place]
) -> None:
    _, there = places
    there.somebody = False
    async with nodes.living(a=[], b=there.children):
        await trio.sleep(0.1)  # five looks would have come
        assert there.database.asked == []
        there.somebody = True
        await until(lambda: len(there.database.asked) > 0, "it looks, as somebody is here")
        assert there.database.asked[0] == 100_000 - BEFORE_START_MS


async def test_who_comes_later_is_told_by_the_next_look(nodes: Nodes, places: tuple[Place, Place]) -> None:
    """Its session may have read its rooms just before the membership was committed."""
    _, there = places
    there.database.begun = [Membership("u_ann", "r_1", 5, 7)]
    async with nodes.living(a=[], b=there.children):
        await until(lambda: len(there.database.asked) > 2, "some looks for nobody")
        ann = nodes.session("b", "u_ann")
        await until(holds(ann, Added("r_1", 7)), "the next look tells her")


async def test_each_look_goes_on_where_the_answer_says(nodes: Nodes, places: tuple[Place, Place]) -> None:
    _, there = places
    async with nodes.living(a=[], b=there.children):
        await until(lambda: len(there.database.asked) >= 3, "some looks")
        assert there.database.asked[:3] == [40_000, 40_001, 40_002]


@pytest.mark.parametrize("weakness", ["takes", "answers"])
async def test_a_database_that_does_not_answer_is_asked_again_for_the_same(
    nodes: Nodes, places: tuple[Place, Place], weakness: str
) -> None:
    _, there = places
    setattr(there.database, weakness, False)
    async with nodes.living(a=[], b=there.children):
        await until(lambda: len(there.database.asked) >= 3, "some tries")
        assert set(there.database.asked) == {40_000}
        setattr(there.database, weakness, True)
        await until(lambda: 40_001 in there.database.asked, "it goes on")


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
