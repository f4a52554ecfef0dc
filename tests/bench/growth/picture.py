"""The one plot of growth: memory above, CPU below; people on the left, rooms beside."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import matplotlib as mpl
from matplotlib.figure import Figure

from tests.bench.growth.points import Point

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_STYLE: Final[Any] = {
    "font.size": 9,
    "axes.grid": True,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "grid.alpha": 0.25,
    "legend.frameon": False,
}
_BYTES: Final = (("server_bytes", "server"), ("harness_bytes", "load"), ("kernel_bytes", "kernel, both ends"))
_CPU: Final = (("server_us", "server"), ("both_us", "server and load"))
_TITLES: Final = (
    ("people", "people"),
    ("rooms", "rooms of the same 10,000 people, ever smaller"),
    ("tens", "rooms of ten of the same 10,000 people"),
)
_COLOURS: Final = ("#3b82c4", "#2f9e5f", "#d9822b")


def draw(points: Sequence[Point], file: Path) -> None:
    """A column for each series that was measured; nothing, where none was."""
    columns = [(some, title) for series, title in _TITLES if (some := [one for one in points if one.series == series])]
    if not columns:
        return
    with mpl.rc_context(_STYLE):
        figure = Figure(figsize=(1 + 4.5 * len(columns), 7.5), layout="constrained")
        grid = figure.subplots(2, len(columns), squeeze=False)
        for column, (some, across) in enumerate(columns):
            for row, figures, up in ((0, _BYTES, "bytes a connection"), (1, _CPU, "us of CPU a delivery")):
                axes = grid[row][column]
                _plot(some, figures, axes)
                axes.set(xscale="log", yscale="log", xlabel=across, ylabel=up)
            if some[0].series != "people":
                _of_posts(some, grid[1][column])
        for axes in grid.flat:
            if axes.get_legend_handles_labels()[0]:
                axes.legend(fontsize=8)
        figure.savefig(file, dpi=110, facecolor="white", metadata={"Software": None})


def _plot(points: Sequence[Point], figures: Sequence[tuple[str, str]], axes: Axes) -> None:
    """One process as a line; many of them, as `hubbub prove` has measured, as a dashed one."""
    for one_process, line, mark in ((True, "o-", ""), (False, "s--", ", hubbub prove")):
        some = [point for point in points if (point.source == "one process") is one_process]
        for (name, label), colour in zip(figures, _COLOURS, strict=False):
            found = sorted((point.x, value) for point in some if (value := getattr(point, name) or 0.0) > 0)
            if found:
                across, up = zip(*found, strict=True)
                axes.plot(across, up, line, ms=4, color=colour, label=label + mark)


def _of_posts(rooms: Sequence[Point], axes: Axes) -> None:
    found = sorted((point.x, point.server_us_post) for point in rooms if point.server_us_post)
    if found:
        across, up = zip(*found, strict=True)
        axes.plot(across, up, "^:", ms=4, color="#8e6bbf", label="server, for each post")
