"""Who looks for rooms that deleted people have to leave, and when."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import partial

import trio
import trio.testing

from actors import Actor, DynamicSpec, Inbox, SupervisorSpec, TaskContext, TaskSpec, open_system
from server.accounts.departing import EVERY, Departing
from server.store.account_messages import ReadDepartures
from server.store.questions import Done


@dataclass
class Store:
    """Nothing is left to do. Notes when it was asked."""

    asked: list[float] = field(default_factory=list)

    async def serve(self, context: TaskContext, inbox: Inbox) -> None:
        context.started()
        while True:
            for question in await inbox.take(10):
                assert isinstance(question, ReadDepartures)
                self.asked.append(trio.current_time())
                question.reply_to.answer(Done(question.ref, ()))


@asynccontextmanager
async def departing_from(store: Store, *, unasked: bool) -> AsyncIterator[Departing]:
    inbox = Inbox(10)
    departing = Departing(inbox, inbox, 10.0)

    async def run(context: TaskContext) -> None:
        await departing.run(context, context.system.dynamic("rooms"), unasked=unasked)

    serve = TaskSpec("store", partial(store.serve, inbox=inbox))
    children = (serve, DynamicSpec("rooms", Actor), TaskSpec("departing", run))
    async with open_system(SupervisorSpec("test", children)):
        yield departing


async def test_who_owns_rooms_looks_at_the_start_and_now_and_then(autojump_clock: trio.testing.MockClock) -> None:
    store = Store()
    async with departing_from(store, unasked=True):
        await trio.sleep(2.5 * EVERY)
    assert store.asked == [0.0, EVERY, 2 * EVERY]


async def test_who_owns_none_looks_when_somebody_was_deleted_there(autojump_clock: trio.testing.MockClock) -> None:
    store = Store()
    async with departing_from(store, unasked=False) as departing:
        await trio.sleep(3.1 * EVERY)
        assert store.asked == []
        departing.ring()
        await trio.sleep(3 * EVERY)
    assert store.asked == [3.1 * EVERY]
