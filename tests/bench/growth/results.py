"""What a run of `make bench-growth` comes to, in one typed value: its results.json."""

from __future__ import annotations

from pathlib import Path

import msgspec
from msgspec import Struct

from tests.bench.growth.beside import Beside
from tests.bench.growth.flat import Flatness, Line
from tests.bench.growth.points import Point


class Growth(Struct, frozen=True, kw_only=True):
    """Everything. `flat`: by the series' name. `lines`: what has a fixed part and one for each member, or room."""

    command: list[str]
    points: list[Point]
    flat: dict[str, list[Flatness]]
    lines: list[Line] = []
    beside: Beside | None = None


def write(growth: Growth, file: Path) -> None:
    file.write_bytes(msgspec.json.format(msgspec.json.encode(growth), indent=1) + b"\n")


def read(file: Path) -> Growth:
    """Raises `msgspec.DecodeError` for what is none."""
    return msgspec.json.decode(file.read_bytes(), type=Growth)
