"""Threads: where an actor has its blocking work done. A task with so many threads, and a bounded queue.

    threads = Threads(4)                                        # in the tree: TaskSpec("threads", threads.run)
    self.offload(threads, read_file, path, seconds=5.0)         # in an actor: one line
    case Answer(_, text): ...                                   # and the answer, as a message

The rules:
- The result comes as an `Answer`; what the function raised, as a `NoAnswer` with `Crashed`, caused by it. It is an
  answer like any other, so nothing crashes by it, here or there.
- What nobody waits for any more (its time was up, or the asker has ended) is not begun. What is begun is finished,
  because a thread cannot be killed: the task waits for it when it stops.
- A full queue refuses at once (`Refused`). That is where back-pressure is felt.
- Each object has a limit of its own: slow disks do not hold up quick hashes.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import trio

from actors.errors import Crashed, Stopped, untraced
from actors.inbox import Inbox, InboxStatistics
from actors.reply import Reply

if TYPE_CHECKING:
    from actors.task import TaskContext

log = logging.getLogger("actors.threads")


@dataclass(frozen=True, slots=True)
class Work:
    """A function to call in a thread, and where its result goes."""

    function: Callable[[], object]
    reply_to: Reply[Any]


class Threads:
    """A task that calls functions in threads.

    Args:
        limit: how many at a time.
        waiting: how many more may wait.
    """

    __slots__ = ("_limit", "_work")

    def __init__(self, limit: int, waiting: int = 1000) -> None:
        self._limit = limit
        self._work = Inbox(waiting)

    def tell(self, work: object, /) -> bool:
        """Put a `Work` into the queue; never blocks. False: it is full."""
        return self._work.tell(work)

    def statistics(self) -> InboxStatistics:
        """How the queue is; `tasks_waiting` is the number of idle threads."""
        return self._work.statistics()

    async def run(self, context: TaskContext) -> None:
        """The task, for a `TaskSpec`."""
        limiter = trio.CapacityLimiter(self._limit)
        async with trio.open_nursery() as nursery:
            for _ in range(self._limit):
                nursery.start_soon(self._serve, limiter)
            context.started()

    async def _serve(self, limiter: trio.CapacityLimiter) -> None:
        while True:
            for work in await self._work.take(1):
                assert isinstance(work, Work), f"threads do work, and {work!r} is none"
                if not work.reply_to.over:
                    await _do(work, limiter)

    def __repr__(self) -> str:
        return f"<Threads {self._limit}, {self._work!r}>"


async def _do(work: Work, limiter: trio.CapacityLimiter) -> None:
    try:
        value = await trio.to_thread.run_sync(work.function, limiter=limiter)
    except Exception as error:
        log.info("offloaded work failed: %r", error, exc_info=error)
        failure = Crashed(f"the work crashed: {type(error).__name__}")
        failure.__cause__ = untraced(error)
        work.reply_to.fail(failure)
    else:
        work.reply_to.tell(value)
    finally:
        work.reply_to.fail(Stopped("the threads have stopped"))  # says nothing to those that are answered
