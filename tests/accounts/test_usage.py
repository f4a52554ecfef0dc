"""Who was here is written down now and then, and at the end."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import trio
import trio.testing

from actors import Actor, DynamicSpec, Inbox, SupervisorSpec, System, TaskContext, TaskSpec, open_system
from server.accounts.usage import EVERY, GATHER_SECONDS, TokenUsage, run_usage
from server.store.user_messages import TouchTokens


class Open(Actor):
    __slots__ = ()

    def receive(self, message: object) -> None:
        pass


@asynccontextmanager
async def noting(writer: Inbox, usage: TokenUsage) -> AsyncIterator[System]:
    async def run(context: TaskContext) -> None:
        await run_usage(context, writer, context.system.dynamic("sessions"), usage, lambda: 7)

    tree = [DynamicSpec("sessions", Open), TaskSpec("usage", run)]
    async with open_system(SupervisorSpec("test", tree)) as system:
        yield system


def touched(writer: Inbox) -> list[str]:
    changes = writer.take_nowait(100)
    assert all(isinstance(change, TouchTokens) and change.at == 7 for change in changes)
    return [name for change in changes if isinstance(change, TouchTokens) for name in change.sessions]


async def test_open_sessions_are_noted_each_time_and_calls_once(autojump_clock: trio.testing.MockClock) -> None:
    writer, usage = Inbox(100), TokenUsage()
    async with noting(writer, usage) as system:
        system.dynamic("sessions").start("s_open")
        usage.note("s_curl")
        usage.note("s_curl")
        assert touched(writer) == []
        await trio.sleep(1.5 * EVERY)
        assert touched(writer) == ["s_curl", "s_open"]
        await trio.sleep(EVERY)
        assert touched(writer) == ["s_open"]


async def test_a_stop_writes_down_who_was_here() -> None:
    writer, usage = Inbox(100), TokenUsage()
    async with noting(writer, usage) as system:
        system.dynamic("sessions").start("s_open")
        usage.note("s_curl")
    assert touched(writer) == ["s_curl", "s_open"]


async def test_a_crowd_is_written_in_slices(autojump_clock: trio.testing.MockClock) -> None:
    writer, usage = Inbox(100), TokenUsage()
    async with noting(writer, usage):
        for number in range(1_234):
            usage.note(f"s_{number}")
        await trio.sleep(1.5 * EVERY)
        slices = writer.take_nowait(100)
    assert [len(part.sessions) for part in slices if isinstance(part, TouchTokens)] == [500, 500, 234]


async def test_a_crowd_that_is_cut_off_is_written_in_a_few_changes_over_some_time(
    autojump_clock: trio.testing.MockClock,
) -> None:
    """Beside it there is room in the writer's queue for what people say."""
    writer, usage = Inbox(20), TokenUsage()
    async with noting(writer, usage):
        for number in range(5_000):
            usage.says(f"s_{number}", 3 + number)
        await trio.sleep(1.5 * GATHER_SECONDS)
        first = writer.take_nowait(100)
        usage.says("s_0", 90_000)
        await trio.sleep(2 * GATHER_SECONDS)
        later = writer.take_nowait(100)
    written = [part for part in [*first, *later] if isinstance(part, TouchTokens)]
    assert [len(part.sessions) for part in written] == [500] * 10 + [1]
    assert (len(first), written[0].at, written[-1]) == (4, 502, TouchTokens(("s_0",), 90_000))
    assert [name for part in written[:-1] for name in part.sessions] == [f"s_{number}" for number in range(5_000)]


async def test_what_the_writer_does_not_take_is_written_later(autojump_clock: trio.testing.MockClock) -> None:
    writer, usage = Inbox(1), TokenUsage()
    async with noting(writer, usage):
        writer.tell("something else")
        usage.says("s_gone", 5)
        await trio.sleep(1.5 * GATHER_SECONDS)
        assert writer.take_nowait(1) == ["something else"]
        await trio.sleep(GATHER_SECONDS)
        assert writer.take_nowait(1) == [TouchTokens(("s_gone",), 5)]


async def test_who_said_so_is_written_at_a_stop_without_waiting() -> None:
    writer, usage = Inbox(100), TokenUsage()
    async with noting(writer, usage):
        usage.says("s_gone", 5)
    assert writer.take_nowait(100) == [TouchTokens(("s_gone",), 5)]
