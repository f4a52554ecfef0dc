"""The database of a data directory: one file of SQLite, with copies of what it was before each migration beside it."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from sqlalchemy import Connection, Engine

from server.store.connections import Writing
from server.store.copying import copy_database
from server.store.directory import DataDirectory, DirectoryLock
from server.store.errors import Damaged, NotMigrated, NotWritable
from server.store.onlooking import SqliteOnlooker
from server.store.quotas import Quotas
from server.store.sqlite import LogFile, Pragmas, reading_engine, writing_engine

COPIES_KEPT: Final = 3


class SqliteDatabase:
    """The database of a data directory; see `Database` for what each method is for.

    Claiming it makes the directory and takes its lock. It is copied before its schema is changed, and the last
    `COPIES_KEPT` copies are kept.
    """

    __slots__ = ("_pragmas", "directory")

    patience: Final = 0.0  # a file that cannot be opened now cannot be opened in a moment

    def __init__(self, directory: DataDirectory, pragmas: Pragmas) -> None:
        self.directory = directory
        self._pragmas = pragmas

    @property
    def name(self) -> str:
        return str(self.directory.database)

    def claim(self) -> DirectoryLock:
        self.directory.make()
        lock = self.directory.lock()
        try:
            self.directory.make_database()
        except BaseException:
            lock.close()
            raise
        return lock

    def require(self) -> None:
        if not self.directory.database.is_file():
            raise NotMigrated(self.name, None)

    def writing(self, quotas: Quotas) -> Writing:
        return Writing(writing_engine(self.directory.database, self._pragmas), quotas)

    def leasing(self) -> Writing:
        return self.writing(Quotas())

    def onlooker(self) -> SqliteOnlooker:
        return SqliteOnlooker(self.directory.database, self._pragmas.busy_seconds)

    def reading(self, connections: int) -> Engine:
        return reading_engine(self.directory.database, self._pragmas, connections)

    def log_file(self, writing: Writing) -> LogFile:
        return LogFile(self.directory.database, writing, self._pragmas)

    def migrating(self) -> Engine:
        return writing_engine(self.directory.database, self._pragmas, foreign_keys=False)

    def seeding(self) -> Engine:
        return writing_engine(self.directory.database, self._pragmas, foreign_keys=False)

    @contextmanager
    def migration(self, engine: Engine, found: str | None) -> Iterator[Connection]:
        if found is not None:
            self._keep_copy(found)
        with engine.begin() as connection:
            yield connection
            # Rebuilding a table drops it, so references are not enforced meanwhile; they have to hold afterwards.
            if connection.exec_driver_sql("PRAGMA foreign_key_check").first() is not None:
                raise Damaged(self.name, "rows refer to others that are missing")

    def _keep_copy(self, revision: str) -> None:
        stamp = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime())
        backups = self.directory.backups
        try:
            backups.mkdir(mode=0o700, exist_ok=True)
        except OSError as error:
            raise NotWritable(backups, error) from None
        copy_database(self.directory.database, backups / f"{stamp}-schema-{revision}.sqlite3")
        for old in sorted(backups.glob("*-schema-*.sqlite3"))[:-COPIES_KEPT]:
            old.unlink(missing_ok=True)
