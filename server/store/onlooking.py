"""All that a process needs of an SQLite database while it has nobody to serve: whose cluster it is, and who owns what.

The rule: by the driver alone. SQLAlchemy's way to a connection goes through several hundred functions, which lie
scattered over as many pages; every idle process would have a copy of each for itself, 6 MiB of them, because CPython
counts references to what it runs (docs/decisions/0017). The statements are SQLAlchemy's all the same: they become text
when this is loaded, before the parent of such processes forks.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import pysqlite3.dbapi2 as driver
from sqlalchemy import Select
from sqlalchemy.dialects.sqlite.pysqlite import SQLiteDialect_pysqlite
from sqlalchemy.exc import DBAPIError

from server.store.cluster_id import CLUSTER_ID
from server.store.leases import SHARDS_IN_ORDER, VERSION, Reading, Step
from server.store.sqlite import uri

_CACHE_KIB: Final = 64
"""Two tables of a few pages."""


def _text(statement: Select[Any]) -> str:
    return str(statement.compile(dialect=SQLiteDialect_pysqlite(), compile_kwargs={"literal_binds": True}))


_CLUSTER_ID: Final = _text(CLUSTER_ID)
_VERSION: Final = _text(VERSION)
_SHARDS: Final = _text(SHARDS_IN_ORDER)


class SqliteOnlooker:
    """A connection of its own, opened when something is asked. In one thread at a time.

    It may write to the file of the write-ahead log, which the first connection of all makes, and to nothing else.
    """

    __slots__ = ("_busy_seconds", "_connection", "_database")

    def __init__(self, database: Path, busy_seconds: float) -> None:
        self._database = database
        self._busy_seconds = busy_seconds
        self._connection: Any = None

    def cluster_id(self) -> str:
        """As `read_cluster_id` does."""
        with self._snapshot() as connection:
            return str(connection.execute(_CLUSTER_ID).fetchone()[0])

    def perform(self, step: Step) -> Reading:
        """See how it stands. The nodes are nobody's business here: whoever writes has a lock, and no lease.

        Raises
        ------
        sqlalchemy.exc.DBAPIError
            It does not answer.
        """
        with self._snapshot() as connection:
            version = int(connection.execute(_VERSION).fetchone()[0])
            table = None if version == step.known else tuple(connection.execute(_SHARDS))
        return Reading((), version, table)

    def close(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.close()

    @contextmanager
    def _snapshot(self) -> Iterator[Any]:
        """The database as of one moment; after an error the next one has a new connection."""
        try:
            connection = self._connection = self._connection or self._opened()
            connection.execute("BEGIN")
            yield connection
            connection.execute("ROLLBACK")
        except driver.Error as error:
            self.close()
            raise DBAPIError.instance(None, None, error, driver.Error, hide_parameters=True) from error

    def _opened(self) -> Any:  # noqa: ANN401 - the driver has no types
        connection = driver.connect(
            uri(self._database, "rw"),
            uri=True,
            isolation_level=None,
            check_same_thread=False,
            timeout=self._busy_seconds,
        )
        connection.execute("PRAGMA query_only = ON")
        connection.execute(f"PRAGMA cache_size = -{_CACHE_KIB}")
        return connection
