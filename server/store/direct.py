"""One change or question at a time, without tasks: for commands at the terminal, also beside a serving server.

A change is a transaction of its own that waits for the server's to end, and the server's for it: milliseconds both.
The server hears of what was changed where that matters (it looks for ended tokens every few seconds). Changes of
rooms and their logs are left out on purpose: they belong to the rooms.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from types import TracebackType
from typing import TypeVar

from sqlalchemy import Connection

from server.store.account_messages import DeleteUser, EndSessions
from server.store.answering import answer_all
from server.store.batches import Batch, commit
from server.store.connections import DATABASE_ERRORS, complaint_of, snapshot
from server.store.databases import Database
from server.store.errors import Unusable
from server.store.migrating import require_newest
from server.store.questions import Done, Failed
from server.store.quotas import Quotas
from server.store.user_messages import (
    AddUser,
    FindCredentials,
    FindUser,
    ListUsers,
    SetAdministrator,
    SetPassword,
    SetRegistration,
)

Change = AddUser | SetPassword | SetAdministrator | SetRegistration | EndSessions | DeleteUser
V = TypeVar("V")
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
        `NotMigrated` (also for a directory without a database), `NotReachable`, `Unsuitable`, `TooNew`, `Damaged`,
        `Unusable`.
    """

    def __init__(self, database: Database) -> None:
        require_newest(database)
        self._database = database
        self._writing = database.writing(Quotas())
        self._reading = database.reading(connections=1)

    def change(self, change: Change) -> object:
        """What the writer would answer. Raises `Refusal`, and `Unusable` if the database does not answer."""
        try:
            committed = commit(self._writing, Batch([], {}, [change], (), ()), _now())
        except DATABASE_ERRORS as error:
            raise Unusable(self._database.name, complaint_of(error)) from None
        return _value(committed.answers[0])

    def ask(self, question: Question) -> object:
        """What the reader would answer. Raises `Refusal`, and `Unusable` if the database does not answer."""
        try:
            answers = answer_all(self._reading, [question], _now(), token_lifetime=0)
        except DATABASE_ERRORS as error:
            raise Unusable(self._database.name, complaint_of(error)) from None
        return _value(answers[0])

    def read(self, look: Callable[[Connection], V]) -> V:
        """What `look` finds in one snapshot. Raises what it does, and `Unusable` if the database does not answer."""
        try:
            with snapshot(self._reading) as connection:
                return look(connection)
        except DATABASE_ERRORS as error:
            raise Unusable(self._database.name, complaint_of(error)) from None

    def write(self, change: Callable[..., V]) -> V:
        """What `change` answers, given a connection and as `at` the time of its transaction in ms. Raises as `read`."""
        try:
            with self._writing.begin() as connection:
                return change(connection, at=_now())
        except DATABASE_ERRORS as error:
            raise Unusable(self._database.name, complaint_of(error)) from None

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
