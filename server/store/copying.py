"""One file of SQLite copied to another, whole or not at all.

The copy is one snapshot, also while a server writes (SQLite's online backup in a single step, which only reads). It
is written under a temporary name, reaches the disk, and only then gets its own, which must be free. `VACUUM INTO`
would give a smaller file, but reads every row through the b-trees and takes several times as long.
"""

from __future__ import annotations

import os
from contextlib import closing, suppress
from pathlib import Path

import pysqlite3.dbapi2 as driver

from server.store.directory import sync_directory, touch
from server.store.errors import AlreadyThere, CopyFailed, Damaged
from server.store.sqlite import uri


def copy_database(source: Path, target: Path) -> None:
    """Copy `source` to `target`, readable for the owner alone.

    Raises
    ------
    AlreadyThere, CopyFailed, Damaged
        Nothing is left behind.
    """
    if not source.is_file():
        raise CopyFailed(target, f"there is no database {source}")
    try:
        _reserve(target)
        _fill(source, target)
    except OSError as error:
        raise CopyFailed(target, error.strerror) from None
    except driver.DatabaseError as error:
        raise CopyFailed(target, error) from None


def check_database(database: Path) -> None:
    """Read all of a database that nobody writes. Raises `Damaged` with the first thing that is wrong with it."""
    try:
        with closing(driver.connect(uri(database, "ro"), uri=True)) as connection:
            found = connection.execute("PRAGMA integrity_check(1)").fetchone()[0]
    except driver.DatabaseError as error:
        raise Damaged(database, str(error)) from None
    if found != "ok":
        raise Damaged(database, found)


def _reserve(target: Path) -> None:
    """Take the name, so that nobody else can between now and the renaming."""
    try:
        os.close(os.open(target, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
    except FileExistsError:
        raise AlreadyThere(target) from None


def _fill(source: Path, target: Path) -> None:
    """Copy to a reserved name; it is free again if that fails."""
    partial = target.with_name(f".{target.name}.{os.getpid()}.partial")
    try:
        touch(partial)
        _copy(source, partial)
        _sync(partial)
        partial.replace(target)
        sync_directory(target.parent)
    except BaseException:
        for left in (partial, target):
            with suppress(OSError):
                left.unlink()
        raise


def _copy(source: Path, target: Path) -> None:
    with (
        closing(driver.connect(uri(source, "ro"), uri=True)) as reading,
        closing(driver.connect(target)) as writing,
    ):
        reading.backup(writing, pages=-1)
        # One self-contained file: a copy that needed its own write-ahead log would not survive being moved about.
        writing.execute("PRAGMA journal_mode = DELETE").close()


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
