"""Whatever others commit, and however late, a look finds it, and not again and again."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from functools import partial
from random import Random

import pytest
import trio
import trio.testing
from msgspec import Struct

from actors import Actor, DynamicSpec, Inbox, SupervisorSpec, System, TaskContext, TaskSpec, open_system
from server.accounts.looks import EVERY, LAGS, spans
from server.accounts.memberships import run_memberships_sweep
from server.protocol.errors import unavailable
from server.rooms.messages import Added
from server.store.lately import Span
from server.store.questions import Done, Failed
from server.store.room_messages import Membership, Memberships, ReadMemberships

LATEST = 30_000
"""ms between the time of a change and its commit."""


def now() -> int:
    return round(trio.current_time() * 1000)


class Commit(Struct, frozen=True):
    """A membership from `at`, which can be seen from `seen` on."""

    user: str
    room: str
    at: int
    seen: int


class Database:
    """What is committed by the time it is asked. A part of an answer has `most` rows of a span."""

    def __init__(self, most: int = 10) -> None:
        self.commits: list[Commit] = []
        self.most = most
        self.down = False
        self.asked: list[tuple[Span, ...]] = []
        self.longest = 0

    async def serve(self, context: TaskContext, inbox: Inbox) -> None:
        context.started()
        while True:
            for question in await inbox.take(10):
                assert isinstance(question, ReadMemberships)
                self.asked.append(question.spans)
                answer = Failed(question.ref, unavailable()) if self.down else Done(question.ref, self._found(question))
                question.reply_to.answer(answer)

    def _found(self, question: ReadMemberships) -> Memberships:
        found, left = list[Membership](), list[Span]()
        for span in question.spans:
            rows = self._within(span)
            found += [Membership(row.user, row.room, 1) for row in rows[: self.most]]
            if len(rows) >= self.most:
                last = rows[self.most - 1]
                left.append(Span(last.at, span.upto, (last.room, last.user)))
        self.longest = max(self.longest, len(found))
        return Memberships(tuple(found), tuple(left))

    def _within(self, span: Span) -> list[Commit]:
        begin = (span.since, *span.key) if span.key else (span.since + 1, "", "")
        rows = [row for row in self.commits if row.seen <= now() and (row.at, row.room, row.user) > begin]
        return sorted((row for row in rows if row.at <= span.upto), key=lambda row: (row.at, row.room, row.user))


class Session(Actor):
    """Of a user, who notes what is told."""

    __slots__ = ("_heard", "_user")

    def __init__(self, user: str, heard: list[str]) -> None:
        self._user = user
        self._heard = heard

    def started(self) -> None:
        self.system.join(self._user, self.address)

    def receive(self, message: object) -> None:
        assert isinstance(message, Added)
        self._heard.append(message.room)


@asynccontextmanager
async def looking(database: Database) -> AsyncIterator[System]:
    inbox = Inbox(10)

    async def sweep(context: TaskContext) -> None:
        await run_memberships_sweep(context, inbox, context.system.dynamic("sessions"), now)

    tree: Sequence[TaskSpec | DynamicSpec] = [
        TaskSpec("database", partial(database.serve, inbox=inbox)),
        DynamicSpec("sessions", Session),
        TaskSpec("sweep", sweep),
    ]
    async with open_system(SupervisorSpec("test", tree)) as system:
        yield system


def come(system: System, user: str) -> list[str]:
    heard: list[str] = []
    system.dynamic("sessions").start(user, user, heard)
    return heard


def test_spans_lie_end_to_end_from_look_to_look() -> None:
    first, second = spans(1_000_000, 1_002_000), spans(1_002_000, 1_004_500)
    assert [span.upto for span in first] == [span.since for span in second]
    assert [1_004_500 - span.upto for span in second] == list(LAGS)


async def test_nothing_is_missed_however_late_it_is_committed_and_nothing_is_told_more_often_than_looked_at(
    autojump_clock: trio.testing.MockClock,
) -> None:
    random, database = Random(7), Database()
    async with looking(database) as system:
        heard = come(system, "u_ann")
        for number in range(300):
            late = random.choice((0, 5, 1_500, random.randrange(LATEST)))
            database.commits.append(Commit("u_ann", f"r_{number}", now() - random.randrange(late + 1), now()))
            await trio.sleep(random.random() / 4)
        await trio.sleep(LATEST / 1000 + 2 * EVERY)
    told = [heard.count(f"r_{number}") for number in range(300)]
    assert min(told) >= 1
    assert max(told) <= len(LAGS)


@pytest.mark.parametrize("late", [0, 1, LAGS[1] - 1, LATEST])
async def test_what_is_committed_late_is_told_and_what_is_in_time_at_once(
    autojump_clock: trio.testing.MockClock, late: int
) -> None:
    database = Database()
    async with looking(database) as system:
        heard = come(system, "u_ann")
        await trio.sleep(LATEST / 1000)
        database.commits.append(Commit("u_ann", "r_1", now() - late, now()))
        await trio.sleep(1.1 * EVERY + (0 if late < 2 else late / 1000))
        assert heard
        await trio.sleep(LATEST / 1000)
        so_far = len(heard)
        await trio.sleep(LATEST / 1000)
    assert len(heard) == so_far, "and not again"


async def test_of_a_crowd_everybody_hears_in_one_look_of_short_answers(
    autojump_clock: trio.testing.MockClock,
) -> None:
    database = Database(most=7)
    async with looking(database) as system:
        heard = {user: come(system, user) for user in ("u_1", "u_500", "u_999")}
        await trio.sleep(10.5 * EVERY)
        database.commits = [Commit(f"u_{number}", "r_1", now(), now()) for number in range(1_000)]
        await trio.sleep(1.1 * EVERY)
        assert list(heard.values()) == [["r_1"]] * 3
    assert database.longest <= 7


async def test_what_was_committed_long_before_the_first_is_here_is_not_read(
    autojump_clock: trio.testing.MockClock,
) -> None:
    database = Database()
    async with looking(database) as system:
        await trio.sleep(100 * EVERY)
        assert not database.asked
        come(system, "u_ann")
        came = now()
        await trio.sleep(1.1 * EVERY)
    earliest = min(span.since for span in database.asked[0])
    assert came - LATEST - 2 * EVERY * 1_000 <= earliest <= came - LATEST


async def test_what_began_while_the_first_was_coming_is_found(autojump_clock: trio.testing.MockClock) -> None:
    """Its rooms were read, then it began, then it was seen here."""
    database = Database()
    async with looking(database) as system:
        await trio.sleep(100 * EVERY)
        database.commits.append(Commit("u_ann", "r_1", now(), now()))
        await trio.sleep(5 * EVERY)
        heard = come(system, "u_ann")
        await trio.sleep(LATEST / 1000)
    assert heard == ["r_1"]


async def test_a_database_that_does_not_answer_is_asked_for_the_same_and_then_for_what_came_meanwhile(
    autojump_clock: trio.testing.MockClock,
) -> None:
    database = Database()
    async with looking(database) as system:
        heard = come(system, "u_ann")
        database.down = True
        database.commits.append(Commit("u_ann", "r_1", now() + 1, now() + 1))
        await trio.sleep(100 * EVERY)
        assert len(set(database.asked)) == 1
        assert len(database.asked) <= 100, "not without a pause"
        database.commits.append(Commit("u_ann", "r_2", now(), now()))
        database.down = False
        await trio.sleep(2.1 * EVERY)
    assert {"r_1", "r_2"} <= set(heard)
