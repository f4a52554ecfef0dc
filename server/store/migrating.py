"""Bringing a database to this program's schema.

The rules: a database that is up to date is recognised without importing alembic (37 MB that a server would carry
for good); one that a newer version made is not touched; a change is one transaction, and where several processes
start at once, one of them makes it and the others find it made.

`REVISIONS` names every revision, oldest first, and a test compares it with the scripts in `migrations/`.
"""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any, Final

from sqlalchemy import Connection, Engine, inspect
from sqlalchemy.exc import DBAPIError, OperationalError

from server.store.connections import Disconnected, complaint_of
from server.store.databases import Database
from server.store.errors import Damaged, NotMigrated, NotReachable, TooNew, Unusable

REVISIONS: Final = (
    "0001", "0002", "0003", "0004", "0005", "0006", "0007", "0008", "0009", "0010", "0011", "0012", "0013", "0014",
    "0015", "0016", "0017", "0018", "0019", "0020", "0021", "0022", "0023", "0024", "0025", "0026",
    "0027",
)  # fmt: skip

_log = logging.getLogger(__name__)


def migrate(database: Database) -> None:
    """Bring the database to the newest schema. Whoever calls has claimed it.

    Raises
    ------
    StoreError
        `NotReachable`, `Unsuitable`, `TooNew`, `Damaged`, `Unusable`, `NotWritable`, `CopyFailed`: the database is as
        it was.
    """
    database.require()
    engine = database.migrating()
    try:
        found = _revision(engine, database.name)
        if found == REVISIONS[-1]:
            return
        with database.migration(engine, found) as connection:
            if _found(connection, database.name) == found:  # nobody was faster
                _upgrade(connection)
    finally:
        engine.dispose()
    _log.info("the database has schema %s now (before: %s)", REVISIONS[-1], found or "none")


def require_newest(database: Database) -> None:
    """Raises `StoreError` unless the database is one that will do and has the newest schema."""
    database.require()
    engine = database.migrating()
    try:
        found = _revision(engine, database.name)
    finally:
        engine.dispose()
    if found != REVISIONS[-1]:
        raise NotMigrated(database.name, found)


def require_known(connection: Any, database: Path) -> None:  # noqa: ANN401 - the driver has no types
    """The same for a connection of the driver, where an older schema will do. Raises `TooNew`, `Damaged`."""
    row = connection.execute("SELECT version_num FROM alembic_version").fetchone()
    if row is None:
        raise Damaged(database, "it has no schema version")
    _known(row[0], database)


def _revision(engine: Engine, name: str) -> str | None:
    """The revision of the database, None for an empty one."""
    try:
        with engine.connect() as connection:
            return _found(connection, name)
    except Disconnected as error:
        raise NotReachable(name, complaint_of(error)) from None
    except OperationalError as error:
        raise Unusable(name, complaint_of(error)) from None
    except DBAPIError as error:
        raise Damaged(name, complaint_of(error)) from None


def _found(connection: Connection, name: str) -> str | None:
    tables = inspect(connection).get_table_names()
    if "alembic_version" in tables:
        found = connection.exec_driver_sql("SELECT version_num FROM alembic_version").scalar()
        return _known(str(found), name)
    if tables:
        raise Damaged(name, "it has tables, but no schema version")
    return None


def _known(revision: str, database: Path | str) -> str:
    if revision not in REVISIONS:
        raise TooNew(database, revision)
    return revision


def _upgrade(connection: Connection) -> None:
    from alembic import command
    from alembic.config import Config

    import migrations

    config = Config()
    config.set_main_option("script_location", str(Path(migrations.__file__).parent).replace("%", "%%"))
    config.attributes["connection"] = connection
    command.upgrade(config, "head")
