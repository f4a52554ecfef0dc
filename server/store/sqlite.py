"""SQLite: how its connections are made, how rows travel, and its write-ahead log.

What else only SQLite has stands in `sqlite_database.py`, `copying.py` and `backup.py`. The driver is
`pysqlite3`, because the system's library may be one with the WAL-reset bug (fixed in 3.51.3). Its own transaction
control is switched off (`isolation_level=None`): a transaction begins where SQLAlchemy says so, with the statement
given here.

One connection writes (`BEGIN IMMEDIATE`: the lock is taken before anything is read, so a transaction never fails
half-way for want of it), the others cannot (`mode=ro` and `query_only`).
"""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager, closing, nullcontext
from operator import itemgetter
from pathlib import Path
from time import monotonic
from typing import Any, Final, Literal

import pysqlite3.dbapi2 as driver
from msgspec import Struct
from sqlalchemy import Connection, Engine, Select, Table, bindparam, create_engine, event, insert
from sqlalchemy.dialects import registry
from sqlalchemy.dialects.sqlite.pysqlite import SQLiteDialect_pysqlite
from sqlalchemy.exc import DBAPIError
from sqlalchemy.pool import Pool, QueuePool, StaticPool
from sqlalchemy.util import LRUCache

from server.store.bulk import WAY, Columns, Execute, Row, Statement
from server.store.connections import Writing

Mode = Literal["ro", "rw", "rwc"]


class AlikeDialect(SQLiteDialect_pysqlite):
    """Every engine makes its own, and statements compiled for one are good for all: they are found by their dialect,
    so these are equal."""

    supports_statement_cache = True

    def __eq__(self, other: object) -> bool:
        return type(other) is AlikeDialect

    def __hash__(self) -> int:
        return hash(AlikeDialect)


registry.register("sqlite.alike", "server.store.sqlite", "AlikeDialect")

COMPILED: Final[LRUCache[Any, Any]] = LRUCache(500)
"""Statements that any engine has compiled. What is in here when a process is forked, no child compiles."""

_log = logging.getLogger(__name__)

_PAGE_BYTES: Final = 4_096
_CHECKPOINT_PATIENCE_MS: Final = 200

FORGET_SECONDS: Final = 30.0
"""So long something that was edited or deleted may still be in the write-ahead log of a busy server. Emptying it holds
up all changes for as long as somebody reads in it, so it is not done for every one."""


class Pragmas(Struct, frozen=True, kw_only=True):
    """Numbers for every connection.

    Parameters
    ----------
    busy_seconds
        How long to wait for a lock that another process holds.
    cache_kib, reading_cache_kib
        Page cache of the connection that writes, and of each that reads: what that lacks, the kernel has. With 8 MiB
        each, the caches of a server of 18,000 connections were 80 bytes of memory for every one of them.
    wal_pages
        Pages of 4 KiB after which a commit copies the write-ahead log back into the database. More of them cost less
        altogether, because a page that was written often is copied once, and make that one commit take longer.
    """

    busy_seconds: float = 5.0
    cache_kib: int = 8 * 1024
    reading_cache_kib: int = 2 * 1024
    wal_pages: int = 4_000


class _OneByOne:
    """How many rows travel to SQLite: each is an execution of the statement (see `bulk.py`)."""

    __slots__ = ()

    def given(self, columns: Columns) -> _Parameters:
        return _Parameters({name: bindparam(name, type_=kind) for name, kind in columns.items()})

    def compiled(self, statement: Statement, columns: Columns, connection: Connection) -> Execute:
        names, compiled = list(columns), statement.compile(dialect=SQLiteDialect_pysqlite(paramstyle="qmark"))
        sql, order = str(compiled), [names.index(name) for name in compiled.positiontup or ()]
        arrange = None if order == list(range(len(names))) else itemgetter(*order)

        def change(cursor: Any, rows: Iterable[Row]) -> Callable[[], int]:  # noqa: ANN401 - the driver has no types
            cursor.executemany(sql, rows if arrange is None else map(arrange, rows))
            return lambda: int(cursor.rowcount)

        def look(cursor: Any, rows: Iterable[Row]) -> Callable[[], int]:  # noqa: ANN401 - the driver has no types
            found = [cursor.execute(sql, row).fetchall() for row in (map(arrange, rows) if arrange else rows)]
            return lambda: sum(map(len, found))

        return look if isinstance(statement, Select) else change

    def together(self, connection: Connection) -> AbstractContextManager[object]:
        return nullcontext()


class _Parameters(dict[str, Any]):
    """Parameters of the statement, by the names of the rows' columns."""

    def inserted_into(self, table: Table) -> Statement:
        return insert(table).values(self)


ONE_BY_ONE: Final = _OneByOne()


def writing_engine(database: Path, pragmas: Pragmas, *, foreign_keys: bool = True) -> Engine:
    """An engine of one connection, for whoever holds the data directory's lock (or writes a single change).

    Migrations go without `foreign_keys`: rebuilding a table drops it (sqlite.org/lang_altertable.html, section 7).
    """
    engine = _engine(database, pragmas, mode="rwc", connections=1, cache_kib=pragmas.cache_kib)
    _on_connect(
        engine,
        "PRAGMA journal_mode = WAL",
        "PRAGMA synchronous = FULL",
        "PRAGMA secure_delete = ON",
        f"PRAGMA foreign_keys = {'ON' if foreign_keys else 'OFF'}",
        f"PRAGMA wal_autocheckpoint = {pragmas.wal_pages}",
        f"PRAGMA journal_size_limit = {pragmas.wal_pages * _PAGE_BYTES}",
    )
    _begin_with(engine, "BEGIN IMMEDIATE")
    return engine


def reading_engine(database: Path, pragmas: Pragmas, connections: int) -> Engine:
    """An engine whose connections cannot write; each transaction reads one snapshot."""
    engine = _engine(database, pragmas, mode="ro", connections=connections, cache_kib=pragmas.reading_cache_kib)
    _on_connect(engine, "PRAGMA query_only = ON")
    _begin_with(engine, "BEGIN")
    return engine


def passing_engine() -> Engine:
    """An engine whose database is in memory, and gone with it."""
    return _engine_of(lambda: driver.connect(":memory:", isolation_level=None, check_same_thread=False), StaticPool)


class LogFile:
    """The write-ahead log's file, which has to stay small.

    Commits copy it back by themselves every `wal_pages`, but start it from the beginning again only when no reader
    looks into it at that moment; where readers are always busy, it would grow without a bound. Past four times the
    size, the writer therefore waits until they are gone, and no new one needs the file meanwhile.

    What somebody has edited or deleted is in it until it is emptied: that is done when nobody changes anything for a
    moment, or after `FORGET_SECONDS`; who reads in it for longer (a backup) is waited for.

    Where that fails it is logged, and nothing else: everybody was answered before, and the next commit will meet
    whatever is wrong now.

    Parameters
    ----------
    writing
        Its connection is used, from the thread that writes.
    """

    __slots__ = ("_bound", "_forget_by", "_path", "_too_long", "_writing")

    def __init__(self, database: Path, writing: Writing, pragmas: Pragmas) -> None:
        self._path = str(database.with_name(f"{database.name}-wal"))
        self._writing = writing
        self._bound = self._too_long = 4 * pragmas.wal_pages * _PAGE_BYTES
        self._forget_by: float | None = None  # on the monotonic clock

    def size(self) -> int:
        """Bytes."""
        try:
            return os.stat(self._path).st_size
        except FileNotFoundError:
            return 0

    def forget(self) -> None:
        """It has something that is to be gone."""
        if self._forget_by is None:
            self._forget_by = monotonic() + FORGET_SECONDS

    def is_due(self) -> bool:
        return self.size() > self._too_long or (self._forget_by is not None and monotonic() >= self._forget_by)

    def copy_back(self) -> bool:
        """Copy the log back into the database, as far as readers allow. Its file keeps its size, because writing it
        over costs less than letting it grow again; unless it has something to forget. Whether that is done."""
        if self._forget_by is None:
            self._checkpoint("PASSIVE")
        else:
            self.shrink()
        return self._forget_by is None

    def shrink(self) -> None:
        """Copy the log back and empty its file, unless somebody is reading in it for longer.

        A process that reads for minutes (a backup) must not hold up the writer: it is given a moment, and the next
        try comes when the file has grown by as much again.
        """
        size = self.size()
        busy = self._checkpoint("TRUNCATE")
        self._too_long = size + self._bound if busy else self._bound
        if self._forget_by is not None:
            self._forget_by = monotonic() + FORGET_SECONDS if busy else None

    def _checkpoint(self, mode: Literal["PASSIVE", "TRUNCATE"]) -> bool:
        """Whether somebody was in the way. Not in a transaction, where SQLite refuses it."""
        try:
            with closing(self._writing.driver_connection().cursor()) as cursor:
                patience = cursor.execute("PRAGMA busy_timeout").fetchone()[0]
                cursor.execute(f"PRAGMA busy_timeout = {_CHECKPOINT_PATIENCE_MS}")
                try:
                    return bool(cursor.execute(f"PRAGMA wal_checkpoint({mode})").fetchone()[0])
                finally:
                    cursor.execute(f"PRAGMA busy_timeout = {patience}")
        except (driver.Error, DBAPIError) as error:
            _log.warning("the write-ahead log was not copied back: %s", error)
            return True


def _engine(database: Path, pragmas: Pragmas, mode: Mode, connections: int, cache_kib: int) -> Engine:
    def connect() -> Any:  # noqa: ANN401 - the driver has no types
        return driver.connect(
            uri(database, mode),
            uri=True,
            isolation_level=None,
            check_same_thread=False,
            timeout=pragmas.busy_seconds,
            cached_statements=256,
        )

    engine = _engine_of(connect, QueuePool, pool_size=connections, max_overflow=0)
    _on_connect(engine, f"PRAGMA cache_size = -{cache_kib}")
    return engine


def _engine_of(connect: Callable[[], Any], pool: type[Pool], **sizes: int) -> Engine:
    return create_engine(
        "sqlite+alike://",
        module=driver,
        creator=connect,
        poolclass=pool,
        pool_reset_on_return="rollback",
        hide_parameters=True,
        execution_options={WAY: ONE_BY_ONE, "compiled_cache": COMPILED},
        **sizes,
    )


def uri(database: Path, mode: Mode) -> str:
    """How SQLite is told a path and what it may do there (sqlite.org/uri.html, section 3)."""
    path = str(database.absolute()).replace("%", "%25").replace("?", "%3f").replace("#", "%23")
    return f"file:{path}?mode={mode}"


def _on_connect(engine: Engine, *statements: str) -> None:
    def prepare(connection: Any, record: object) -> None:  # noqa: ANN401 - the driver has no types
        cursor = connection.cursor()
        for statement in statements:
            cursor.execute(statement)
        cursor.close()

    event.listen(engine, "connect", prepare)


def _begin_with(engine: Engine, statement: str) -> None:
    """Past SQLAlchemy's account of an execution, which every commit of one row would have to bear (see `bulk.py`)."""

    def begin(connection: Connection) -> None:
        try:
            connection.connection.cursor().execute(statement).close()
        except driver.Error as error:
            raise DBAPIError.instance(
                statement, None, error, driver.Error, hide_parameters=True, dialect=connection.dialect
            ) from error

    event.listen(engine, "begin", begin)
