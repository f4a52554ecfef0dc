"""Statements for many rows, handed to the driver as they are, and checked to have touched each of them.

SQLAlchemy's own way of executing a statement many times takes a dictionary a row and costs as much again as the
database does (14 ms of processor time for 500 rows, against 9 ms so). Here a statement is compiled once for the
dialect, and rows come as tuples in the order of its columns. What is given up are conversions of types: only
integers, texts, bytes and None are written this way, which every driver takes. They go through the driver's own
cursor: SQLAlchemy's account of an execution takes 50 us, which a commit of one row has to bear alone.

How rows travel is the engine's business (`Way`). SQLite takes them one by one: many rows in one statement (`VALUES
(…), (…)`) were tried, and are no faster, also while the main thread is busy. PostgreSQL, which is a journey away,
takes each column as one array, and several statements in one go (`together`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from typing import Any, Final, Protocol, cast

from sqlalchemy import ColumnElement, Connection, Select, Table
from sqlalchemy.exc import DBAPIError
from sqlalchemy.sql.dml import UpdateBase
from sqlalchemy.types import TypeEngine

WAY: Final = "hubbub_way"
"""The execution option by which an engine says its `Way`."""

Row = tuple[Any, ...]
Columns = Mapping[str, TypeEngine[Any]]
Statement = UpdateBase | Select[Any]
"""A query is one that locks what it finds, or asks whether all of it is there."""

Execute = Callable[[Any, Sequence[Row]], Callable[[], int]]
"""Executes a statement with a cursor of the driver; then how many rows it touched or found can be asked."""


class RowsMissing(Exception):
    """A statement touched or found fewer rows than were given: the database holds something else than was thought."""


class Given(Protocol):
    """What stands in a statement for the rows it will be executed for."""

    def __getitem__(self, column: str, /) -> ColumnElement[Any]: ...

    def inserted_into(self, table: Table) -> Statement:
        """All of them, as they are."""
        ...


class Way(Protocol):
    """How many rows travel to a database."""

    def given(self, columns: Columns) -> Given: ...

    def compiled(self, statement: Statement, columns: Columns, connection: Connection) -> Execute: ...

    def together(self, connection: Connection) -> AbstractContextManager[object]:
        """Statements in the block may travel together; how many rows they touched is known behind it."""
        ...


class Bulk:
    """One statement.

    Parameters
    ----------
    columns
        Of the rows it is executed for, with their types.
    build
        Makes the statement of what stands for these columns.
    """

    __slots__ = ("_build", "_columns", "_compiled")

    def __init__(self, columns: Columns, build: Callable[[Given], Statement]) -> None:
        self._columns: Final = columns
        self._build: Final = build
        self._compiled: dict[Way, Execute] = {}

    def executor(self, connection: Connection) -> Execute:
        way = way_of(connection)
        execute = self._compiled.get(way)
        if execute is None:
            statement = self._build(way.given(self._columns))
            execute = self._compiled[way] = way.compiled(statement, self._columns, connection)
        return execute


class Together:
    """See `together`."""

    __slots__ = ("_connection", "_cursors", "_expected")

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._cursors: list[Any] = []
        self._expected: list[tuple[Callable[[], int], int]] = []

    def execute(self, bulk: Bulk, rows: Sequence[Row], *, each: bool = True) -> None:
        """Execute `bulk` for `rows`, if there are any. `each`: every single one of them has to touch something."""
        if not rows:
            return
        cursor = self._connection.connection.cursor()
        self._cursors.append(cursor)
        touched = bulk.executor(self._connection)(cursor, rows)
        if each:
            self._expected.append((touched, len(rows)))

    def check(self) -> None:
        for touched, wanted in self._expected:
            found = touched()
            if found != wanted:
                raise RowsMissing(f"{found} rows instead of {wanted}")

    def close(self) -> None:
        for cursor in self._cursors:
            cursor.close()


@contextmanager
def together(connection: Connection) -> Iterator[Together]:
    """Statements that are sent to the database in one go, where it is far away.

    Raises
    ------
    RowsMissing
        At the end of the block: one of them did not touch all rows it was to.
    sqlalchemy.exc.DBAPIError
        As SQLAlchemy raises it, but without the rows: what people said has no place in an error.
    """
    sent = Together(connection)
    driver = cast("Any", connection.dialect.loaded_dbapi)
    try:
        with way_of(connection).together(connection):
            yield sent
        sent.check()
    except driver.Error as error:
        raise DBAPIError.instance(None, None, error, driver.Error, dialect=connection.dialect) from error
    finally:
        sent.close()


def way_of(connection: Connection) -> Way:
    return cast("Way", connection.get_execution_options()[WAY])
