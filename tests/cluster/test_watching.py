"""Who has asked how somebody looks hears it wherever they are, and that they have gone when their node has died."""

from __future__ import annotations

from typing import Any

import pytest

from actors import find_by_name
from server.protocol.account_commands import SubscribePresence
from server.rooms.messages import Passing
from server.sessions.choices import Choices
from server.sessions.messages import Watch
from server.sessions.watched import Watched
from server.sessions.watching import MAILBOX, WATCHING, Watching, WatchingEnvironment
from server.store.account_messages import ReadAcquainted
from server.store.choices import Choice
from server.store.questions import Done
from tests.cluster.two_nodes import Nodes, named
from tests.cluster.waiting import until

GRACE = 2.0
"""Seconds in which a busy machine has carried an answer."""


class Acquainted:
    """A reader of the store: everybody may know of everybody."""

    def tell(self, question: object, /) -> bool:
        assert isinstance(question, ReadAcquainted)
        return question.reply_to.answer(Done(question.ref, frozenset(question.people)))


class Place:
    """What the actor of one node has."""

    def __init__(self, nodes: Nodes, name: str) -> None:
        self.choices = Choices()
        distribution = nodes.distributions[name]
        environment = WatchingEnvironment(
            watched=Watched(), choices=self.choices, reader=Acquainted(), node=name, grace=GRACE,
            others=lambda: (distribution.address(node, WATCHING) for node in distribution.nodes),
        )  # fmt: skip
        self.children = [named(WATCHING, Watching, environment, mailbox=MAILBOX)]


def statuses(heard: list[object]) -> list[str]:
    events: list[Any] = [event for message in heard if isinstance(message, Passing) for event in message.events]
    assert {event.user for event in events} <= {"u_bob"}
    return [event.status for event in events]


async def test_somebody_on_another_node_is_told_of_until_that_is_lost(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("server.sessions.watching.BEAT_SECONDS", 0.02)
    nodes = Nodes()
    here, there = Place(nodes, "a"), Place(nodes, "b")
    async with nodes.living(a=here.children, b=there.children):
        ann = nodes.session("a", "u_ann")
        session = nodes.systems["a"].dynamic("sessions").find("u_ann")
        watching = find_by_name(nodes.systems["a"], WATCHING)
        assert session is not None
        assert watching is not None
        watching.tell(Watch(1, session, "u_ann", SubscribePresence(users=["u_bob", "u_nobody"])))
        nodes.session("b", "u_bob")
        await until(lambda: statuses(ann) == ["online"], "he is seen there")
        there.choices.put("u_bob", Choice(status="busy"))
        await until(lambda: statuses(ann)[1:] == ["busy"], "and how he looks")
        nodes.network.cut("a", "b")
        await until(lambda: statuses(ann)[2:] == ["offline"], "nobody says any more that he is there")
        nodes.session("a", "u_bob")
        await until(lambda: statuses(ann)[3:] == ["online"], "he has come to this node")
