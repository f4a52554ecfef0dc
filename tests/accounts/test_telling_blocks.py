"""Blocks that were made elsewhere: the sweep tells open conversations of them, and goes on when the store does not."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial

import trio
import trio.testing

from actors import Actor, DynamicSpec, Inbox, SupervisorSpec, System, TaskContext, TaskSpec, open_system
from server.accounts.blocking import run_blocks_sweep
from server.accounts.looks import EVERY, LAGS
from server.protocol.errors import unavailable
from server.store.account_messages import BlockChange, BlockChanges, ReadBlocks
from server.store.lately import Span
from server.store.questions import Done, Failed


class Conversation(Actor):
    """A room that notes what it is told."""

    __slots__ = ("_heard",)

    def __init__(self, heard: list[object]) -> None:
        self._heard = heard

    def receive(self, message: object) -> None:
        self._heard.append(message)


class Store:
    """What has changed, whatever it is asked for."""

    def __init__(self) -> None:
        self.changes: tuple[BlockChange, ...] = ()
        self.asked: list[tuple[Span, ...]] = []
        self.is_down = False

    async def serve(self, context: TaskContext, inbox: Inbox) -> None:
        context.started()
        while True:
            for question in await inbox.take(10):
                assert isinstance(question, ReadBlocks)
                self.asked.append(question.spans)
                found = BlockChanges(self.changes, ())
                answer = Failed(question.ref, unavailable()) if self.is_down else Done(question.ref, found)
                question.reply_to.answer(answer)


def now() -> int:
    return round(trio.current_time() * 1000)


@asynccontextmanager
async def sweeping(store: Store) -> AsyncIterator[System]:
    inbox = Inbox(10)

    async def sweep(context: TaskContext) -> None:
        await run_blocks_sweep(context, inbox, context.system.dynamic("rooms"), now)

    tree = [
        TaskSpec("store", partial(store.serve, inbox=inbox)),
        DynamicSpec("rooms", Conversation),
        TaskSpec("sweep", sweep),
    ]
    async with open_system(SupervisorSpec("test", tree)) as system:
        yield system


async def test_open_conversations_are_told_and_no_others(autojump_clock: trio.testing.MockClock) -> None:
    store, heard = Store(), list[object]()
    mine, elsewhere, none = (BlockChange("u_ann", on=True, room=room) for room in ("r_1", "r_2", None))
    store.changes = elsewhere, none, mine
    async with sweeping(store) as system:
        system.dynamic("rooms").start("r_1", heard)
        await trio.sleep(1.5 * EVERY)
        assert heard == [mine]


async def test_nothing_is_asked_while_no_room_is_open(autojump_clock: trio.testing.MockClock) -> None:
    store = Store()
    async with sweeping(store) as system:
        await trio.sleep(10.5 * EVERY)
        assert store.asked == []
        system.dynamic("rooms").start("r_1", [])
        opened = now()
        await trio.sleep(EVERY)
    assert min(span.since for span in store.asked[0]) <= opened - LAGS[-1]


async def test_what_the_store_did_not_answer_is_asked_again(autojump_clock: trio.testing.MockClock) -> None:
    store = Store()
    store.is_down = True
    async with sweeping(store) as system:
        system.dynamic("rooms").start("r_1", [])
        await trio.sleep(2.5 * EVERY)
        store.is_down = False
        await trio.sleep(2 * EVERY)
    first, *rest = store.asked
    assert rest[0] == first
    assert rest[-1][0].since >= first[0].upto
