"""The figures as text: a row a server, then what was aimed at beside what was found.

Phoenix and ejabberd were not run here: their rows stand as measured elsewhere, beside a floor of 6.8 us, and times in
them are scaled by the floor of this run (full speed; the rhythm of the other one is not known). Memory is not scaled.
"""

from __future__ import annotations

from typing import Any

Figures = dict[str, Any]

FLOOR_ELSEWHERE_US = 6.8
ELSEWHERE = {
    # KB of an idle connection, us of CPU for a delivery, p50 and p99 in ms
    "Phoenix channels": ((21.8, 24.0), (12.0, 17.0), 2.5, 8.5),
    "ejabberd, stored": ((45.0, 57.0), (68.0, 68.0), 13.0, 31.0),
}
PEERS = ("websockets", "Node ws")
OURS, PASSING = "Hubbub, stored", "Hubbub, not stored"
SERVERS = (OURS, PASSING, *PEERS, "floor", "floor, not stored", "fdatasync")
DASH = "-"
COLUMNS = ("", "KB idle", "us/delivery: 1", "8 in flight", "at 20/s", "p50 / p99 ms", "connects/s", "us each")


def text_of(figures: Figures) -> str:
    """The whole table. What was not measured is a dash, or left out where nothing of a row was."""
    found = [row for name in SERVERS for row in _rows(figures, name)]
    rows = [COLUMNS, *(row for row in found if any(cell != DASH for cell in row[1:])), *_elsewhere(figures)]
    widths = [max(len(row[place]) for row in rows) for place in range(len(COLUMNS))]
    lines = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]
    aims = [f"{what:<66} {found:>14}   aim {aim}" for what, found, aim in _aims(figures) if found[0] != DASH]
    return "\n".join([*lines, "", *aims])


def _rows(figures: Figures, name: str) -> list[tuple[str, ...]]:
    """One row; a floor has one for each rhythm."""
    if not name.startswith("floor"):
        return [_row(figures, name, name)]
    return [_row(figures, name, f"{name}, {rhythm}") for rhythm in ("same rhythm", "full speed")]


def _row(figures: Figures, name: str, under: str) -> tuple[str, ...]:
    server = "Hubbub" if name == OURS else name
    timed = under == name or under.endswith("same rhythm")
    p50, p99 = (_number(figures, "latency", name, what) for what in ("p50_ms", "p99_ms"))
    at_rest = _number(figures, "latency", name, "cpu_us") if name != "fdatasync" else None
    return (
        under if _was_run(figures, name) else f"{under} (not installed)",
        _shown(_thousandth(figures.get("memory", {}).get(server, {}).get("bytes_per_connection"))),
        _shown(_number(figures, "deliveries", f"{under}, 1 in flight", "cpu_us")),
        _shown(_number(figures, "deliveries", f"{under}, 8 in flight", "cpu_us")),
        _shown(at_rest if timed else None),
        f"{_shown(p50)} / {_shown(p99)}" if timed and p50 is not None else DASH,
        _shown(_number(figures, "connects", server, "per_second"), 0),
        _shown(_number(figures, "connects", server, "cpu_us"), 0),
    )


def _was_run(figures: Figures, name: str) -> bool:
    return name in figures["peers"] or name not in PEERS


def _elsewhere(figures: Figures) -> list[tuple[str, ...]]:
    floor = _number(figures, "deliveries", "floor, full speed, 1 in flight", "cpu_us")
    if floor is None:
        return []
    scale = floor / FLOOR_ELSEWHERE_US
    return [
        (
            f"{name} (scaled from another run)", f"{memory[0]:.1f}-{memory[1]:.1f}",
            _range(cpu[0] * scale, cpu[1] * scale), DASH, DASH, f"{p50 * scale:.2f} / {p99 * scale:.2f}", DASH, DASH,
        )
        for name, (memory, cpu, p50, p99) in ELSEWHERE.items()
    ]  # fmt: skip


def _aims(figures: Figures) -> list[tuple[str, str, str]]:
    """What, what was found, what was aimed at."""
    peers = [name for name in PEERS if name in figures["peers"]]
    best = {
        what: min((n for name in peers if (n := _number(figures, "latency", name, what)) is not None), default=None)
        for what in ("p50_ms", "p99_ms")
    }
    memory = figures.get("memory", {}).get("Hubbub", {}).get("bytes_per_connection")
    big = figures.get("big_room", {})
    reached = big.get("reached_all_seconds", {}).get("median")
    return [
        ("idle connection, bytes", _shown(memory, 0), "<= 1024"),
        *(_against_floor(figures, who, in_flight, aim) for who, in_flight, aim in FLOOR_AIMS),
        *(
            (f"not stored, 20/s x 200, {what[:3]} in ms", _shown(_number(figures, "latency", PASSING, what)),
             f"<= best peer: {_shown(best[what])}")
            for what in ("p50_ms", "p99_ms")
        ),
        *(_stored_latency(figures, what, aim) for what, aim in (("p50_ms", "3.5"), ("p99_ms", "9"))),
        ("authenticated connects a second", _shown(_number(figures, "connects", "Hubbub", "per_second"), 0), ">= 4000"),
        ("a post, reading to acknowledgement, us of CPU, 200 posters",
         _shown(_number(figures, "posts", "Hubbub", "cpu_us"), 0), "<= 120"),
        ("room of 18,000: seconds until all have it", _shown(reached), "<= 0.25"),
        ("room of two meanwhile, p99 in ms", _shown(big.get("room_of_two_meanwhile_p99_ms")), "<= 15"),
    ]  # fmt: skip


FLOOR_AIMS = ((PASSING, 1, "1.25"), (OURS, 1, "1.8"), (PASSING, 8, "0.35"), (OURS, 8, "0.35"))


def _against_floor(figures: Figures, who: str, in_flight: int, aim: str) -> tuple[str, str, str]:
    same, full = (
        _number(figures, "deliveries", f"{who}, {in_flight} in flight", what)
        for what in ("of_floor", "of_floor_at_full_speed")
    )
    what = f"{who}, {in_flight} in flight: times the floor (at full speed)"
    return what, f"{_shown(same)} ({_shown(full)})", f"<= {aim}"


def _stored_latency(figures: Figures, what: str, aim: str) -> tuple[str, str, str]:
    found, synced = (_number(figures, "latency", name, what) for name in (OURS, "fdatasync"))
    times = _shown(found / synced, 1) if found is not None and synced else DASH
    title = f"stored, 20/s x 200, {what[:3]} in ms (times a bare fdatasync)"
    return title, f"{_shown(found)} ({times})", f"<= {aim}"


def _number(figures: Figures, section: str, who: str, what: str) -> float | None:
    found = figures.get(section, {}).get(who, {}).get(what)
    return None if found is None else float(found["median"])


def _thousandth(value: float | None) -> float | None:
    return None if value is None else value / 1_000


def _shown(value: float | None, digits: int = 2) -> str:
    return DASH if value is None else f"{value:,.{digits}f}"


def _range(low: float, high: float) -> str:
    return _shown(low) if low == high else f"{_shown(low)}-{_shown(high)}"
