"""Opening a database: it is claimed, then migrated, then connected to; closing gives all that back in reverse."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property
from itertools import count
from pathlib import Path
from types import TracebackType
from typing import Final

from sqlalchemy import Engine

from server.store.connections import Writing
from server.store.databases import Claim, Database, LogFile, database_of
from server.store.directory import DataDirectory
from server.store.migrating import migrate, require_newest
from server.store.quotas import Quotas
from server.store.sqlite import Pragmas
from server.store.tails import TailsHere

READING_THREADS: Final = 2
"""One that is busy with somebody's history, and one for everybody else."""


class Store:
    """An open database. Made once a process; writer and reader are tasks over it, and may restart.

    What it has is made when it is used first: a process that only passes on has nothing to write, and nothing to read
    either while nobody is connected to it.

    Attributes
    ----------
    lineage_numbers
        Never the same one twice.
    tails
        Rooms to which the writer has appended, until what was said there is in the index.
    """

    def __init__(self, database: Database, claim: Claim, quotas: Quotas) -> None:
        self.database = database
        self.lineage_numbers: Iterator[int] = count(1)
        self.tails = TailsHere()
        self._quotas = quotas
        self._claim = claim

    @cached_property
    def writing(self) -> Writing:
        """The writer's connection."""
        return self.database.writing(self._quotas)

    @cached_property
    def reading(self) -> Engine:
        """An engine of `READING_THREADS` connections that cannot write."""
        return self.database.reading(READING_THREADS)

    @cached_property
    def searching(self) -> Engine:
        """Another one, for searches."""
        return self.database.reading(1)

    @cached_property
    def log_file(self) -> LogFile:
        """The write-ahead log, to be kept small by the writer."""
        return self.database.log_file(self.writing)

    def connect(self) -> Store:
        """Connect the writer. SQLite's first connection makes the write-ahead log, which those that only read cannot.

        Raises `sqlalchemy.exc.DBAPIError`, `Disconnected`.
        """
        self.writing.driver_connection()
        return self

    def close(self) -> None:
        """Nobody may be writing or reading any more. SQLite's last connection copies the write-ahead log back."""
        for engine in (vars(self).get("reading"), vars(self).get("searching")):
            if engine is not None:
                engine.dispose()
        if "writing" in vars(self):
            self.writing.throw_away()
        self._claim.close()

    def __enter__(self) -> Store:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def open_store(
    data: Path, pragmas: Pragmas | None = None, quotas: Quotas | None = None, *, database: str = ""
) -> Store:
    """Claim the database, bring it to the newest schema, connect to it.

    Parameters
    ----------
    data
        The data directory; made if it is missing and the database is to be in it.
    database
        The URL of a PostgreSQL database; empty: SQLite in the data directory.

    Raises
    ------
    StoreError
        One line, for the terminal: `NotWritable`, `InUse`, `CopyFailed` for SQLite, `NotReachable`, `Unsuitable`,
        `BadUrl` for PostgreSQL, `TooNew`, `Damaged`, `Unusable` for both.
    """
    chosen = database_of(data, database, pragmas)
    claim = chosen.claim()
    try:
        migrate(chosen)
        return Store(chosen, claim, quotas or Quotas()).connect()
    except BaseException:
        claim.close()
        raise


def prepare_claimed(data: Path, pragmas: Pragmas | None = None, *, database: str = "") -> None:
    """Bring a database to the newest schema, for a parent whose workers will open it; the parent has the lock of the
    data directory. Raises `StoreError`, as above.
    """
    if not database:
        DataDirectory(data).make_database()
    migrate(database_of(data, database, pragmas))


def open_claimed(
    data: Path,
    pragmas: Pragmas | None = None,
    quotas: Quotas | None = None,
    *,
    database: str = "",
    writes: bool = True,
) -> Store:
    """Use a database that the parent of this process has claimed and prepared.

    Parameters
    ----------
    writes
        Who does looks whether it is as it has to be, and connects. Who does not opens nothing yet.

    Raises
    ------
    StoreError
        As above.
    """
    chosen = database_of(data, database, pragmas)
    store = Store(chosen, _ClaimOfTheParent(), quotas or Quotas())
    if not writes:
        return store
    require_newest(chosen)
    return store.connect()


class _ClaimOfTheParent:
    """Held as long as any of its workers lives: they have inherited it."""

    def close(self) -> None:
        pass
