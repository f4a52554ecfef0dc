"""Where the words of people are kept: a file of SQLite, or a database on a PostgreSQL server.

Everything that differs between the two is behind `Database`; the statements of queries and changes are the same. The
driver of PostgreSQL is loaded only where it is used.
"""

from __future__ import annotations

from contextlib import AbstractContextManager
from pathlib import Path
from typing import Protocol

from sqlalchemy import Connection, Engine

from server.store.connections import Writing
from server.store.directory import DataDirectory
from server.store.leases import Reading, Step
from server.store.quotas import Quotas
from server.store.sqlite import Pragmas
from server.store.sqlite_database import SqliteDatabase


class Claim(Protocol):
    """What this process holds as long as it serves from a database."""

    def close(self) -> None: ...


class Onlooker(Protocol):
    """What a process needs that owns nothing. In one thread at a time."""

    def cluster_id(self) -> str:
        """Raises one of `DATABASE_ERRORS`."""
        ...

    def perform(self, step: Step) -> Reading:
        """See who owns what, whichever step it is. Raises one of `DATABASE_ERRORS`."""
        ...

    def close(self) -> None: ...


class LogFile(Protocol):
    """A file that grows with every commit and has to be kept small, where the engine does not do it by itself."""

    def size(self) -> int:
        """Bytes."""
        ...

    def forget(self) -> None:
        """What was committed last has taken away something that was said: soon it is to be gone from here, too."""
        ...

    def is_due(self) -> bool:
        """Whether it is to be emptied: it has become long, or has had something to forget for some time."""
        ...

    def copy_back(self) -> bool:
        """When there is nothing else to do; whether all is done then. In the writer's thread, not in a transaction;
        never raises."""
        ...

    def shrink(self) -> None:
        """When it is due. As above."""
        ...


class Database(Protocol):
    """One place to keep things. Nothing is touched before a method is called.

    Attributes
    ----------
    name
        What operators call it, in messages; it holds no password.
    patience
        Seconds to try for a connection before who waits is told `unavailable`.
    """

    @property
    def name(self) -> str: ...

    @property
    def patience(self) -> float: ...

    def claim(self) -> Claim:
        """Make it, where it is ours to make, and be the one who serves from it, where there may be only one.

        Raises `StoreError`.
        """
        ...

    def require(self) -> None:
        """Raises `StoreError` unless it is there, and of a kind that will do."""
        ...

    def writing(self, quotas: Quotas) -> Writing: ...

    def leasing(self) -> Writing:
        """For who renews a lease: what hangs has to end, and to be tried again, before that has run out."""
        ...

    def onlooker(self) -> Onlooker:
        """For who only wants to know who owns what."""
        ...

    def reading(self, connections: int) -> Engine:
        """Connections that cannot write; each transaction reads one snapshot."""
        ...

    def log_file(self, writing: Writing) -> LogFile: ...

    def migrating(self) -> Engine:
        """For whoever looks at the schema, or changes it."""
        ...

    def seeding(self) -> Engine:
        """One connection for whoever writes a great many rows that refer to each other, and serves nobody: without
        time-outs, and where that may be, without a look at what each of them refers to."""
        ...

    def migration(self, engine: Engine, found: str | None) -> AbstractContextManager[Connection]:
        """A transaction for a change of the schema, from revision `found`, beside which there is no other one.

        Raises `StoreError`; the database is then as it was.
        """
        ...


def database_of(data: Path, url: str = "", pragmas: Pragmas | None = None) -> Database:
    """The one that the settings mean.

    Parameters
    ----------
    data
        The data directory.
    url
        Of a PostgreSQL database; empty: SQLite in the data directory.
    """
    if url:
        from server.store.postgres import PostgresDatabase

        return PostgresDatabase(url)
    return SqliteDatabase(DataDirectory(data), pragmas or Pragmas())
