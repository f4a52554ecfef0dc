"""What the load tells while it runs: a line of JSON every second, and the results as the last one.

The rule: a line counts when its end is there. The file is read while another process writes it.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import msgspec

from loadtest.scenarios.messages import Glance, Results


class Journal:
    """Reads on where it stopped.

    Attributes
    ----------
    results
        None until they came.
    """

    def __init__(self, file: Path) -> None:
        self.file = file
        self._read = 0
        self._rest = b""
        self.results: Results | None = None

    def news(self) -> Iterator[Glance]:
        """What has come since the last time. Raises `msgspec.DecodeError` for what is no journal."""
        for line in self._lines():
            if line.startswith(b'{"results"'):
                self.results = msgspec.json.decode(line, type=_Last).results
            else:
                yield msgspec.json.decode(line, type=Glance)

    def _lines(self) -> list[bytes]:
        try:
            with self.file.open("rb") as file:
                file.seek(self._read)
                new = file.read()
        except FileNotFoundError:
            return []
        self._read += len(new)
        *lines, self._rest = (self._rest + new).split(b"\n")
        return [line for line in lines if line.strip()]


class _Last(msgspec.Struct):
    results: Results
