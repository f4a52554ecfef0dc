"""A zip archive that nobody ever holds: its bytes come out while it is made.

Python's `zipfile` writes such archives itself, to a file that cannot be sought in; here that file is what was not taken
yet. Large ones are possible (zip64), because an entry is begun before its size is known.
"""

from __future__ import annotations

from io import RawIOBase
from typing import IO
from zipfile import ZIP_DEFLATED, ZipFile


class _NotTakenYet(RawIOBase):
    """Bytes that were written, until they are taken."""

    def __init__(self) -> None:
        super().__init__()
        self._parts: list[bytes] = []

    def writable(self) -> bool:
        return True

    def write(self, data: object, /) -> int:
        part = bytes(data)  # type: ignore[call-overload]
        self._parts.append(part)
        return len(part)

    def take(self) -> bytes:
        parts, self._parts = self._parts, []
        return b"".join(parts)


class Archive:
    """One archive, entry by entry. Compressing takes the processor: call it in a thread, one at a time."""

    def __init__(self) -> None:
        self._out = _NotTakenYet()
        self._zip = ZipFile(self._out, "w", ZIP_DEFLATED)
        self._entry: IO[bytes] | None = None

    def begin(self, name: str) -> None:
        """The entry that follows, after the end of the one before."""
        self._end()
        self._entry = self._zip.open(name, "w", force_zip64=True)

    def write(self, data: bytes) -> bytes:
        """More of the entry; what of the archive can leave."""
        assert self._entry is not None, "no entry was begun"
        self._entry.write(data)
        return self._out.take()

    def finish(self) -> bytes:
        """The rest of the archive."""
        self._end()
        self._zip.close()
        return self._out.take()

    def _end(self) -> None:
        if self._entry is not None:
            self._entry.close()
            self._entry = None
