"""Connections to the database, whichever engine keeps it, and what its errors mean.

The rule: what is `Disconnected` was not done, so whoever asked may ask again. That is so where no connection could be
made, where one was lost before it was told to commit, and for everything that only reads. A connection that is lost
while it commits raises the driver's error: then nobody knows.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

from sqlalchemy import Connection, Engine
from sqlalchemy.exc import DataError, DBAPIError, IntegrityError

from server.store.quotas import Quotas


class Disconnected(Exception):
    """There is no connection to the database any more, and nothing was done.

    Parameters
    ----------
    orig
        The driver's error.
    """

    def __init__(self, orig: BaseException | None) -> None:
        super().__init__(str(orig))
        self.orig = orig


ROW_ERRORS: Final = (IntegrityError, DataError, UnicodeEncodeError, OverflowError)
"""What the database, or the way there, has against one row. Everything else concerns the whole database."""

DATABASE_ERRORS: Final = (DBAPIError, Disconnected)


def complaint_of(error: DBAPIError | Disconnected) -> str:
    """One line without what people said: PostgreSQL quotes rows, but never in the first."""
    return next(iter(str(error.orig).splitlines()), type(error.orig).__name__)


class Writing:
    """The connection that writes, kept from one transaction to the next: taking it from its pool and giving it back
    each time would cost a commit of one row 20 us.

    Parameters
    ----------
    engine
        Of the one connection.
    quotas
        What no transaction may exceed.
    """

    __slots__ = ("_connection", "_engine", "quotas")

    def __init__(self, engine: Engine, quotas: Quotas) -> None:
        self.quotas = quotas
        self._engine = engine
        self._connection: Connection | None = None

    @contextmanager
    def begin(self) -> Iterator[Connection]:
        """A transaction: committed at the end of the block, rolled back by an exception.

        Raises
        ------
        Disconnected
            There is no connection. Nothing was written, and the next transaction tries another connection.
        sqlalchemy.exc.DBAPIError
            Nothing is known but that the database did not confirm it.
        """
        connection = self._open()
        to_commit = False
        try:
            with connection.begin():
                yield connection
                to_commit = True
        except DBAPIError as error:
            if to_commit or not _is_lost(connection, error):
                raise
            self.throw_away()
            raise Disconnected(error.orig) from error

    def driver_connection(self) -> Any:  # noqa: ANN401 - whichever driver it is
        """The driver's own connection, for what is not done in a transaction."""
        return self._open().connection.driver_connection

    def throw_away(self) -> None:
        """Close it. The next transaction opens another one."""
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.invalidate()
            connection.close()
        self._engine.dispose()

    def _open(self) -> Connection:
        if self._connection is None:
            self._connection = self._engine.connect()
        return self._connection


@contextmanager
def snapshot(engine: Engine) -> Iterator[Connection]:
    """A transaction that only reads, and sees the database as of one moment. Raises `Disconnected`."""
    try:
        with engine.begin() as connection:
            yield connection
    except DBAPIError as error:
        if error.connection_invalidated:
            raise Disconnected(error.orig) from error
        raise


def _is_lost(connection: Connection, error: DBAPIError) -> bool:
    """Also where a statement went past SQLAlchemy (`bulk.py`), which then has not noticed."""
    if connection.invalidated:
        return True
    driver = connection.connection.driver_connection
    return driver is not None and connection.dialect.is_disconnect(error.orig, driver, None)  # type: ignore[arg-type]
