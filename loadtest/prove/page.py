"""`index.html`: a report as one page that needs nothing else, in light and dark.

Pure: from the report and its plots to text. The rule: whatever came from outside (names, logs, words of the server) is
escaped, and there is no script and no link to anywhere.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from html import escape
from shlex import join
from typing import Final

from loadtest.prove.forecast import Check
from loadtest.prove.growth import Growth
from loadtest.prove.plots import Plot
from loadtest.prove.results import Claim, Memory, Report
from loadtest.scenarios.figures import MEANING, told
from loadtest.scenarios.messages import PhaseResult, Spectrum

_STYLE: Final = """
:root { color-scheme: light dark; --ink: #1b1f24; --paper: #fff; --soft: #57606a; --line: #d0d7de; --good: #1a7f37;
  --bad: #b3261e; }
@media (prefers-color-scheme: dark) { :root { --ink: #e6edf3; --paper: #0d1117; --soft: #9aa5b1; --line: #30363d;
  --good: #56d364; --bad: #ff7b72; } }
body { font: 16px/1.5 system-ui, sans-serif; color: var(--ink); background: var(--paper); max-width: 60rem;
  margin: 2rem auto; padding: 0 1rem; }
h1 { font-size: 1.6rem; } h2 { font-size: 1.2rem; margin-top: 2.5rem; }
table { border-collapse: collapse; width: 100%; font-size: .9rem; }
th, td { text-align: left; vertical-align: top; padding: .35rem .6rem; border-bottom: 1px solid var(--line); }
td.number { text-align: right; font-variant-numeric: tabular-nums; }
.wide { overflow-x: auto; } figure { margin: 1.5rem 0; color: var(--ink); } figure svg { width: 100%; height: auto; }
figcaption, .soft { color: var(--soft); font-size: .9rem; } .met { color: var(--good); } .missed { color: var(--bad); }
code, pre { font: .85rem/1.45 ui-monospace, monospace; overflow-wrap: anywhere; } pre { white-space: pre-wrap;
  border: 1px solid var(--line); padding: .7rem; }
"""


_BY_THEMSELVES: Final = 8  # processes, each of which has its place on the page


def page(report: Report, plots: Sequence[Plot]) -> str:
    """The whole page."""
    title = f"{report.wish.connections:,} connections: {report.outcome}"
    body = "\n".join(_parts(report, plots))
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>Hubbub, {escape(title)}</title>\n<style>{_STYLE}</style>\n</head>\n<body>\n<main>\n"
        f"<h1>{escape(title)}</h1>\n{body}\n</main>\n</body>\n</html>\n"
    )


def _parts(report: Report, plots: Sequence[Plot]) -> Iterator[str]:
    yield _how_it_was_made(report)
    if report.fault:
        yield _part("What went wrong", f'<p class="missed">{escape(report.fault)}</p><pre>{escape(report.said)}</pre>')
    if report.claims:
        yield _part("Claims", _claims(report.claims))
    if report.results is not None and report.results.words:
        yield _part("In words", _list(report.results.words))
    yield from _broken(report)
    if plots:
        yield _part("Plots", "\n".join(_figure(plot) for plot in plots))
    if report.memory is not None:
        yield _part("Memory", _memory(report.memory, report.forecast.connections) + _kernel_memory(report))
    if len(report.growth) > 1:
        yield _part("With more and more people", _growth(report.growth))
    if report.results is not None:
        yield _part("Figures", _figures(report.results.figures))
        yield _part("Phases", _phases(report.results.phases))
    yield _part("Where the connections were", _workers(report)) if report.connections_by_worker else ""
    yield _part("Surroundings", _surroundings(report))
    yield _part("Forecast", _forecast(report))
    yield (
        _part("Settings of the server for this run", _pairs(report.forecast.settings))
        if report.forecast.settings
        else ""
    )
    yield _part("Kernel", _pairs(report.kernel_settings))
    yield _part("Versions", _pairs(report.versions | ({"commit": report.commit} if report.commit else {})))
    if report.notes:
        yield _part("To be known", _list(report.notes))


def _how_it_was_made(report: Report) -> str:
    machine = report.machine
    quiet = "idle before and during the run" if report.surroundings.idle else "not idle: see Surroundings"
    rows = {
        "command": join(report.command),
        "made": report.made_at,
        "machine": f"{machine.cores} cores, {machine.processor}, {machine.memory / 2**30:.1f} GiB, {machine.system}, "
        f"Linux {machine.kernel}; both ends share it"
        if report.wish.serves
        else f"{machine.cores} cores, {machine.memory / 2**30:.1f} GiB: of the clients alone",
        "machine was": quiet,
        "repeated": report.run,
        "target": report.target,
        "processes": f"{_workers_of(report)}{report.forecast.players} of locust and their master, not pinned",
        "scenario and seed": f"{report.wish.scenario}, {report.seed}",
        "heartbeat": _heartbeat(report),
    }
    if report.seeded is not None:
        rows["people"] = (
            f"{report.seeded.users:,} users with tokens, rooms {report.seeded.rooms}, written in "
            f"{report.seeded.seconds:.1f} s before anything was measured"
        )
    return _pairs(rows)


def _heartbeat(report: Report) -> str:
    if not report.wish.serves:
        return "the server's"
    words = f"{report.wish.heartbeat:g} s of silence until a ping"
    in_force = None if not report.told else report.told[-1].heartbeat
    return words if in_force is None else f"{words}, as set; {in_force:g} s in force at the end"


def _workers_of(report: Report) -> str:
    number = report.forecast.workers
    return "" if not number else "one worker, " if number == 1 else f"{number} workers, "


def _broken(report: Report) -> Iterator[str]:
    if report.results is None:
        return
    findings = report.results.verdict.findings
    if findings:
        rows = [(one.kind, one.room, one.words) for one in findings]
        yield _part("Broken promises", _table(("promise", "room", "what shows it"), rows))


def _claims(claims: Iterable[Claim]) -> str:
    rows = "".join(
        f"<tr><td>{escape(claim.what)}</td><td>{escape(claim.aim)}</td><td>{escape(claim.measured)}</td>"
        f"{_verdict(claim)}</tr>\n"
        for claim in claims
    )
    return _wide(f"<table>\n<tr><th>claim</th><th>aim</th><th>measured</th><th>met</th></tr>\n{rows}</table>")


def _verdict(claim: Claim) -> str:
    if claim.met is None:
        return "<td>told</td>"
    return '<td class="met">met</td>' if claim.met else '<td class="missed">not met</td>'


def _memory(memory: Memory, connections: int) -> str:
    rows = [
        ("server, unique", memory.server_unique, memory.server_base),
        ("server, unique, by the slope while they came", memory.server_slope, None),
        ("server, proportional", memory.server_proportional, None),
        ("kernel: slab", memory.slab, None),
        ("kernel: socket buffers", memory.buffers, None),
        ("harness, unique", memory.harness, memory.harness_base),
        ("harness, unique, by the slope while they came", memory.harness_slope, None),
        ("the machine's memory that is left shrank by", memory.machine, None),
    ]
    shown = [
        (what, f"{each:,.0f}", f"{each * memory.connections / 1e6:,.1f}", "" if base is None else f"{base / 1e6:,.1f}")
        for what, each, base in rows
        if each is not None
    ]
    expected = "of all that were wanted" if memory.connections == connections else f"of {connections:,} wanted"
    return _table(("", "bytes a connection", "MB together", "MB with nobody there"), shown) + _soft(
        f"{memory.connections:,} connections, {expected}."
    )


def _kernel_memory(report: Report) -> str:
    """What of it is held against a limit: `net.ipv4.tcp_mem` is in pages."""
    if not report.samples:
        return ""
    slab = max(sample.slab for sample in report.samples)
    buffers = max(max(sample.buffers, sample.buffers_peak) for sample in report.samples)
    left = min(sample.available for sample in report.samples)
    _, pressure, most = (pages * report.machine.page / 1e6 for pages in report.machine.tcp_memory)
    return _soft(
        f"At the most, of the whole machine: slab {slab / 1e9:,.2f} GB; TCP's buffers {buffers / 1e6:,.1f} MB, of "
        f"{pressure:,.0f} MB that are free of pressure and {most:,.0f} MB in all; at the least {left / 1e9:,.2f} GB of "
        "memory were left."
    )


def _growth(lines: Sequence[Growth]) -> str:
    def number(value: float | None, digits: int) -> str:
        return "" if value is None else f"{value:,.{digits}f}"

    rows = [
        (
            f"{line.people:,}",
            number(line.connects_per_second, 0),
            number(line.server, 0),
            number(line.slab, 0),
            number(line.buffers, 0),
            number(line.harness, 0),
            number(line.server_idle, 2),
            number(line.harness_idle, 2),
            number(line.machine_idle, 2),
            number(line.last_receipt, 2),
            number(line.delivery, 1),
        )
        for line in lines
    ]
    head = (
        "people", "connects a second, until then", "server, bytes each", "slab, bytes each", "buffers, bytes each",
        "harness, bytes each", "server idle, cores", "harness idle, cores", "machine idle, cores",
        "broadcast: last receipt, s", "processor for a delivery, us",
    )  # fmt: skip
    return _table(head, rows) + _soft(
        "Memory is what there is beside nobody. Idle: nothing but heartbeats goes on. The processor for a delivery is "
        "all that the machine used while a broadcast went to everybody who was there, both ends and the kernel."
    )


def _figures(figures: dict[str, float]) -> str:
    rows = [(told(name, value), MEANING[name][1] if name in MEANING else name) for name, value in figures.items()]
    return _table(("", "what it is"), rows)


def _phases(phases: Iterable[PhaseResult]) -> str:
    rows = [
        (
            phase.name,
            f"{phase.seconds:.2f}" + ("" if phase.in_time else " (not in time)"),
            f"{phase.counts.get('connects', 0):,}",
            f"{phase.counts.get('acknowledged', 0):,}",
            f"{phase.counts.get('delivered', 0):,}",
            _spectrum(phase.ack),
            _spectrum(phase.seen),
            _shares(phase.clients_cpu),
            _troubles(phase),
        )
        for phase in phases
    ]
    head = (
        "phase", "seconds", "connects", "acknowledged", "delivered", "post to ack: p50, p99, max ms",
        "post to seen: p50, p99, max ms", "cores used by clients", "refused, closed, failed",
    )  # fmt: skip
    return _table(head, rows)


def _spectrum(one: Spectrum | None) -> str:
    return "" if one is None else ", ".join(f"{seconds * 1e3:,.1f}" for seconds in (one.p50, one.p99, one.max))


def _shares(shares: Sequence[float]) -> str:
    """Of a few processes each, of many how they are spread."""
    if len(shares) <= _BY_THEMSELVES:
        return ", ".join(f"{share:.2f}" for share in shares)
    return f"{len(shares)} processes: {min(shares):.2f} to {max(shares):.2f}, together {sum(shares):.2f}"


def _troubles(phase: PhaseResult) -> str:
    named = (("HTTP", phase.refusals), ("close", phase.closes), ("errno", phase.failures))
    return ", ".join(f"{kind} {code}: {count:,}" for kind, counts in named for code, count in counts.items())


def _workers(report: Report) -> str:
    counts = sorted(report.connections_by_worker.values())
    rows = [(f"worker {name}", f"{count:,}") for name, count in sorted(report.connections_by_worker.items())]
    if len(rows) > _BY_THEMSELVES:
        middle = counts[len(counts) // 2]
        rows = [("workers", f"{len(counts)}"), ("the fewest", f"{counts[0]:,}"), ("the most", f"{counts[-1]:,}")]
        rows.insert(2, ("the median", f"{middle:,}"))
    return _table(("", "connections"), rows) + _soft("Open files by the admin listener, less those with nobody there.")


def _surroundings(report: Report) -> str:
    around = report.surroundings
    rows = {
        "cores in use before": f"{around.busy_before:.1%}",
        "load average before": ", ".join(f"{load:.2f}" for load in around.load_before),
    }
    if around.busy_others is not None:
        rows["cores in use by others during the run"] = f"{around.busy_others:.1%} (the kernel's own work is in it)"
    if around.watching is not None:
        rows["of one core, for looking and showing"] = f"{around.watching:.1%}"
    return _pairs(rows | {f"seconds: {step}": f"{seconds:.1f}" for step, seconds in report.steps.items()})


def _forecast(report: Report) -> str:
    forecast = report.forecast
    checks = [
        (check.what, f"{check.needed:,}", f"{check.allowed:,}", check.unit, _enough(check)) for check in forecast.checks
    ]
    memory = [
        (
            part.what,
            f"{part.base / 1e6:,.0f}",
            f"{part.each:,}",
            f"{part.of(forecast.connections) / 1e6:,.0f}",
        )
        for part in forecast.memory
    ]
    return _table(("what a run takes", "needed", "there is", "", ""), checks) + _table(
        ("memory that was expected", "MB to begin with", "bytes a connection", "MB together"), memory
    )


def _enough(check: Check) -> str:
    return "enough" if check.holds else check.slower or "too few"


# --- pieces --------------------------------------------------------------------------------------------------


def _part(title: str, inner: str) -> str:
    return f"<section>\n<h2>{escape(title)}</h2>\n{inner}\n</section>"


def _figure(plot: Plot) -> str:
    return (
        f'<figure>\n{plot.svg}\n<figcaption><strong id="{plot.name}">{escape(plot.title)}.</strong> '
        f"{escape(plot.caption)}</figcaption>\n</figure>"
    )


def _pairs(pairs: dict[str, str]) -> str:
    rows = "".join(
        f"<tr><th>{escape(name)}</th><td><code>{escape(value)}</code></td></tr>\n" for name, value in pairs.items()
    )
    return _wide(f"<table>\n{rows}</table>")


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    heads = "".join(f"<th>{escape(cell)}</th>" for cell in head)
    lines = "".join(f"<tr>{''.join(map(_cell, row))}</tr>\n" for row in rows)
    return _wide(f"<table>\n<tr>{heads}</tr>\n{lines}</table>")


def _cell(text: str) -> str:
    is_number = text.replace(",", "").replace(".", "").replace("-", "").isdecimal()
    return f'<td class="number">{escape(text)}</td>' if is_number else f"<td>{escape(text)}</td>"


def _list(lines: Iterable[str]) -> str:
    return "<ul>\n" + "".join(f"<li>{escape(line)}</li>\n" for line in lines) + "</ul>"


def _soft(text: str) -> str:
    return f'<p class="soft">{escape(text)}</p>'


def _wide(table: str) -> str:
    return f'<div class="wide">\n{table}\n</div>'
