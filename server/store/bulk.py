"""Statements for many rows, handed to the driver as they are.

SQLAlchemy's own way of executing a statement many times takes a dictionary a row and costs as much again as the
database does (14 ms of processor time for 500 rows, against 9 ms so). Here a statement is compiled once for the
dialect, and rows come as tuples in the order of its parameters. What is given up are conversions of types: only
integers, texts, bytes and None are written this way, which every driver takes. They go through the driver's own
cursor: SQLAlchemy's account of an execution takes 50 us, which a commit of one row has to bear alone. Many rows in one
statement (`VALUES (…), (…)`) were tried, and are no faster with SQLite, also while the main thread is busy.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from sqlalchemy import Connection, Dialect
from sqlalchemy.exc import DBAPIError
from sqlalchemy.sql.dml import UpdateBase


class Bulk:
    """One statement.

    Parameters
    ----------
    parameters
        The names of its parameters, in the order in which rows give them.
    """

    __slots__ = ("_compiled", "_parameters", "_statement")

    def __init__(self, statement: UpdateBase, parameters: Sequence[str]) -> None:
        self._statement: Final = statement
        self._parameters: Final = list(parameters)
        self._compiled: dict[str, str] = {}

    def execute(self, connection: Connection, rows: Sequence[tuple[Any, ...]]) -> int:
        """How many rows were touched, all together."""
        sql = self._compiled.get(connection.dialect.name)
        if sql is None:
            sql = self._compiled[connection.dialect.name] = self._compile(connection.dialect)
        driver = connection.dialect.loaded_dbapi
        cursor = connection.connection.cursor()
        try:
            cursor.executemany(sql, rows)
            return cursor.rowcount
        except driver.Error as error:
            # As SQLAlchemy raises it, but without the rows: what people said has no place in an error.
            raise DBAPIError.instance(sql, None, error, driver.Error, dialect=connection.dialect) from error
        finally:
            cursor.close()

    def _compile(self, dialect: Dialect) -> str:
        if not dialect.positional:
            dialect = type(dialect)(paramstyle="format")  # type: ignore[call-arg]  # as all real ones take it
        compiled: Any = self._statement.compile(dialect=dialect, column_keys=self._parameters)
        if compiled.positiontup != self._parameters:
            raise TypeError(f"the parameters are {compiled.positiontup}, not {self._parameters}")
        return str(compiled)
