"""A thread that is blocked is reported with where it stands, once; and an idle one is not even looked at."""

from __future__ import annotations

import logging
import os
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest
import trio

from actors import Actor, ActorSpec, RunawayPolicy, System, open_system
from tests.actors.small_actors import tree

LIMIT = 0.05
WATCHED = RunawayPolicy(overrun=None, blocked=LIMIT)


class Sleeper(Actor):
    """Blocks the thread for as many seconds as it is told."""

    __slots__ = ()

    def receive(self, message: object) -> None:
        assert isinstance(message, float)
        time.sleep(message)


class Summer(Actor):
    """Blocks the interpreter for a while: nothing else runs in this process meanwhile."""

    __slots__ = ()

    def receive(self, message: object) -> None:
        assert isinstance(message, int)
        sum(range(message))


class Reader(Actor):
    """Blocks the thread until a file says something."""

    __slots__ = ()

    def receive(self, message: object) -> None:
        assert isinstance(message, Path)
        message.read_text()


def reports(caplog: pytest.LogCaptureFixture, line: str = "") -> list[logging.LogRecord]:
    """What it said; with a `line` of code only what it said of where the thread stood.

    On a machine that is busy there may be more than what a test brings about: any other wait of 50 ms is reported, too.
    """
    said = [record for record in caplog.records if record.name == "actors.watchdog"]
    return [record for record in said if line in record.getMessage()]


def all_over(caplog: pytest.LogCaptureFixture, line: str, times: int = 1) -> bool:
    """The thread stood at this line so many times, and each blockage that was reported came to an end."""
    return len(reports(caplog, line)) >= times and len(reports(caplog, " was blocked for ")) * 2 == len(reports(caplog))


async def until(condition: Callable[[], object]) -> None:
    with trio.fail_after(10):
        while not condition():  # noqa: ASYNC110 - reports come from a thread
            await trio.sleep(LIMIT / 10)


def tell(system: System, name: str, message: object) -> None:
    address = system.whereis(name)
    assert address is not None
    assert address.tell(message)


async def test_a_blockage_is_reported_with_the_stack_and_once_more_when_it_is_over(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async with open_system(tree(ActorSpec("sleeper", Sleeper, name="sleeper")), runaways=WATCHED) as system:
        tell(system, "sleeper", 6 * LIMIT)
        await until(lambda: all_over(caplog, "time.sleep(message)"))
    [during] = reports(caplog, "time.sleep(message)")
    after = reports(caplog)[reports(caplog).index(during) + 1]
    assert during.levelno == after.levelno == logging.WARNING
    assert "has been blocked for 0." in during.getMessage()
    assert "was blocked for 0." in after.getMessage()


async def test_it_is_reported_while_it_lasts(caplog: pytest.LogCaptureFixture, tmp_path: Path) -> None:
    """The one who is waited for is freed by the report, or by someone who has lost patience."""
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    freed: list[str] = []

    def free() -> None:
        deadline = time.monotonic() + 10
        while not reports(caplog, "message.read_text()") and time.monotonic() < deadline:
            time.sleep(LIMIT / 10)
        freed.append("by the report" if reports(caplog, "message.read_text()") else "late")
        pipe.write_text("go on")

    async with open_system(tree(ActorSpec("reader", Reader, name="reader")), runaways=WATCHED) as system:
        # A daemon: nobody must wait for it, not even the interpreter, because it waits for the reader in turn.
        threading.Thread(target=free, daemon=True).start()
        tell(system, "reader", pipe)
        await until(lambda: freed)
        await until(lambda: all_over(caplog, "message.read_text()"))
    assert freed == ["by the report"]


async def test_what_blocks_the_interpreter_is_reported_when_it_is_over(caplog: pytest.LogCaptureFixture) -> None:
    async with open_system(tree(ActorSpec("summer", Summer, name="summer")), runaways=WATCHED) as system:
        await trio.sleep(4 * LIMIT)  # by now nobody looks any more
        tell(system, "summer", 20_000_000)
        await until(lambda: all_over(caplog, "sum(range(message))"))


async def test_a_task_that_blocks_is_reported_as_well(caplog: pytest.LogCaptureFixture) -> None:
    async with open_system(tree(), runaways=WATCHED):
        deadline = time.monotonic() + 10
        while not reports(caplog, "time.sleep(LIMIT)") and time.monotonic() < deadline:  # its thread may be late, too
            time.sleep(LIMIT)  # noqa: ASYNC251 - on purpose
        await until(lambda: all_over(caplog, "time.sleep(LIMIT)"))


async def test_one_blockage_after_the_other_is_reported(caplog: pytest.LogCaptureFixture) -> None:
    async with open_system(tree(ActorSpec("sleeper", Sleeper, name="sleeper")), runaways=WATCHED) as system:
        for blockage in (1, 2):
            tell(system, "sleeper", 6 * LIMIT)
            await until(lambda number=blockage: all_over(caplog, "time.sleep(message)", number))  # type: ignore[misc]
            await trio.sleep(4 * LIMIT)  # by now nobody looks any more


async def test_the_thread_looks_no_further_when_nothing_runs_and_ends_with_the_system() -> None:
    async with open_system(tree(), runaways=WATCHED):
        [watcher] = [thread for thread in threading.enumerate() if thread.name == "actors watchdog"]
        assert watcher.native_id is not None
        await trio.sleep(4 * LIMIT)
        before = switches(watcher.native_id)
        await trio.sleep(20 * LIMIT)
        after = switches(watcher.native_id)
    assert after - before <= 20  # two looks in each limit would be forty; waits for the interpreter count, too
    assert not watcher.is_alive()


def switches(thread: int) -> int:
    """How often a thread of this process has waited."""
    status = Path(f"/proc/self/task/{thread}/status").read_text()
    return int(status.partition("\nvoluntary_ctxt_switches:")[2].split()[0])
