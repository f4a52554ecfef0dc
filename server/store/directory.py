"""The data directory: what lies where, who may look into it, and whose it is.

The rules: it belongs to one serving process at a time, by an advisory lock (`flock`) that the kernel takes back
however that process ends; so the file may stay behind, and the process id in it is only a name for the message.
Everything in it is for its owner alone, because it holds what people said to each other.
"""

from __future__ import annotations

import fcntl
import os
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Final

from server.store.errors import InUse, NotWritable

_OWNER_ONLY: Final = 0o700
_FILE_OF_OWNER: Final = 0o600


class DataDirectory:
    """Paths below `path`. Nothing is touched before a method is called."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.database = path / "hubbub.sqlite3"
        self.backups = path / "backups"
        self._lock = path / "lock"

    def make(self) -> None:
        """Make the directory, if it is missing. Raises `NotWritable`."""
        try:
            missing = not self.path.exists()
            self.path.mkdir(mode=_OWNER_ONLY, parents=True, exist_ok=True)
        except OSError as error:
            raise NotWritable(self.path, error) from None
        if missing:
            with suppress(PermissionError):
                sync_directory(self.path.parent)

    def make_database(self) -> None:
        """An empty database for the owner alone, unless there is one. Raises `NotWritable`."""
        try:
            touch(self.database)
            sync_directory(self.path)
        except OSError as error:
            raise NotWritable(self.path, error) from None

    def lock(self) -> DirectoryLock:
        """Make this process the owner. Raises `InUse`, `NotWritable`."""
        try:
            descriptor = os.open(self._lock, os.O_RDWR | os.O_CREAT, _FILE_OF_OWNER)
        except OSError as error:
            raise NotWritable(self.path, error) from None
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            pid = _pid(os.pread(descriptor, 32, 0))
            os.close(descriptor)
            raise InUse(self.path, pid) from None
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, b"%d\n" % os.getpid(), 0)
        return DirectoryLock(descriptor)


class DirectoryLock:
    """Held until closed, or until the process ends."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor: int | None = descriptor

    @property
    def descriptor(self) -> int:
        """It is held as long as this is open anywhere: also in children that inherited it, or in another program."""
        assert self._descriptor is not None, "it was closed"
        return self._descriptor

    def close(self) -> None:
        descriptor, self._descriptor = self._descriptor, None
        if descriptor is not None:
            os.close(descriptor)

    def __enter__(self) -> DirectoryLock:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def touch(path: Path) -> None:
    """An empty file for the owner alone, unless there is a file. SQLite gives its log files the same mode."""
    os.close(os.open(path, os.O_RDWR | os.O_CREAT, _FILE_OF_OWNER))


def sync_directory(path: Path) -> None:
    """What was made, renamed or removed in it survives a power cut."""
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _pid(written: bytes) -> int | None:
    return int(written) if written.strip().isdigit() else None
