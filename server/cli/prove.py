"""`hubbub prove`: the claims, on this machine. What it does is in `loadtest/prove/`; here are its options.

It is a part of the extra `loadtest`, and that is looked for before anything else, because a newcomer's first try should
end with the line that helps.
"""

from __future__ import annotations

import sys
from importlib.util import find_spec
from pathlib import Path
from typing import Final

import click

from server.cli.exits import Ended, Exit

_NEEDED: Final = ("locust", "hdrh", "matplotlib")
_HOLD: Final = {"proof": 10.0, "steady": 30.0, "ladder": 10.0}
_HOLD_OTHERWISE: Final = 20.0
_PROCESSES_MOST: Final = 1_024
_PAUSES_FROM: Final = 10_000
_PAUSES_WITH: Final = 100_000


class _Processes(click.ParamType[int | None]):
    name = "N|auto"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> int | None:
        if value is None or value == "auto":
            return None
        try:
            number = int(str(value))
        except ValueError:
            number = 0
        if not 1 <= number <= _PROCESSES_MOST:
            self.fail(f"{value!r} is neither a number from 1 to {_PROCESSES_MOST:,} nor `auto`", param, ctx)
        return number


@click.command("prove")
@click.option("--connections", type=click.IntRange(1, 10_000_000), default=1_000, show_default=True, metavar="N",
              help="How many people connect, each with a token of their own.")  # fmt: skip
@click.option("--scenario", default="proof", show_default=True, metavar="NAME",
              help="proof, steady, broadcast, storm, churn, slow or ladder.")  # fmt: skip
@click.option("--server", metavar="URL", help="A server that is there already; none is started. Needs --people.")
@click.option("--people", type=click.Path(path_type=Path), metavar="FILE",
              help="Its people: what `hubbub admin seed --people FILE` wrote.")  # fmt: skip
@click.option("--workers", type=_Processes(), default="auto", show_default=True,
              help="Processes of the server; auto: as many as it takes.")  # fmt: skip
@click.option("--players", type=_Processes(), default="auto", show_default=True,
              help="Processes of the load, likewise.")  # fmt: skip
@click.option("--report", type=click.Path(path_type=Path, file_okay=False), default="report", show_default=True,
              metavar="DIR", help="Where index.html, results.json and the plots go.")  # fmt: skip
@click.option("--hold", type=click.FloatRange(0, 86_400, min_open=True), metavar="SECONDS",
              help="How long the main phase lasts: 10 in a proof, and in each step of a ladder.")  # fmt: skip
@click.option("--storm", type=click.IntRange(1), metavar="N",
              help="How many people are cut off at once in a proof: a fifth of all.")  # fmt: skip
@click.option("--growth", type=click.IntRange(0), metavar="N",
              help="All pause at N people, at ten times as many and so on, so that costs can be compared: at 10,000, "
                   "where there are 100,000 or more; 0: nobody pauses.")  # fmt: skip
@click.option("--kill/--no-kill", default=True, show_default=True,
              help="Kill one of several workers in the end of a proof.")  # fmt: skip
@click.option("--kill-owner", is_flag=True,
              help="Kill the one that owns all rooms; without this, one that has nothing but people.")  # fmt: skip
@click.option("--heartbeat", type=click.FloatRange(1, 900), default=30.0, show_default=True, metavar="SECONDS",
              help="Silence after which the server asks whether somebody is there.")  # fmt: skip
@click.option("--seed", type=click.IntRange(0), default=1, show_default=True, metavar="N",
              help="Who does what and when follows from it.")  # fmt: skip
@click.option("--keep", is_flag=True, help="Keep the database, the logs and the people's manifest, and say where.")
@click.argument("options", nargs=-1, type=click.UNPROCESSED, metavar="[-- LOAD OPTIONS]")
def prove_command(
    connections: int,
    scenario: str,
    server: str | None,
    people: Path | None,
    workers: int | None,
    players: int | None,
    report: Path,
    hold: float | None,
    storm: int | None,
    growth: int | None,
    kill: bool,
    kill_owner: bool,
    heartbeat: float,
    seed: int,
    keep: bool,
    options: tuple[str, ...],
) -> None:
    """Prove on this machine what is claimed: connections, memory, broadcasts, a storm, and that nothing is lost.

    Says beforehand what it takes and whether the machine allows it, writes people into a database of its own, starts
    the server and the load, measures both from outside, checks what everybody saw against what is stored, stops all of
    it, and writes a report. With --server it starts none, and measures what can be seen from here.

    Further options go to the load, after `--`: `hubbub prove --connections 500 -- --repeats 2 --share 0.5`.

    The exit code is 0 if it is proved, 1 if a promise was broken or the run was broken off, 2 for wrong options and a
    machine that does not allow it.
    """
    missing = [name for name in _NEEDED if find_spec(name) is None]
    if missing:
        raise Ended(Exit.WRONG_SETTING, f"{', '.join(missing)} missing: pip install 'hubbub[loadtest]'")
    if (server is None) != (people is None):
        raise Ended(Exit.WRONG_SETTING, "--server and --people go together: a server, and the people it knows")
    from rich.console import Console

    from loadtest.prove.forecast import Wish
    from loadtest.prove.proving import CannotRun, Order, prove
    from loadtest.scenarios.table import SCENARIOS
    from server.gateway.fixed_files import are_possible

    if scenario not in SCENARIOS:
        raise Ended(Exit.WRONG_SETTING, f"--scenario {scenario}: one of {', '.join(SCENARIOS)}")
    wish = Wish(
        connections=connections,
        scenario=scenario,
        workers=workers,
        players=players,
        serves=server is None,
        hold=hold or _HOLD.get(scenario, _HOLD_OTHERWISE),
        heartbeat=heartbeat,
        storm=storm,
        growth=(_PAUSES_FROM if connections >= _PAUSES_WITH else 0) if growth is None else growth,
        kills=kill and scenario == "proof",
        kills_owner=kill_owner,
    )
    order = Order(
        command=["hubbub", *sys.argv[1:]],
        wish=wish,
        report=report,
        server=server,
        people=people,
        seed=seed,
        options=options,
        keeps_sockets=are_possible(),
        keep=keep,
    )
    try:
        code = prove(order, Console())
    except CannotRun as reason:
        raise Ended(Exit.WRONG_SETTING, str(reason)) from None
    if code:
        raise Ended(Exit.FAILED, "")
