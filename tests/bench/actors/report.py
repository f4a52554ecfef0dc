"""From samples to medians, ratios and a table; and what machine this is. No process is started here."""

from __future__ import annotations

import datetime
import os
import platform
import statistics
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tests.bench.actors.figures import ERLANG, OURS, Figure

Samples = dict[tuple[str, str], list[dict[str, float]]]
"""What the processes printed, by figure and contestant."""
Summary = dict[str, dict[str, Any]]
"""By figure: the medians of each contestant, Erlang's better one, the ratio to it, the goal, and whether it holds."""

PEERS = ("Erlang hibernated", "Erlang bare processes", "ours, no garbage policy", "trio task", "triotp", "pykka")
IDLE = 0.5
"""A load average up to which a machine counts as idle."""


def summary_of(chosen: Sequence[Figure], samples: Samples) -> Summary:
    """Every figure that was taken."""
    return {figure.name: _summary(figure, samples) for figure in chosen}


def _summary(figure: Figure, samples: Samples) -> dict[str, Any]:
    contestants = {
        run.contestant: _spread(samples[figure.name, run.contestant])
        for run in figure.runs
        if (figure.name, run.contestant) in samples
    }
    ours = contestants[OURS][figure.value]["median"]
    erlang = [contestants[name][figure.value]["median"] for name in ERLANG if figure.value in contestants.get(name, {})]
    ratio = ours / min(erlang) if erlang else None
    met: bool | None
    if figure.most is not None:
        goal, met = f"<= {figure.most:g} {figure.unit}", ours <= figure.most
    elif figure.times is not None:
        goal, met = f"<= {figure.times:g} x Erlang", None if ratio is None else ratio <= figure.times
    else:
        goal, met = "stated", None
    return {
        "what": figure.text,
        "unit": figure.unit,
        "ours": ours,
        "erlang": min(erlang) if erlang else None,
        "ratio": None if ratio is None else round(ratio, 3),
        "goal": goal,
        "met": met,
        "contestants": contestants,
    }


def _spread(runs: list[dict[str, float]]) -> dict[str, dict[str, Any]]:
    """Median and quartiles of every value."""
    return {name: _quartiles([values[name] for values in runs]) for name in runs[0]}


def _quartiles(values: list[float]) -> dict[str, Any]:
    low, median, high = statistics.quantiles(values, n=4, method="inclusive") if len(values) > 1 else values * 3
    return {"median": _short(median), "quartiles": [_short(low), _short(high)], "rounds": len(values)}


def _short(value: float) -> float:
    return round(value, 3 if value < 10 else 1)


def table_of(chosen: Sequence[Figure], summary: Summary, absent: dict[str, str]) -> str:
    """The table, a row a figure, and a line for each contestant that is no supervised peer of it."""
    header = ("", "unit", "ours", "quartiles", "Erlang", "quartiles", "ratio", "goal", "met")
    rows = [header, *(_row(summary[figure.name], figure.value) for figure in chosen)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(header))]
    lines = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]
    lines += ["", *(line for figure in chosen for line in _others(summary[figure.name], figure))]
    return "\n".join([*lines, *(f"{name}: {why}" for name, why in absent.items())])


def _row(figure: dict[str, Any], value: str) -> tuple[str, ...]:
    contestants = figure["contestants"]
    erlang = [contestants[name][value] for name in ERLANG if value in contestants.get(name, {})]
    faster = min(erlang, key=lambda spread: spread["median"], default=None)
    return (
        figure["what"],
        figure["unit"],
        _shown(figure["ours"]),
        _range(contestants[OURS][value]),
        "-" if faster is None else _shown(faster["median"]),
        "-" if faster is None else _range(faster),
        "-" if figure["ratio"] is None else f"{figure['ratio']:.2f}",
        figure["goal"],
        {True: "yes", False: "no", None: "-"}[figure["met"]],
    )


def _others(summary: dict[str, Any], figure: Figure) -> list[str]:
    """Beside ours: peers, and everything else that was printed of a figure with several values."""
    contestants = summary["contestants"]
    several = any(len(spreads) > 1 for spreads in contestants.values())
    shown = [name for name in contestants if several or name in PEERS]
    return [
        f"{figure.name}: {name}: "
        + ", ".join(f"{value} {_shown(spread['median'])}" for value, spread in contestants[name].items())
        for name in shown
    ]


def _range(spread: dict[str, Any]) -> str:
    low, high = spread["quartiles"]
    return "one round" if spread["rounds"] == 1 else f"{_shown(low)}-{_shown(high)}"


def _shown(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"


def machine() -> dict[str, Any]:
    """Where and when; read before anything is started, so the load is that of others."""
    load = os.getloadavg()[0]
    cpus = Path("/proc/cpuinfo").read_text().splitlines()
    model = next((line.partition(":")[2].strip() for line in cpus if line.startswith("model name")), platform.machine())
    return {
        "cpython": platform.python_version(),
        "kernel": platform.release(),
        "cpu": model,
        "cpus": os.cpu_count(),
        "memory_gib": round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30, 1),
        "date": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        "load_before": load,
        "idle": load <= IDLE,
    }
