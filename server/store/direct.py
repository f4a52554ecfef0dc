"""One change or question at a time, without tasks: for commands at the terminal, also beside a serving server.

A change is a transaction of its own that waits for the server's to end, and the server's for it: milliseconds both.
The server hears of what was changed where that matters (it looks for ended tokens every few seconds). Changes of
rooms and their logs are left out on purpose: they belong to the rooms.
"""

from __future__ import annotations

import time
from pathlib import Path
from types import TracebackType

from server.store.answering import answer_all
from server.store.batches import Batch, commit
from server.store.directory import DataDirectory
from server.store.errors import NotMigrated, Unusable
from server.store.messages import (
    AddUser,
    Done,
    Failed,
    FindCredentials,
    FindUser,
    ListUsers,
    SetAdministrator,
    SetPassword,
    SetRegistration,
)
from server.store.migrating import require_newest
from server.store.quotas import Quotas
from server.store.sqlite import DATABASE_ERRORS, Pragmas, Writing, reading_engine, writing_engine

Change = AddUser | SetPassword | SetAdministrator | SetRegistration
Question = FindUser | FindCredentials | ListUsers


class Nobody:
    """Who asks here gets the answer as a return value."""

    def answer(self, message: object, /) -> bool:
        return False


NOBODY = Nobody()
"""The `reply_to` of what is passed to `DirectStore`."""


class DirectStore:
    """A database of this version, opened beside whoever serves it.

    Raises
    ------
    StoreError
        `NotMigrated` (also for a directory without a database), `TooNew`, `Damaged`, `Unusable`.
    """

    def __init__(self, data: Path, pragmas: Pragmas | None = None) -> None:
        pragmas = pragmas or Pragmas()
        self._database = DataDirectory(data).database
        if not self._database.is_file():
            raise NotMigrated(self._database, None)
        engine = writing_engine(self._database, pragmas)
        self._writing = Writing(engine, Quotas())
        self._reading = reading_engine(self._database, pragmas, connections=1)
        try:
            require_newest(engine, self._database)
        except BaseException:
            self.close()
            raise

    def change(self, change: Change) -> object:
        """What the writer would answer. Raises `Refusal`, and `Unusable` if the database does not answer."""
        try:
            committed = commit(self._writing, Batch([], {}, [change], (), ()), _now())
        except DATABASE_ERRORS as error:
            raise Unusable(self._database, error.orig) from None
        return _value(committed.answers[0])

    def ask(self, question: Question) -> object:
        """What the reader would answer. Raises `Refusal`, and `Unusable` if the database does not answer."""
        try:
            answers = answer_all(self._reading, [question], _now(), token_lifetime=0)
        except DATABASE_ERRORS as error:
            raise Unusable(self._database, error.orig) from None
        return _value(answers[0])

    def close(self) -> None:
        self._reading.dispose()
        self._writing.throw_away()

    def __enter__(self) -> DirectStore:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def _value(answer: Done | Failed) -> object:
    if isinstance(answer, Failed):
        raise answer.refusal
    return answer.value


def _now() -> int:
    return time.time_ns() // 1_000_000
