"""Who was here is written down now and then, and at the end."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import trio
import trio.testing

from actors import Actor, DynamicSpec, Inbox, SupervisorSpec, System, TaskContext, TaskSpec, open_system
from server.accounts.usage import EVERY, TokenUsage, run_usage
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
