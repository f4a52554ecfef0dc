"""Copies that people ask for: made while a server serves, and put back while none does.

The rules: nothing is overwritten, what a restore replaces is moved to `backups/`; a copy is read to its last page
before anything is touched; every room of a restored database gets a new log id, because clients hold places in a log
whose end is no more.
"""

from __future__ import annotations

import os
import time
from contextlib import closing, suppress
from pathlib import Path

import pysqlite3.dbapi2 as driver

from server.store.copying import check_database, copy_database
from server.store.directory import DataDirectory, sync_directory
from server.store.errors import AlreadyThere, Damaged, NotWritable
from server.store.ids import new_id
from server.store.migrating import require_known


def back_up(data: Path, target: Path) -> None:
    """Copy the database of `data` to the new file `target`. A server may be serving it.

    Raises
    ------
    StoreError
        `AlreadyThere`, `CopyFailed`: no file is left behind.
    """
    copy_database(DataDirectory(data).database, target)


def restore(data: Path, source: Path, *, replace: bool = False) -> Path | None:
    """Put the copy `source` into the data directory, which is made if it is missing.

    Parameters
    ----------
    replace
        A database that is there already may be moved aside.

    Returns
    -------
    Where the former database is now, if there was one.

    Raises
    ------
    StoreError
        `InUse`, `NotWritable`, `AlreadyThere`; `CopyFailed`, `Damaged`, `TooNew` for the copy. Nothing is changed.
    """
    directory = DataDirectory(data)
    directory.make()
    with directory.lock():
        if _holds_data(directory.database) and not replace:
            raise AlreadyThere(directory.database, ": a restore would replace it")
        arriving = directory.path / "restoring.sqlite3"
        _remove(arriving)
        try:
            copy_database(source, arriving)
            _make_ready(arriving, source)
            former = _move_aside(directory) if _holds_data(directory.database) else None
            arriving.replace(directory.database)
            sync_directory(directory.path)
        except OSError as error:
            raise NotWritable(data, error) from None
        finally:
            _remove(arriving)
    return former


def _make_ready(arriving: Path, source: Path) -> None:
    """Check the copy, and give every room a new log."""
    check_database(arriving)
    at = time.time_ns() // 1_000_000
    try:
        with closing(driver.connect(arriving)) as connection:
            require_known(connection, source)
            rooms = connection.execute("SELECT id FROM rooms").fetchall()
            logs = [(new_id("l", at), room) for (room,) in rooms]
            connection.executemany("UPDATE rooms SET log = ? WHERE id = ?", logs)
            connection.commit()
    except driver.DatabaseError as error:
        raise Damaged(source, str(error)) from None


def _holds_data(database: Path) -> bool:
    return database.exists() and database.stat().st_size > 0


def _move_aside(directory: DataDirectory) -> Path:
    """Move the database to `backups/`, with what is in its write-ahead log.

    The log goes first: next to another database it would be taken for that one's.
    """
    directory.backups.mkdir(mode=0o700, exist_ok=True)
    stamp = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime())
    aside = directory.backups / f"{stamp}-{os.getpid()}-replaced.sqlite3"
    _fold_log(directory.database)
    for suffix in ("-wal", ""):
        with suppress(FileNotFoundError):
            _with_suffix(directory.database, suffix).rename(_with_suffix(aside, suffix))
    with suppress(FileNotFoundError):
        _with_suffix(directory.database, "-shm").unlink()
    sync_directory(directory.backups)
    sync_directory(directory.path)
    return aside


def _fold_log(database: Path) -> None:
    """Copy the write-ahead log into its database. One that is too broken for that is moved as it is."""
    with suppress(driver.DatabaseError), closing(driver.connect(database)) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").close()


def _with_suffix(database: Path, suffix: str) -> Path:
    return database.with_name(database.name + suffix)


def _remove(path: Path) -> None:
    with suppress(FileNotFoundError):
        path.unlink()
