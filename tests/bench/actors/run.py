"""`make bench-actors`: what an actor costs, beside Erlang/OTP and beside what else Python has.

Every figure is taken in a fresh process, and the contestants take turns within each round; figures are medians with
their quartiles, ratios those of medians. Erlang runs with one scheduler and with two, and the faster counts. Ours runs
as in production: counters, garbage policy and overrun timer on; log records of crashes are made and given to a handler
that drops them, where Erlang's logger is told not to make any. Memory and the million are done in fewer rounds.
Prints a table and, as its last line, one JSON object. Nothing is asserted: timing is not a test.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[3]))

from tests.bench.actors.contestants import Absent, compile_twin, measured, versions
from tests.bench.actors.figures import OURS, Figure, figures
from tests.bench.actors.report import Samples, machine, summary_of, table_of


def main() -> None:
    options = _options()
    chosen = [figure for figure in figures(options.actors) if figure.name in options.only]
    about = machine()
    samples: Samples = {}
    absent: dict[str, str] = {}
    with tempfile.TemporaryDirectory() as folder:
        why_not = compile_twin(Path(folder))
        if why_not:
            _say(f"Erlang: {why_not}")
        twin = None if why_not else Path(folder)
        for number in range(1, options.rounds + 1):
            for figure in chosen:
                if number <= options.heavy_rounds or not figure.heavy:
                    _say(f"round {number} of {options.rounds}: {figure.name}")
                    _take(figure, twin, samples, absent)
    summary = summary_of(chosen, samples)
    print(table_of(chosen, summary, absent))
    print(
        json.dumps(
            {"machine": about, "versions": versions(), "rounds": options.rounds, "figures": summary, "absent": absent}
        )
    )


def _take(figure: Figure, twin: Path | None, samples: Samples, absent: dict[str, str]) -> None:
    """One round of one figure: every contestant in turn."""
    for run in figure.runs:
        if run.contestant in absent:
            continue
        try:
            values = measured(run, twin)
        except Absent as reason:
            if run.contestant == OURS:
                raise
            absent[run.contestant] = str(reason)
            _say(f"{run.contestant}: {reason}")
        else:
            samples.setdefault((figure.name, run.contestant), []).append(values)


def _options() -> argparse.Namespace:
    names = [figure.name for figure in figures(0)]
    parser = argparse.ArgumentParser(prog="make bench-actors", description=__doc__)
    parser.add_argument("--rounds", type=int, default=7, help="of the figures in nanoseconds (7)")
    parser.add_argument("--heavy-rounds", type=int, default=1, help="of memory and the million (1)")
    parser.add_argument("--actors", type=int, default=1_000_000, help="in memory and the million (1,000,000)")
    parser.add_argument("--only", nargs="+", choices=names, default=names, metavar="FIGURE", help=", ".join(names))
    return parser.parse_args()


def _say(progress: str) -> None:
    print(progress, file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
