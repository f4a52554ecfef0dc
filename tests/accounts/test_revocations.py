"""Tokens that ended elsewhere: the sweep finds them, and finds none twice too late."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial

import trio
import trio.testing

from actors import Actor, DynamicSpec, Inbox, SupervisorSpec, System, TaskContext, TaskSpec, open_system
from server.accounts.looks import EVERY, LAGS
from server.accounts.revocations import run_revocation_sweep, tell_revoked
from server.protocol.errors import unavailable
from server.sessions.messages import Revoked
from server.store.lately import Span
from server.store.questions import Done, Failed
from server.store.user_messages import EndedLately, ReadRevocations

LONGEST = LAGS[-1] / 1_000


class Listening(Actor):
    """A session that notes what it is told."""

    __slots__ = ("_heard",)

    def __init__(self, heard: list[object]) -> None:
        self._heard = heard

    def receive(self, message: object) -> None:
        self._heard.append(message)


class Store:
    """Revocations by the time they became visible; out of order while `down`."""

    def __init__(self) -> None:
        self.ended: dict[str, int] = {}
        self.down = False
        self.asked: list[tuple[Span, ...]] = []

    async def serve(self, context: TaskContext, inbox: Inbox) -> None:
        context.started()
        while True:
            for question in await inbox.take(10):
                assert isinstance(question, ReadRevocations)
                self.asked.append(question.spans)
                question.reply_to.answer(self._answer(question))

    def _answer(self, question: ReadRevocations) -> Done | Failed:
        if self.down:
            return Failed(question.ref, unavailable())
        found = [name for span in question.spans for name, at in self.ended.items() if span.since < at <= span.upto]
        return Done(question.ref, EndedLately(tuple(found), ()))


def now() -> int:
    return round(trio.current_time() * 1000)


@asynccontextmanager
async def sweeping(store: Store) -> AsyncIterator[System]:
    inbox = Inbox(10)

    async def sweep(context: TaskContext) -> None:
        await run_revocation_sweep(context, inbox, context.system.dynamic("sessions"), now)

    tree = [
        TaskSpec("store", partial(store.serve, inbox=inbox)),
        DynamicSpec("sessions", Listening),
        TaskSpec("sweep", sweep),
    ]
    async with open_system(SupervisorSpec("test", tree)) as system:
        yield system


async def test_a_token_that_ended_elsewhere_closes_its_session(autojump_clock: trio.testing.MockClock) -> None:
    store, ann, bob = Store(), list[object](), list[object]()
    async with sweeping(store) as system:
        system.dynamic("sessions").start("s_ann", ann)
        system.dynamic("sessions").start("s_bob", bob)
        await trio.sleep(10 * EVERY)
        store.ended = {"s_ann": now(), "s_never_here": now()}
        await trio.sleep(1.1 * EVERY)
    assert isinstance(ann[0], Revoked)
    assert bob == []


async def test_a_commit_that_became_visible_late_is_found(autojump_clock: trio.testing.MockClock) -> None:
    store, heard = Store(), list[object]()
    async with sweeping(store) as system:
        system.dynamic("sessions").start("s_ann", heard)
        await trio.sleep(LONGEST)
        store.ended = {"s_ann": now() - LAGS[-1] // 2}
        await trio.sleep(LONGEST / 2 + 1.1 * EVERY)
    assert heard


async def test_what_ended_while_the_store_did_not_answer_is_found_afterwards(
    autojump_clock: trio.testing.MockClock,
) -> None:
    store, heard = Store(), list[object]()
    async with sweeping(store) as system:
        system.dynamic("sessions").start("s_ann", heard)
        store.down = True
        store.ended = {"s_ann": now()}
        await trio.sleep(10 * LONGEST)
        assert heard == []
        store.down = False
        await trio.sleep(2.1 * EVERY)
    assert heard


async def test_the_store_is_left_alone_while_nobody_is_here_and_nothing_is_missed_by_it(
    autojump_clock: trio.testing.MockClock,
) -> None:
    store, heard = Store(), list[object]()
    async with sweeping(store) as system:
        await trio.sleep(100 * EVERY)
        assert store.asked == []
        ended_at = now()  # between the session's look at its token and its start
        store.ended = {"s_ann": ended_at}
        system.dynamic("sessions").start("s_ann", heard)
        await trio.sleep(1.1 * EVERY)
        assert min(span.since for span in store.asked[0]) < ended_at
    assert heard


async def test_a_session_is_told_ahead_of_what_waits_in_its_mailbox() -> None:
    heard: list[object] = []
    async with open_system(SupervisorSpec("test", [DynamicSpec("sessions", Listening)])) as system:
        sessions = system.dynamic("sessions")
        address = sessions.start("s_ann", heard)
        address.tell("post")
        tell_revoked(sessions, ("s_ann",))
        await trio.testing.wait_all_tasks_blocked()
    assert heard == [Revoked(), "post"]
