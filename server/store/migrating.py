"""Bringing a database to this program's schema.

The rules: a database that is up to date is recognised without importing alembic (37 MB that a server would carry
for good); one with data in it is copied before it is changed, and the last three copies are kept; one that a newer
version made is not touched.

`REVISIONS` names every revision, oldest first, and a test compares it with the scripts in `migrations/`.
"""

from __future__ import annotations

import logging
import time
from pathlib import Path
from typing import Any, Final

from sqlalchemy import Connection, Engine, inspect
from sqlalchemy.exc import DBAPIError, OperationalError

from server.store.copying import copy_database
from server.store.directory import DataDirectory
from server.store.errors import Damaged, NotMigrated, NotWritable, TooNew, Unusable
from server.store.sqlite import Pragmas, writing_engine

REVISIONS: Final = ("0001", "0002")
COPIES_KEPT: Final = 3

_log = logging.getLogger(__name__)


def migrate(directory: DataDirectory, pragmas: Pragmas) -> None:
    """Bring the database to the newest schema, after a copy. Whoever calls holds the directory's lock.

    Raises
    ------
    TooNew, Damaged, Unusable, NotWritable, CopyFailed
        The database is as it was.
    """
    engine = writing_engine(directory.database, pragmas, foreign_keys=False)
    try:
        found = _revision(engine, directory.database)
        if found == REVISIONS[-1]:
            return
        if found is not None:
            _keep_copy(directory, found)
        with engine.begin() as connection:
            _upgrade(connection)
            _check_references(connection, directory.database)
    finally:
        engine.dispose()
    _log.info("the database has schema %s now (before: %s)", REVISIONS[-1], found or "none")


def require_newest(engine: Engine, database: Path) -> None:
    """Raises `NotMigrated`, `TooNew`, `Damaged`, unless the database has the newest schema."""
    found = _revision(engine, database)
    if found != REVISIONS[-1]:
        raise NotMigrated(database, found)


def require_known(connection: Any, database: Path) -> None:  # noqa: ANN401 - the driver has no types
    """The same for a connection of the driver, where an older schema will do. Raises `TooNew`, `Damaged`."""
    row = connection.execute("SELECT version_num FROM alembic_version").fetchone()
    if row is None:
        raise Damaged(database, "it has no schema version")
    _known(row[0], database)


def _revision(engine: Engine, database: Path) -> str | None:
    """The revision of the database, None for an empty one."""
    try:
        with engine.connect() as connection:
            tables = inspect(connection).get_table_names()
            if "alembic_version" in tables:
                found = connection.exec_driver_sql("SELECT version_num FROM alembic_version").scalar()
                return _known(str(found), database)
    except OperationalError as error:
        raise Unusable(database, error.orig) from None
    except DBAPIError as error:
        raise Damaged(database, str(error.orig)) from None
    if tables:
        raise Damaged(database, "it has tables, but no schema version")
    return None


def _known(revision: str, database: Path) -> str:
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


def _check_references(connection: Connection, database: Path) -> None:
    """Rebuilding a table drops it, so references are not enforced meanwhile; they have to hold afterwards."""
    if connection.exec_driver_sql("PRAGMA foreign_key_check").first() is not None:
        raise Damaged(database, "rows refer to others that are missing")


def _keep_copy(directory: DataDirectory, revision: str) -> None:
    stamp = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime())
    try:
        directory.backups.mkdir(mode=0o700, exist_ok=True)
    except OSError as error:
        raise NotWritable(directory.backups, error) from None
    copy_database(directory.database, directory.backups / f"{stamp}-schema-{revision}.sqlite3")
    for old in sorted(directory.backups.glob("*-schema-*.sqlite3"))[:-COPIES_KEPT]:
        old.unlink(missing_ok=True)
