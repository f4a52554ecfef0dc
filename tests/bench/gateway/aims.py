"""What was aimed at, beside what was found. Nobody fails by these: timing is not a test."""

from __future__ import annotations

from collections.abc import Iterator

from tests.bench.gateway.figures import DISK, OURS, PASSING, Figures, contest, shown

Line = tuple[str, str, str]
"""What, what was found, what was aimed at."""

FLOOR_AIMS = ((PASSING, 1, 1.25), (OURS, 1, 1.8), (PASSING, 8, 0.35), (OURS, 8, 0.35))
STORED_LATENCY_AIMS = (("p50", 3.5), ("p99", 9.0))


def aims(figures: Figures) -> Iterator[Line]:
    """The lines of all parts that were measured."""
    parts = {
        "memory": _memory,
        "deliveries": _deliveries,
        "latency": _latency,
        "connects": _connects,
        "posts": _posts,
        "big_room": _big_room,
    }
    for name, lines in parts.items():
        if name in figures.parts:
            yield from lines(figures)


def _memory(figures: Figures) -> Iterator[Line]:
    yield "idle connection: bytes", shown(figures.median("memory", OURS, "bytes_per_connection"), 0), "<= 1,024"


def _deliveries(figures: Figures) -> Iterator[Line]:
    for who, in_flight, aim in FLOOR_AIMS:
        same, full = (
            figures.median("deliveries", contest(who, in_flight), what)
            for what in ("of_floor", "of_floor_at_full_speed")
        )
        found = f"{shown(same)} ({shown(full)})"
        yield f"{who}, {in_flight} in flight: times the floor (at full speed)", found, f"<= {aim}"


def _latency(figures: Figures) -> Iterator[Line]:
    for what in ("p50", "p99"):
        peers = [ms for name in figures.peers if (ms := figures.median("latency", name, f"{what}_ms"))]
        found, best = shown(figures.median("latency", PASSING, f"{what}_ms")), shown(min(peers, default=None))
        yield f"not stored: {what} in ms", found, f"<= {best}, the best peer"
    for what, aim in STORED_LATENCY_AIMS:
        stored, synced = (figures.median("latency", name, f"{what}_ms") for name in (OURS, DISK))
        times = shown(stored / synced, 1) if stored and synced else "-"
        yield f"stored: {what} in ms (times a bare fdatasync)", f"{shown(stored)} ({times})", f"<= {aim}"


def _connects(figures: Figures) -> Iterator[Line]:
    yield "authenticated connects a second", shown(figures.median("connects", OURS, "per_second"), 0), ">= 4,000"


def _posts(figures: Figures) -> Iterator[Line]:
    all_, main, others = (
        shown(figures.median("posts", OURS, what), 0) for what in ("cpu_us", "main_thread_us", "other_threads_us")
    )
    yield "a post, us of CPU (main thread + transactions)", f"{all_} ({main} + {others})", "<= 120"


def _big_room(figures: Figures) -> Iterator[Line]:
    reached, meanwhile = (figures.median("big_room", OURS, what) for what in ("reached_all_s", "meanwhile_p99_ms"))
    yield "room of 18,000: seconds until all have it", shown(reached), "<= 0.25"
    yield "room of two meanwhile: p99 in ms", shown(meanwhile), "<= 15"
