"""A thread of our own, for a task that has one piece of work after the other.

`trio.to_thread.run_sync` starts, names and prepares a thread anew for every call; a commit of one row pays 40 to 60 us
for it (measured with `tests/bench/posts.py`, one poster). Here the thread stays, and a piece of work costs a queue and
a wake-up.

The rules: work is done in the order in which it was handed over, and never abandoned; a cancel waits for it, and
takes effect at the task's next checkpoint. Work may not use `trio.from_thread` without a token. What is to be done
when there was nothing to do for a while, the thread does by itself: a time-out around each wait for work, on the
task's side, would cost a tenth of what a commit of one row does there.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from queue import Empty, SimpleQueue
from threading import Thread
from types import TracebackType
from typing import Any, TypeVar, cast

import trio
from outcome import Outcome, capture

T = TypeVar("T")

_Work = tuple[trio.lowlevel.Task, Callable[[], object]]


class OwnThread:
    """A context manager: the thread lives as long as the block.

    Parameters
    ----------
    name
        What debuggers and profilers show.
    when_idle
        Called in the thread when no work came for `idle_seconds` after the last; again after as long if it says that
        it is not done. Must not raise. None: nothing is to be done then.
    """

    __slots__ = ("_idle_seconds", "_thread", "_token", "_when_idle", "_work")

    def __init__(self, name: str, when_idle: Callable[[], bool] | None = None, idle_seconds: float = 0.0) -> None:
        self._when_idle = when_idle
        self._idle_seconds = idle_seconds
        self._token = trio.lowlevel.current_trio_token()
        self._work: SimpleQueue[_Work | None] = SimpleQueue()
        self._thread = Thread(target=self._serve, name=name, daemon=True)

    def __enter__(self) -> OwnThread:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """The thread has nothing left to do, because nobody leaves while `run` waits for it."""
        self._work.put(None)
        self._thread.join()

    async def run(self, work: Callable[[], T]) -> T:
        """What `work` returns or raises, done in the thread."""
        self._work.put((trio.lowlevel.current_task(), work))
        return cast("T", await trio.lowlevel.wait_task_rescheduled(_to_the_end))

    def _serve(self) -> None:
        given = self._work.get()
        while given is not None:
            task, work = given
            result: Outcome[object] = capture(work)
            with suppress(trio.RunFinishedError):
                self._token.run_sync_soon(trio.lowlevel.reschedule, task, result)
            given = self._next()

    def _next(self) -> _Work | None:
        is_done = self._when_idle is None
        while self._when_idle is not None and not is_done:
            try:
                return self._work.get(timeout=self._idle_seconds)
            except Empty:
                is_done = self._when_idle()
        return self._work.get()


def _to_the_end(_: Callable[[], Any]) -> trio.lowlevel.Abort:
    """Work that has begun cannot be taken back half-way."""
    return trio.lowlevel.Abort.FAILED
