"""`data/run/`: sockets between the processes of one parent, for their owner alone.

The rule: its sockets are bound and reached through the directory's descriptor (`/proc/self/fd/N/name`), because the
path of a socket may have 107 bytes only (unix(7)), and a data directory can be deeper than that.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from server.store.errors import NotWritable


class RunDirectory:
    """The open directory. Its descriptor is inherited by forked children, for whom the same addresses hold.

    Parameters
    ----------
    data
        The data directory, which is there and locked.

    Raises
    ------
    NotWritable
    """

    def __init__(self, data: Path) -> None:
        self.path = data / "run"
        try:
            self.path.mkdir(mode=0o700, exist_ok=True)
            self.path.chmod(0o700)
            self._descriptor = os.open(self.path, os.O_DIRECTORY | os.O_CLOEXEC)
        except OSError as error:
            raise NotWritable(self.path, error) from None

    def address(self, name: str) -> str:
        """Where this process binds or reaches the socket `name`."""
        return f"/proc/self/fd/{self._descriptor}/{name}"

    def names(self, suffix: str) -> Iterator[str]:
        """What there is that ends with `suffix`."""
        return (name for name in sorted(os.listdir(self._descriptor)) if name.endswith(suffix))

    def remove(self, name: str) -> None:
        """Take `name` out, if it is there."""
        with suppress(FileNotFoundError):
            os.unlink(name, dir_fd=self._descriptor)

    def clear(self) -> None:
        """Take out what others have left behind."""
        for name in os.listdir(self._descriptor):
            self.remove(name)

    def close(self) -> None:
        os.close(self._descriptor)
