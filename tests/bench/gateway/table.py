"""The figures as text: a row a server, then the aims.

Phoenix and ejabberd were not run here: their rows stand as measured elsewhere, beside a floor of 6.8 us, and times in
them are scaled by the floor of this run (at full speed: the rhythm of the other one is not known). Memory is not
scaled.
"""

from __future__ import annotations

from collections.abc import Iterator

from tests.bench.gateway.aims import aims
from tests.bench.gateway.figures import (
    DISK,
    FLOOR,
    FULL_SPEED,
    NODE,
    OURS,
    OVER_TLS,
    PASSING,
    PASSING_FLOOR,
    SAME_RHYTHM,
    WEBSOCKETS,
    Figures,
    contest,
    shown,
)

Row = tuple[str, ...]

FLOOR_ELSEWHERE_US = 6.8
ELSEWHERE = {
    # KB of an idle connection, us of CPU for a delivery, p50 and p99 in ms
    "Phoenix channels": ("21.8-24", (12.0, 17.0), 2.5, 8.5),
    "ejabberd, stored": ("45-57", (68.0,), 13.0, 31.0),
}
COLUMNS = ("", "KB idle", "us/delivery: 1", "8 in flight", "at 20/s", "p50 / p99 ms", "connects/s", "us each")


def text_of(figures: Figures) -> str:
    """The whole table. What was not measured is a dash, or left out where nothing of a row was."""
    rows = [COLUMNS, *(row for row in _rows(figures) if any(cell not in ("-", "- / -") for cell in row[1:]))]
    widths = [max(len(row[place]) for row in rows) for place in range(len(COLUMNS))]
    lines = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]
    return "\n".join([*lines, "", *(f"{what:<66} {found:>18}   aim {aim}" for what, found, aim in aims(figures))])


def _rows(figures: Figures) -> Iterator[Row]:
    for name in (OURS, OVER_TLS, PASSING):
        yield _row(figures, name, name)
    for name in (WEBSOCKETS, NODE):
        if name in figures.peers:
            yield _row(figures, name, f"{name} {figures.peers[name]}")
        else:
            yield (name, *["not installed"] * (len(COLUMNS) - 1))
    for name in (FLOOR, PASSING_FLOOR):
        for rhythm in (SAME_RHYTHM, FULL_SPEED):
            deliveries = _deliveries(figures, f"{name}, {rhythm}")
            timed = _timed(figures, name) if rhythm == SAME_RHYTHM else ("-", "-")
            yield (f"{name}, {rhythm}", "-", *deliveries, *timed, "-", "-")
    yield (DISK, "-", "-", "-", *_timed(figures, DISK), "-", "-")
    yield from _elsewhere(figures)


def _row(figures: Figures, name: str, title: str) -> Row:
    size = figures.median("memory", name, "bytes_per_connection")
    return (
        title,
        shown(None if size is None else size / 1_000),
        *_deliveries(figures, name),
        *_timed(figures, name),
        shown(figures.median("connects", name, "per_second"), 0),
        shown(figures.median("connects", name, "cpu_us"), 0),
    )


def _deliveries(figures: Figures, name: str) -> Row:
    return tuple(shown(figures.median("deliveries", contest(name, in_flight), "cpu_us")) for in_flight in (1, 8))


def _timed(figures: Figures, name: str) -> Row:
    """What the latency run found."""
    cpu, p50, p99 = (shown(figures.median("latency", name, what)) for what in ("cpu_us", "p50_ms", "p99_ms"))
    return cpu, f"{p50} / {p99}"


def _elsewhere(figures: Figures) -> Iterator[Row]:
    floor = figures.median("deliveries", contest(f"{FLOOR}, {FULL_SPEED}", 1), "cpu_us")
    if floor is None:
        return
    scale = floor / FLOOR_ELSEWHERE_US
    for name, (memory, cpu, p50, p99) in ELSEWHERE.items():
        timed = f"{shown(p50 * scale)} / {shown(p99 * scale)}"
        deliveries = "-".join(shown(each * scale) for each in cpu)
        yield f"{name} (scaled from another run)", memory, deliveries, "-", "-", timed, "-", "-"
