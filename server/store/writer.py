"""The writer: the one task that changes the database, in commit order.

It takes whatever waits, commits it together in one hop to a worker thread, and tells everybody what became of it:
group commit. Under load the batches grow by themselves, and one fsync is shared by all who wait.

The rules:
- Nobody hears `Landed`, `Known`, `Denied` or `Done` before the commit returned.
- What was taken from the inbox is answered, also when this task crashes: whatever is still open is then `Lost` or
  `Failed(unavailable)`, and no lineage survives.
- A hop is never abandoned. Cancelling waits for the thread and tells what it did; a restarted writer therefore never
  meets an older one's transaction.
- A batch that was not done because there is no connection is tried again, for as long as the database's patience.
- Between batches the logs of deleted rooms are erased, in portions (`erasing.py`), and what an earlier process left of
  such. Nobody waits for it.
- Trouble with the whole database (locked past the busy time-out, disk full, an I/O error, a connection that is lost
  while it commits) ends the lineages of the rooms touched, because an unknown outcome may be either. The connection is
  thrown away, and after a short backoff the next batch tries again.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from time import perf_counter
from typing import Final, cast

import trio
from sqlalchemy.exc import IntegrityError

from actors import Backoff, Inbox, TaskContext
from server.metrics.counts import StoreCounts
from server.protocol.errors import unavailable
from server.store.batches import Batch, Committed, commit
from server.store.connections import DATABASE_ERRORS, Disconnected, complaint_of
from server.store.erasing import erase_portion, left_over
from server.store.fencing import Fencing
from server.store.lineages import Lineages
from server.store.log_messages import Landed, NewMessage
from server.store.messages import Write
from server.store.opening import Store
from server.store.patience import Patience
from server.store.questions import Done, Failed
from server.store.search_index import index_tails
from server.store.search_messages import Indexed
from server.store.thread import OwnThread
from server.store.unanswered import Unanswered

MOST_IN_A_BATCH: Final = 1_000
"""Bounds the time between two answers; a larger batch gains little (tests/bench/store_quick.py)."""

PASSES_TO_HERE: Final = 3
"""Turns of the loop from a socket that is readable to this task: the reactor's, the actors', its own."""

IDLE_SECONDS: Final = 5.0
"""Without a change for so long, the write-ahead log is copied back: less to read when the server starts again. And
emptied, if it has something that was said and is to be gone."""

FINISH_SECONDS: Final = 4.0
"""For what still waits at an orderly stop: below the five seconds that a task has by default."""

BACKOFF: Final = Backoff(first=0.05, factor=2.0, longest=1.0)

Clock = Callable[[], int]

_log = logging.getLogger(__name__)


async def run_writer(
    context: TaskContext,
    store: Store,
    inbox: Inbox,
    clock: Clock,
    counts: StoreCounts | None = None,
    fencing: Fencing | None = None,
) -> None:
    """Serve `inbox` until cancelled; then commit what still waits, within `FINISH_SECONDS`.

    Parameters
    ----------
    clock
        Milliseconds since the epoch; called once a batch, right before its transaction begins.
    counts
        Where commits are counted.
    fencing
        Which rooms are this process's, where several share the database; None: all are.
    """
    with OwnThread("store writer", store.log_file.copy_back, IDLE_SECONDS) as thread:
        writer = _Writer(store, inbox, clock, thread, counts or StoreCounts(), fencing)
        context.started()
        try:
            await writer.serve()
        except trio.Cancelled:
            with trio.move_on_after(FINISH_SECONDS, shield=True):
                await writer.finish()
            raise


class _Writer:
    __slots__ = (
        "_came_together", "_clock", "_counts", "_erasing", "_failures", "_fencing", "_inbox", "_lineages", "_patience",
        "_store", "_thread",
    )  # fmt: skip

    def __init__(
        self,
        store: Store,
        inbox: Inbox,
        clock: Clock,
        thread: OwnThread,
        counts: StoreCounts,
        fencing: Fencing | None,
    ) -> None:
        self._store = store
        self._inbox = inbox
        self._clock = clock
        self._counts = counts
        self._lineages = Lineages(store.lineage_numbers)
        self._thread = thread
        self._fencing = fencing
        self._patience = Patience(store.database.patience, "changes")
        self._failures = 0
        self._came_together = 0
        self._erasing: list[str] | None = None  # None: what an earlier process left is not known

    async def serve(self) -> None:
        while True:
            if self._erasing is None or self._erasing:
                await self._erase()
            await self._write(await self._gather())
            if self._failures:
                await trio.sleep(BACKOFF.delay(self._failures))

    async def _gather(self) -> list[object]:
        """What waits; and where several came together last time, what is on its way.

        Whoever was answered together says the next thing nearly together, too. Without this the first of them would
        have a commit alone, and all others wait for it: a quarter fewer posts a second from ten posters. Not to be
        cancelled: what was taken has to be answered.
        """
        if self._erasing:
            await trio.lowlevel.checkpoint()
            return self._inbox.take_nowait(MOST_IN_A_BATCH)
        writes = await self._inbox.take(MOST_IN_A_BATCH)
        for _ in range(PASSES_TO_HERE if self._came_together > 1 else 0):
            await trio.lowlevel.cancel_shielded_checkpoint()
            writes += self._inbox.take_nowait(MOST_IN_A_BATCH - len(writes))
        self._came_together = len(writes)
        return writes

    async def finish(self) -> None:
        while writes := self._inbox.take_nowait(MOST_IN_A_BATCH):
            await self._write(writes)
            await trio.lowlevel.checkpoint_if_cancelled()  # a commit itself cannot be

    async def _write(self, writes: Sequence[object]) -> None:
        unanswered = Unanswered(self._lineages, self._fencing)
        taken = 0
        try:
            for taken, write in enumerate(writes):  # noqa: B007 - how many, where it crashes
                unanswered.take(cast("Write", write))
            taken = len(writes)
            await self._settle(unanswered)
            while unanswered.indexing:
                await self._index(unanswered)
        except BaseException:
            unanswered.lose(cast("Sequence[Write]", writes[taken:]))
            raise

    async def _settle(self, unanswered: Unanswered) -> None:
        batch = unanswered.batch()
        if batch is None:
            unanswered.settle(Committed((), (), {}))
            return
        committed = await self._commit(batch)
        if committed is None:
            unanswered.lose()
            return
        on_disk, log_is_due = committed
        unanswered.settle(on_disk)
        self._store.tails.committed(on_disk.heads, len(batch.appends))
        if log_is_due:
            await self._thread.run(self._store.log_file.shrink)

    async def _index(self, unanswered: Unanswered) -> None:
        """Nobody's words depend on it, so where it fails nothing else does; who asked for it asks again."""
        wanted = unanswered.indexing[0]

        def work() -> Indexed:
            with self._store.writing.begin() as connection:
                return index_tails(connection, wanted.rooms)

        def work_beside_others() -> Indexed:
            """Messages are numbered by their time; numbers that another process has just given are seen the second
            time."""
            try:
                return work()
            except IntegrityError:
                return work()

        try:
            answer: Done | Failed = Done(wanted.ref, await self._thread.run(work_beside_others))
        except DATABASE_ERRORS as error:
            _log.error("nothing was indexed: %s", complaint_of(error))
            await self._thread.run(self._store.writing.throw_away)
            answer = Failed(wanted.ref, unavailable())
        del unanswered.indexing[0]
        wanted.reply_to.answer(answer)

    async def _commit(self, batch: Batch) -> tuple[Committed, bool] | None:
        """What is on disk now, and whether the log's file is to be emptied; None if that is nothing, or nobody
        knows."""
        store, clock, begin = self._store, self._clock, perf_counter()

        def work() -> tuple[Committed, bool]:
            committed = commit(store.writing, batch, clock())
            if committed.forgotten:
                store.log_file.forget()
            return committed, store.log_file.is_due()

        try:
            committed = await self._patience.result_of(lambda: self._thread.run(work))
        except DATABASE_ERRORS as error:
            self._failures += 1
            self._counts.failed_commits += 1
            if not isinstance(error, Disconnected):
                _log.error("commit %d in a row failed: %s", self._failures, complaint_of(error))
            await self._thread.run(store.writing.throw_away)
            return None
        self._failures = 0
        self._erasing = [*(self._erasing or ()), *committed[0].deleted]
        lost = len(batch.heads) - len(committed[0].heads) - len(committed[0].deleted)
        if batch.fences and lost:
            _log.warning("%d rooms are not this process's any more", lost)
        self._count(batch, committed[0], perf_counter() - begin)
        return committed

    async def _erase(self) -> None:
        """A portion of what deleted rooms have left."""
        store, erasing = self._store, self._erasing

        def work() -> list[str]:
            with store.writing.begin() as connection:
                if erasing is None:
                    return left_over(connection)
                done = erase_portion(connection, erasing[0])
            store.log_file.forget()
            return erasing[1:] if done else erasing

        try:
            self._erasing = await self._thread.run(work)
        except DATABASE_ERRORS as error:
            self._erasing = erasing
            self._failures += 1
            _log.error("a deleted room could not be erased: %s", complaint_of(error))
            await self._thread.run(store.writing.throw_away)

    def _count(self, batch: Batch, committed: Committed, seconds: float) -> None:
        counts = self._counts
        counts.commit_seconds.observe(seconds)
        counts.commit_changes.observe(batch.size)
        counts.messages += sum(
            isinstance(outcome, Landed) and isinstance(append.draft, NewMessage)
            for append, outcome in zip(batch.appends, committed.outcomes, strict=True)
        )
