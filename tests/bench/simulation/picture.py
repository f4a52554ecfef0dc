"""The plot of what was simulated: four panels over the number of nodes."""

from __future__ import annotations

from itertools import cycle
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import matplotlib as mpl
from matplotlib.figure import Figure

from tests.bench.simulation.engine_load import EngineLoad

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from tests.bench.simulation.run import Simulated

COLOURS = ("#3b82c4", "#d9822b", "#2f9e5f", "#d64545", "#8e6bbf")
STYLE: Final[Any] = {
    "font.size": 9,
    "axes.grid": True,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "grid.alpha": 0.25,
    "legend.frameon": False,
}


def draw(found: Simulated, file: Path) -> None:
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(11, 7.5), layout="constrained")
        (shards, relays), (packets, engine) = figure.subplots(2, 2)
        _shards(found, shards)
        _by_plan(found, relays, "relays for each person", lambda one: one.traffic.relays)
        _by_plan(found, packets, "packets between nodes for each post", lambda one: one.traffic.packets)
        _engine(found.engine["each:10"], engine)
        for axes in (shards, relays, packets, engine):
            axes.set_xscale("log")
            axes.set_xlabel("nodes")
            axes.legend(fontsize=8)
        figure.savefig(file, dpi=110, facecolor="white", metadata={"Software": None})


def _shards(found: Simulated, axes: Axes) -> None:
    nodes = [one.nodes for one in found.balance]
    axes.plot(
        nodes, [one.most_to_mean for one in found.balance], "o-", ms=3, label="shards of who has most, to the mean"
    )
    axes.plot(nodes, [one.owners / one.nodes for one in found.balance], "o-", ms=3, label="share of nodes that own any")
    axes.set_yscale("log")
    axes.set_title("1,024 shards")


def _by_plan(found: Simulated, axes: Axes, title: str, of: object) -> None:
    assert callable(of)
    for plan, colour in zip(found.engine, cycle(COLOURS), strict=False):
        these = [one for one in found.relayed if one.plan == plan]
        nodes = [one.traffic.nodes for one in these]
        axes.plot(nodes, [of(one) for one in these], "o-", ms=3, color=colour, label=f"rooms: {plan}")
    axes.set_yscale("log")
    axes.set_title(title)


def _engine(loads: list[EngineLoad], axes: Axes) -> None:
    nodes = [one.nodes for one in loads]
    for label in ("posts", "heads", "acknowledgements", "beats", "entries"):
        name, line = ("numbers of nodes that are read", "--") if label == "entries" else (label, "o-")
        axes.plot(nodes, [getattr(one, label) for one in loads], line, ms=3, label=name)
    axes.set_yscale("log")
    axes.set_ylim(bottom=1)
    axes.set_title("a second in the engine, rooms of ten, 18,000 people a node")
