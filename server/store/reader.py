"""The reader: answers questions from snapshots of the database, on threads of its own.

Two workers take from one inbox. Each hop to a thread takes everything quick that waits, or a few slow questions
(pages of history, whole rooms), so that somebody's history holds up a crowd that signs in for one small portion at
the longest, and usually not at all, because the other worker is free. Who asks for the same page of a log (a room
that was cut off at one moment comes back to one place) is answered together, and it is read once.

The rules: a question that was taken is answered, with `unavailable` where the database does not answer (for longer
than its patience, if it is the connection that is missing) or this task ends; nothing is read for longer than a
portion takes, so the write-ahead log is never pinned for long.
"""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Callable, Hashable, Iterable
from functools import partial
from itertools import chain, islice
from time import perf_counter
from typing import Final, cast

import trio
from sqlalchemy.exc import DBAPIError

from actors import Inbox, TaskContext
from server.metrics.counts import StoreCounts
from server.protocol.errors import unavailable
from server.store.account_messages import ReadOwnMessages
from server.store.answering import answer_all, range_of
from server.store.connections import Disconnected, complaint_of
from server.store.history_messages import ReadAuthors, ReadHistory, ReadLog
from server.store.messages import Read
from server.store.opening import READING_THREADS, Store
from server.store.patience import Patience
from server.store.pin_messages import ReadPins
from server.store.questions import Done, Failed
from server.store.room_messages import LoadRoom, ReadMembers
from server.store.search_messages import FindTails, Search
from server.store.searcher import Searcher
from server.store.tally import ReadTally
from server.store.thread import OwnThread
from server.store.thread_messages import ReadThreads
from server.store.user_messages import ListUsers

QUICK_IN_A_PORTION: Final = 100
SLOW_IN_A_PORTION: Final = 8
ROOMS_FOR_ONE: Final = 8
"""So many rooms that open count as one of these: they take one query together, and when a crowd comes to a node there
are thousands of them, for which everybody would have to wait."""
SLOW_SET_ASIDE: Final = 1_000
"""Taken and waiting, in each worker; beyond it, questions stay in the inbox, whose bound is felt by those who ask."""

Clock = Callable[[], int]

_SLOW: Final = (
    ReadOwnMessages
    | FindTails
    | ReadHistory
    | ReadPins
    | ReadThreads
    | ReadLog
    | LoadRoom
    | ReadMembers
    | ReadAuthors
    | ReadTally
    | ListUsers
)

_log = logging.getLogger(__name__)


async def run_reader(
    context: TaskContext,
    store: Store,
    inbox: Inbox,
    clock: Clock,
    token_days: int,
    counts: StoreCounts | None = None,
) -> None:
    """Serve `inbox` until cancelled.

    Parameters
    ----------
    clock
        Milliseconds since the epoch.
    token_days
        Days after its last use until a token ends.
    counts
        Where portions are counted.
    """
    patience = Patience(store.database.patience, "questions")
    counts = counts or StoreCounts()
    lifetime = token_days * 86_400_000
    searcher = Searcher(store, patience)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(searcher.serve)
        for _ in range(READING_THREADS):
            nursery.start_soon(_Worker(store, inbox, clock, lifetime, patience, counts, searcher).serve)
        context.started()


class _Worker:
    __slots__ = (
        "_clock", "_counts", "_inbox", "_patience", "_quick", "_rooms", "_searcher", "_slow", "_slow_next", "_store",
        "_taken", "_thread", "_token_lifetime",
    )  # fmt: skip

    def __init__(
        self,
        store: Store,
        inbox: Inbox,
        clock: Clock,
        token_lifetime: int,
        patience: Patience,
        counts: StoreCounts,
        searcher: Searcher,
    ) -> None:
        self._store = store
        self._searcher = searcher
        self._inbox = inbox
        self._clock = clock
        self._token_lifetime = token_lifetime
        self._thread = OwnThread("store reader")
        self._counts = counts
        self._patience = patience
        self._taken: deque[Read] = deque()
        self._quick: deque[Read] = deque()
        self._rooms = 0  # that were to open, so far
        self._slow: dict[Hashable, list[Read]] = {}  # those that have one answer together, in order
        self._slow_next = False

    async def serve(self) -> None:
        try:
            with self._thread:
                while True:
                    self._taken = deque(await self._take())
                    self._set_aside()
                    await self._answer(self._portion())
        finally:
            _refuse([*self._taken, *self._quick, *chain.from_iterable(self._slow.values())])

    async def _take(self) -> list[Read]:
        if not self._slow and not self._quick:
            return cast("list[Read]", await self._inbox.take(QUICK_IN_A_PORTION))
        await trio.lowlevel.checkpoint()
        most = QUICK_IN_A_PORTION if len(self._slow) < SLOW_SET_ASIDE else 0
        return cast("list[Read]", self._inbox.take_nowait(most))

    def _set_aside(self) -> None:
        """One that this crashes over is answered as those behind it are: with the end of this task."""
        taken = self._taken
        while taken:
            question = taken[0]
            if isinstance(question, Search):
                self._searcher.take(question)
            elif isinstance(question, _SLOW):
                self._slow.setdefault(self._kind_of(question), []).append(question)
            else:
                self._quick.append(question)
            taken.popleft()

    def _kind_of(self, question: Read) -> Hashable:
        match question:
            case ReadLog():
                return range_of(question)
            case LoadRoom():
                self._rooms += 1
                return LoadRoom, self._rooms // ROOMS_FOR_ONE
            case _:
                return id(question)

    def _portion(self) -> list[Read]:
        """The next ones to answer: quick and slow ones in turn, so that neither starve."""
        self._slow_next = bool(self._slow) and (self._slow_next or not self._quick)
        if self._slow_next:
            self._slow_next = False
            longest_waiting = list(islice(self._slow, SLOW_IN_A_PORTION))
            return list(chain.from_iterable(map(self._slow.pop, longest_waiting)))
        self._slow_next = True
        quick = self._quick
        return [quick.popleft() for _ in range(min(QUICK_IN_A_PORTION, len(quick)))]

    async def _answer(self, portion: list[Read]) -> None:
        try:
            answers = await self._answers(portion)
        except Disconnected:
            _refuse(portion)
        except DBAPIError as error:
            _refuse(portion)
            _log.error("the database did not answer %d questions: %s", len(portion), complaint_of(error))
        except BaseException:
            _refuse(portion)
            raise
        else:
            for question, answer in zip(portion, answers, strict=True):
                question.reply_to.answer(answer)

    async def _answers(self, portion: list[Read]) -> list[Done | Failed]:
        begin = perf_counter()

        async def ask() -> list[Done | Failed]:
            return await self._thread.run(
                partial(answer_all, self._store.reading, portion, self._clock(), self._token_lifetime)
            )

        answers = await self._patience.result_of(ask)
        self._counts.portion_seconds.observe(perf_counter() - begin)
        self._counts.portion_questions.observe(len(portion))
        return answers


def _refuse(questions: Iterable[Read]) -> None:
    for question in questions:
        question.reply_to.answer(Failed(question.ref, unavailable()))
