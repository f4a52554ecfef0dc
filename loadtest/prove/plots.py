"""The plots of a report: each is SVG that takes on the page's colours, and a PNG beside it.

The rules:
- Matplotlib is imported when a plot is made: it takes a second, and the command's help does not need it.
- Text and axes are drawn in one colour that is no one else's, which is then replaced by `currentColor`; so one SVG is
  readable on light and dark pages. Nothing in it points outside: fonts are the page's, namespaces are those that HTML
  knows by itself.
- A plot whose data was not measured is not made.
"""

from __future__ import annotations

import io
import os
import re
from collections.abc import Callable, Iterator, Sequence
from itertools import cycle, pairwise
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from loadtest.prove.growth import Growth
from loadtest.prove.results import Report
from loadtest.prove.sampling import HARNESS, SERVER, Sample
from loadtest.scenarios.messages import PhaseResult, Spectrum

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_INK: Final = "#010203"
_BLUE, _ORANGE, _GREEN, _RED, _VIOLET = "#3b82c4", "#d9822b", "#2f9e5f", "#d64545", "#8e6bbf"
"""Readable on white and on near black."""
_STYLE: Final[Any] = {
    "svg.fonttype": "none",
    "svg.hashsalt": "hubbub",
    "font.family": "sans-serif",
    "font.size": 9,
    "text.color": _INK,
    "axes.grid": True,
    "axes.axisbelow": True,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.labelcolor": _INK,
    "axes.edgecolor": _INK,
    "xtick.color": _INK,
    "ytick.color": _INK,
    "grid.color": _INK,
    "grid.alpha": 0.25,
    "legend.frameon": False,
}
_SIZE: Final = (7.6, 3.4)  # inches
_KIB: Final = 1024


class Plot(NamedTuple):
    """`name` is that of its file; `title` and `caption` are for people."""

    name: str
    title: str
    caption: str
    svg: str
    png: bytes


Draw = Callable[[Report, "Axes"], bool]
"""Draws; False where there is nothing to draw."""


def plots(report: Report) -> Iterator[Plot]:
    """All that this report has data for."""
    if not report.glances and not report.samples:
        return
    os.environ["MPLBACKEND"] = "agg"  # whatever a desktop or a notebook has set: nothing is shown here
    import matplotlib as mpl
    from matplotlib.figure import Figure

    for name, title, caption, draw in _ALL:
        with mpl.rc_context(_STYLE):
            figure = Figure(figsize=_SIZE, layout="constrained")
            if draw(report, figure.add_subplot()):
                yield Plot(name, title, caption, _svg(figure, name), _png(figure))


def _svg(figure: Figure, name: str) -> str:
    written = io.StringIO()
    figure.savefig(written, format="svg", transparent=True, metadata={"Date": None})
    return tidied(written.getvalue(), name)


def tidied(svg: str, name: str) -> str:
    """SVG as a part of a page: no prologue, metadata and namespaces, ids that are this plot's, the page's ink."""
    svg = svg[svg.index("<svg") :]
    svg = re.sub(r"<metadata>.*?</metadata>", "", svg, flags=re.DOTALL)
    svg = re.sub(r'\s+xmlns(:\w+)?="[^"]*"', "", svg)
    svg = re.sub(r'(\bid="|href="#|url\(#)', rf"\g<1>{name}-", svg)
    svg = re.sub(r'<svg[^>]*?viewBox="([^"]*)"[^>]*>', rf'<svg viewBox="\1" role="img" aria-labelledby="{name}">', svg)
    return svg.replace(_INK, "currentColor")


def _png(figure: Figure) -> bytes:
    written = io.BytesIO()
    figure.savefig(written, format="png", dpi=110, facecolor="white")
    return written.getvalue()


# --- one function a plot -------------------------------------------------------------------------------------


def _connected(report: Report, axes: Axes) -> bool:
    times = [glance.at for glance in report.glances]
    axes.plot(times, [glance.wanted for glance in report.glances], color=_ORANGE, ls="--", label="wanted")
    axes.plot(times, [glance.connected for glance in report.glances], color=_BLUE, label="connected")
    axes.plot(times, [glance.ready for glance in report.glances], color=_GREEN, label="welcome, with all they missed")
    _phases(report, axes)
    _axes(axes, "seconds", "connections")
    return bool(times)


def _connects(report: Report, axes: Axes) -> bool:
    rates = rate_over_time([(glance.at, glance.connects) for glance in report.glances])
    axes.plot([at for at, _ in rates], [rate for _, rate in rates], color=_BLUE, label="connects a second")
    _phases(report, axes)
    _axes(axes, "seconds", "a second")
    return any(rate for _, rate in rates)


def rate_over_time(counts: Sequence[tuple[float, int]]) -> list[tuple[float, float]]:
    """From how many there were by when, to how many a second."""
    pairs = pairwise(counts)
    return [(now, (count - before) / (now - then)) for (then, before), (now, count) in pairs if now > then]


def _memory_each(report: Report, axes: Axes) -> bool:
    memory = report.memory
    if memory is None:
        return False
    parts = [
        ("server\n(unique)", memory.server_unique, _BLUE),
        ("kernel:\nslab", memory.slab, _ORANGE),
        ("kernel:\nsocket buffers", memory.buffers, _RED),
        ("harness\n(unique)", memory.harness, _GREEN),
        ("machine,\neverything", memory.machine, _VIOLET),
    ]
    shown = [(name, value / _KIB, colour) for name, value, colour in parts if value is not None]
    names, values, colours = zip(*shown, strict=True)
    bars = axes.bar(names, values, color=colours, width=0.6)
    axes.bar_label(bars, fmt="%.2f", color=_INK)
    axes.set_ylabel("KiB a connection")
    return True


def _growth(report: Report, axes: Axes) -> bool:
    lines: list[tuple[str, str, Callable[[Growth], float | None]]] = [
        ("server (unique)", _BLUE, lambda line: line.server),
        ("kernel (slab and socket buffers)", _ORANGE, lambda line: line.slab + line.buffers),
        ("harness (unique)", _GREEN, lambda line: line.harness),
    ]
    for label, colour, of in lines:
        points = [(line.people, value / _KIB) for line in report.growth if (value := of(line)) is not None]
        if points:
            axes.plot(*zip(*points, strict=True), "o-", ms=4, color=colour, label=label)
    axes.set_xscale("log")
    axes.set_ylim(bottom=0)
    axes.set_xticks([line.people for line in report.growth], [f"{line.people:,}" for line in report.growth])
    axes.minorticks_off()
    _axes(axes, "people", "KiB a connection")
    return len(report.growth) > 1


def _memory_over_time(report: Report, axes: Axes) -> bool:
    samples = report.samples
    if len(samples) < 2:
        return False
    times = [sample.at for sample in samples]
    first = samples[0]
    lines: list[tuple[str, str, Callable[[Sample], int]]] = [
        ("server, unique", _BLUE, lambda sample: sample.groups[SERVER].unique),
        ("harness, unique", _GREEN, lambda sample: sample.groups[HARNESS].unique),
        ("kernel: slab, grown by", _ORANGE, lambda sample: sample.slab - first.slab),
        ("kernel: socket buffers, grown by", _RED, lambda sample: sample.buffers - first.buffers),
    ]
    for label, colour, of in lines:
        if SERVER in first.groups or not label.startswith(SERVER):
            axes.plot(times, [of(sample) / _KIB**2 for sample in samples], color=colour, label=label)
    _phases(report, axes)
    _axes(axes, "seconds", "MiB")
    return True


def _latency(report: Report, axes: Axes) -> bool:
    phases = [phase for phase in _phases_of(report) if phase.seen is not None]
    for phase, colour in zip(phases, cycle((_BLUE, _ORANGE, _GREEN, _RED, _VIOLET)), strict=False):
        if phase.seen is not None:
            axes.plot(*_percentiles(phase.seen), marker="o", ms=3, color=colour, label=phase.name)
    axes.set_xscale("logit", one_half="0.5", use_overline=False)
    axes.set_yscale("log")
    axes.set_xticks(list(_SHARES), [f"{share:.4g}" for share in _SHARES])
    axes.minorticks_off()
    _axes(axes, "share of deliveries", "ms from post to seen")
    return bool(phases)


_SHARES: Final = (0.5, 0.9, 0.99, 0.999)


def _percentiles(seen: Spectrum) -> tuple[tuple[float, ...], list[float]]:
    return _SHARES, [max(seconds * 1e3, 1e-3) for seconds in (seen.p50, seen.p90, seen.p99, seen.p999)]


def _latency_over_time(report: Report, axes: Axes) -> bool:
    seen = [(glance.at, glance.seen) for glance in report.glances if glance.seen is not None and glance.seen.count]
    times = [at for at, _ in seen]
    lines: list[tuple[str, str, Callable[[Spectrum], float]]] = [
        ("p50", _GREEN, lambda one: one.p50),
        ("p99", _BLUE, lambda one: one.p99),
        ("max", _RED, lambda one: one.max),
    ]
    for label, colour, of in lines:
        axes.plot(times, [max(of(one) * 1e3, 1e-3) for _, one in seen], ".-", ms=3, color=colour, label=label)
    axes.set_yscale("log")
    _phases(report, axes)
    _axes(axes, "seconds", "ms from post to seen")
    return bool(seen)


def _broadcast(report: Report, axes: Axes) -> bool:
    sent = [phase for phase in _phases_of(report) if "last_receipt" in phase.figures]
    positions = list(range(1, len(sent) + 1))
    for phase, position in zip(sent, positions, strict=True):
        if phase.seen is not None:
            axes.plot([position] * 2, [phase.seen.p50, phase.seen.p99], color=_BLUE, lw=6, alpha=0.5)
            axes.plot([position], [phase.seen.p50], "_", color=_BLUE, ms=14)
    axes.plot(positions, [phase.figures["last_receipt"] for phase in sent], "o", color=_RED, label="last recipient")
    axes.plot([], [], color=_BLUE, lw=6, alpha=0.5, label="median to 99 of 100")
    axes.set_xticks(positions)
    axes.set_ylim(bottom=0)
    _axes(axes, "broadcast", "seconds since it was sent")
    return bool(sent)


def _storm(report: Report, axes: Axes) -> bool:
    return _return(report, axes, "storm", "cut off", "seconds since they were cut off")


def _kill(report: Report, axes: Axes) -> bool:
    return _return(report, axes, "kill", "killed", "seconds since the kill")


def _return(report: Report, axes: Axes, name: str, what: str, since: str) -> bool:
    phase = next((one for one in _phases_of(report) if one.name == name), None)
    if phase is None:
        return False
    began = phase.began + report.began
    glances = [glance for glance in report.glances if -2 <= glance.at - began <= phase.seconds + 4]
    times = [glance.at - began for glance in glances]
    axes.plot(times, [glance.connected for glance in glances], ".-", color=_BLUE, label="connected")
    axes.plot(times, [glance.ready for glance in glances], ".-", color=_GREEN, label="welcome, with all they missed")
    axes.axvline(0, color=_RED, lw=1, label=what)
    if "recovery" in phase.figures:
        axes.axvline(phase.figures["recovery"], color=_ORANGE, lw=1, ls="--", label="the last one has everything")
    _axes(axes, since, "connections")
    return bool(glances)


def _cpu(report: Report, axes: Axes) -> bool:
    samples = report.samples
    if len(samples) < 2:
        return False
    busy = rate_over_time([(sample.at, round(sample.busy * 1e3)) for sample in samples])
    axes.plot([at for at, _ in busy], [rate / 1e3 for _, rate in busy], color=_VIOLET, label="all of the machine")
    for group, colour in ((SERVER, _BLUE), (HARNESS, _GREEN)):
        used = [(sample.at, round(sample.groups[group].cpu * 1e3)) for sample in samples if group in sample.groups]
        rates = [
            (at, rate) for at, rate in rate_over_time(used) if rate >= 0
        ]  # a process that ends takes its time along
        axes.plot([at for at, _ in rates], [rate / 1e3 for _, rate in rates], color=colour, label=group)
    axes.axhline(report.machine.cores, color=_RED, lw=1, ls=":", label="cores")
    _phases(report, axes)
    _axes(axes, "seconds", "cores")
    return True


_ALL: Final[tuple[tuple[str, str, str, Draw], ...]] = (
    ("connected", "Connected against wanted", "Everybody is a user of their own, with a token.", _connected),
    ("connects", "Connects a second", "From the first packet to the server's welcome; a storm is a peak.", _connects),
    (
        "memory-each",
        "Memory for each connection",
        "What grew from nobody connected to everybody connected, shared out. The kernel's part is for both ends where "
        "both are on this machine, and contains what anything else did to the kernel's memory meanwhile.",
        _memory_each,
    ),
    ("growth", "Memory for each connection, with more and more of them", "Beside what there was with nobody.", _growth),
    ("memory", "Memory over time", "The kernel's part: what it grew by since the start.", _memory_over_time),
    ("latency", "Delivery latency by phase", "From the moment of the post to each who sees it.", _latency),
    ("latency-time", "Delivery latency over time", "Of what was seen in each second.", _latency_over_time),
    ("broadcast", "From first send to last recipient", "One message to everybody, several times.", _broadcast),
    ("storm", "Recovery from the storm", "A share is cut off at once and comes again at once.", _storm),
    ("kill", "Recovery from the end of a worker", "It was killed, and its people came again.", _kill),
    ("cpu", "Processor", "Server and harness share the cores; nothing is pinned.", _cpu),
)


def _phases_of(report: Report) -> list[PhaseResult]:
    return [] if report.results is None else report.results.phases


def _phases(report: Report, axes: Axes) -> None:
    """A line where a phase begins, and its name above it."""
    began = report.began
    named_until = float("-inf")
    for phase in _phases_of(report):
        at = phase.began + began
        axes.axvline(at, color=_INK, lw=0.6, alpha=0.35)
        if at - named_until > 0.06 * _length(report):
            axes.text(at, 1.01, phase.name, transform=axes.get_xaxis_transform(), fontsize=7, color=_INK, alpha=0.8)
            named_until = at


def _length(report: Report) -> float:
    return max((glance.at for glance in report.glances), default=1.0)


def _axes(axes: Axes, across: str, up: str) -> None:
    axes.set_xlabel(across)
    axes.set_ylabel(up)
    if axes.get_yscale() == "linear" and axes.get_ylim()[1] >= 1_000:
        axes.yaxis.set_major_formatter("{x:,.0f}")
    axes.margins(x=0.01)
    if axes.get_legend_handles_labels()[0]:
        axes.legend(fontsize=8)
