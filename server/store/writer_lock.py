"""Which of the processes over one SQLite database writes: the one that has the lock of this file.

The kernel gives it to the next as soon as the last one is dead, however it died; one that is stopped keeps it.
"""

from __future__ import annotations

import fcntl
import os
from pathlib import Path

from server.store.errors import NotWritable

_FILE_OF_OWNER = 0o600


class WriterLock:
    """Of the data directory `data`. To be opened by each process for itself: what is inherited counts as one.

    Raises
    ------
    NotWritable
    """

    __slots__ = ("_descriptor", "_is_held")

    def __init__(self, data: Path) -> None:
        try:
            self._descriptor = os.open(data / "writer.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, _FILE_OF_OWNER)
        except OSError as error:
            raise NotWritable(data, error) from None
        self._is_held = False

    def take(self) -> bool:
        """Whether this process has it now; harmless to ask again."""
        if not self._is_held:
            try:
                fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                return False
            self._is_held = True
        return True

    def close(self) -> None:
        """Whoever waits for it has it next."""
        os.close(self._descriptor)
