"""Who answers searches: a worker of the reader, with a thread and a connection of its own.

A search may take a hundred times as long as any other question, so no other one waits for it. Some searches may wait;
beyond that they are refused.
"""

from __future__ import annotations

import logging
from functools import partial
from typing import Final

import trio
from sqlalchemy.exc import DBAPIError

from server.protocol.errors import Refusal, unavailable
from server.store.connections import Disconnected, complaint_of, snapshot
from server.store.opening import Store
from server.store.patience import Patience
from server.store.questions import Done, Failed
from server.store.search_messages import Hits, Search
from server.store.searching import search
from server.store.thread import OwnThread

WAITING: Final = 100
"""Of fifty milliseconds each, five seconds in all: who comes then is not answered in time."""

_log = logging.getLogger(__name__)


class Searcher:
    """One after the other."""

    __slots__ = ("_patience", "_store", "_taken", "_waiting")

    def __init__(self, store: Store, patience: Patience) -> None:
        self._store = store
        self._patience = patience
        self._waiting, self._taken = trio.open_memory_channel[Search](WAITING)

    def take(self, question: Search) -> None:
        """It is answered, sooner or later."""
        try:
            self._waiting.send_nowait(question)
        except trio.WouldBlock:
            question.reply_to.answer(Failed(question.ref, unavailable()))

    async def serve(self) -> None:
        """Until cancelled; what still waits is refused then."""
        question: Search | None = None
        try:
            with OwnThread("store searcher") as thread:
                while True:
                    question = await self._taken.receive()
                    answer = await self._answer(thread, question)
                    question.reply_to.answer(answer)
                    question = None
        finally:
            self._refuse(question)

    async def _answer(self, thread: OwnThread, question: Search) -> Done | Failed:
        async def ask() -> Hits:
            return await thread.run(partial(self._found, question))

        try:
            return Done(question.ref, await self._patience.result_of(ask))
        except Refusal as refusal:
            return Failed(question.ref, refusal.with_traceback(None))  # its frames hold the connection
        except (DBAPIError, Disconnected) as error:
            _log.error("the database did not answer a search: %s", complaint_of(error))
            return Failed(question.ref, unavailable())

    def _found(self, question: Search) -> Hits:
        with snapshot(self._store.searching) as connection:
            return search(connection, question)

    def _refuse(self, begun: Search | None) -> None:
        left = [] if begun is None else [begun]
        while True:
            for question in left:
                question.reply_to.answer(Failed(question.ref, unavailable()))
            try:
                left = [self._taken.receive_nowait()]
            except trio.WouldBlock:
                return
