"""Opening the data directory: lock, schema, engines, in this order; closing gives them back in the reverse order."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count
from pathlib import Path
from types import TracebackType
from typing import Final

from sqlalchemy import Engine

from server.store.directory import DataDirectory, DirectoryLock
from server.store.migrating import migrate
from server.store.quotas import Quotas
from server.store.sqlite import LogFile, Pragmas, Writing, reading_engine, writing_engine

READING_THREADS: Final = 2
"""One that is busy with somebody's history, and one for everybody else."""


class Store:
    """An open data directory. Made once a process; writer and reader are tasks over it, and may restart.

    Attributes
    ----------
    writing
        The writer's connection.
    reading
        An engine of `READING_THREADS` connections that cannot write.
    log_file
        The write-ahead log, to be kept small by the writer.
    lineage_numbers
        Never the same one twice.
    """

    def __init__(self, directory: DataDirectory, lock: DirectoryLock, pragmas: Pragmas, quotas: Quotas) -> None:
        self.directory = directory
        self.writing = Writing(writing_engine(directory.database, pragmas), quotas)
        self.reading: Engine = reading_engine(directory.database, pragmas, READING_THREADS)
        self.log_file = LogFile(directory.database, self.writing, pragmas)
        self.lineage_numbers: Iterator[int] = count(1)
        self._lock = lock
        # The first connection makes the write-ahead log, which those that only read cannot.
        self.writing.driver_connection()

    def close(self) -> None:
        """Nobody may be writing or reading any more. The last connection copies the write-ahead log back."""
        self.reading.dispose()
        self.writing.throw_away()
        self._lock.close()

    def __enter__(self) -> Store:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def open_store(data: Path, pragmas: Pragmas | None = None, quotas: Quotas | None = None) -> Store:
    """Make `data` if it is missing, lock it, bring its database to the newest schema.

    Raises
    ------
    StoreError
        `NotWritable`, `InUse`, `TooNew`, `Damaged`, `Unusable`, `CopyFailed`: one line each, for the terminal.
    """
    pragmas = pragmas or Pragmas()
    directory = DataDirectory(data)
    directory.make()
    lock = directory.lock()
    try:
        directory.make_database()
        migrate(directory, pragmas)
        return Store(directory, lock, pragmas, quotas or Quotas())
    except BaseException:
        lock.close()
        raise
