"""`make chaos`: people post while everything fails in turn, and afterwards every promise is checked.

200 clients in 50 rooms, spread over four nodes, with real PostgreSQL and Valkey. What goes wrong is drawn from a seed,
which is printed; the same seed gives the same troubles again, though never the same interleaving. In the end everybody
gets the time to come back and catch up; then what each client saw and was told is held against the log in the
database: nothing acknowledged is missing, nothing is there twice or out of order, no `seq` was given twice, no gap
was left unexplained, and nobody waited far longer than any trouble took. Exit 1 on any finding.

`--bug` runs nodes with a promise broken on purpose, to see that it is found: then exit 0 means that it was.
"""

from __future__ import annotations

import argparse
import random
import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path

from clients.endpoint import endpoint_of
from clients.findings import Finding
from loadtest.crowd.crowd import Crowd
from loadtest.ledger import Ledger
from tests.chaos.actions import OF_NODES, OF_WORKERS, Event, Trouble, schedule
from tests.chaos.posting import PATIENCE, Posting, Waits
from tests.chaos.stage import Stage
from tests.chaos.trouble import Troublemaker
from tests.chaos.workers import Workers
from tests.harness.crowds import Listed, bring_all, now_and_then, verdict

BUGS = {
    "fence": "tests.chaos.unguarded_server",
    "heads": "tests.chaos.headless_server",
}
"""Servers that are wrong on purpose: nothing keeps two owners of a room apart; nothing tells of a last message that was
lost."""

FORGETFUL = "tests.chaos.forgetful_server"
"""One that loses deliveries on the way, which does no harm."""

SETTLE_SECONDS = 240.0
PROGRESS_EVERY = 10.0
LONGEST_WAIT = 60.0
"""Seconds after which a post that is not acknowledged counts as a broken promise. The longest trouble is a quarter of
it; what takes longer has to do with none any more, but with what one has left behind."""

WELL_AFTER = 10.0
"""Seconds after a trouble's end in which posts still count as touched by it."""


@dataclass(frozen=True, slots=True)
class Report:
    """How a run went. `waited`: for each trouble the longest that a post waited which was begun in it, in seconds."""

    events: list[Event]
    posted: int
    acknowledged: int
    delivered: int
    gaps: int
    waited: list[tuple[Event, float]]
    longest: float
    """That any post waited, in seconds."""
    final: int
    """Posts that were refused for good. Nobody posts what may not be posted."""
    findings: list[Finding]
    failures: list[str] = field(default_factory=list)


def chaos(
    stage: Stage | Workers, events: list[Event], *, seconds: float, clients: int, rooms: int, pause: float,
    spared: bool = False,
) -> Report:  # fmt: skip
    """One run of so many seconds.

    Parameters
    ----------
    pause
        Seconds between two posts of a client.
    spared
        Nobody comes to the first node: what happens to it is felt by its rooms alone.
    """
    ledger, waits = Ledger(), Waits()
    with stage:
        people = stage.seed(_sizes(clients, rooms))
        stage.begin()
        roster = Listed(one for room in people for one in room)
        endpoints = [endpoint_of(url) for url in stage.urls[spared:]]
        with Crowd(roster, roster.everybody, endpoints, waits, ledger, hurry=True, patience=PATIENCE) as crowd:
            bring_all(crowd, roster.everybody)
            posting = Posting(crowd, roster, pause)
            trouble = Troublemaker(stage, events, _say)
            began = trouble.start()
            _go_on(crowd, began, seconds)
            trouble.wait()
            posting.stop()
            _settle(crowd)
            seen, still_waiting, away = ledger.export(crowd.readers()), crowd.waiting(), crowd.wanted - crowd.ready
        stored = list(stage.stored())
    trouble.close()
    return Report(
        events=events,
        posted=ledger.posted,
        acknowledged=ledger.acknowledged,
        delivered=crowd.delivered,
        gaps=ledger.gaps,
        waited=[
            (event, waits.longest(began + event.at - 1.0, began + event.at + event.lasts + WELL_AFTER, still_waiting))
            for event in events
        ],
        longest=waits.longest(0.0, time.monotonic(), still_waiting),
        final=waits.final,
        findings=verdict([seen], roster, stored),
        failures=trouble.failures + ([f"{away} people never came back"] if away else []),
    )


def _sizes(clients: int, rooms: int) -> list[int]:
    """So many clients spread over so many rooms."""
    return [clients // rooms + (nth < clients % rooms) for nth in range(rooms)]


def _go_on(crowd: Crowd, began: float, seconds: float) -> None:
    """Until the time is over, with a line now and then."""
    while (left := began + seconds - time.monotonic()) > 0:
        crowd.run(lambda: False, min(PROGRESS_EVERY, left))
        now = time.monotonic() - began
        _say(f"{now:6.1f} s  {crowd.ledger.acknowledged:,} posts acknowledged, {crowd.delivered:,} deliveries")


def _settle(crowd: Crowd) -> None:
    """Everybody gets an answer to every post, and everything that was posted. Who does not, the checker will name."""
    crowd.run(lambda: not crowd.unanswered(), SETTLE_SECONDS)
    crowd.run(now_and_then(lambda: not crowd.behind(crowd.ledger.heads)), SETTLE_SECONDS)


def _say(line: str) -> None:
    print(line, flush=True)


def _print(report: Report, bug: str | None) -> int:
    print("\nthe longest wait for an acknowledgement, of posts begun in each trouble:")
    for event, waited in report.waited:
        print(f"  {waited:5.1f} s  {event}")
    print(
        f"\n{len(report.events)} troubles; {report.posted:,} posts sent, {report.acknowledged:,} acknowledged, "
        f"{report.delivered:,} deliveries, {report.gaps} gaps told, {report.final} posts refused for good, "
        f"{len(report.findings)} broken promises."
    )
    if report.longest > LONGEST_WAIT:
        print(f"  a post waited {report.longest:.0f} s for its acknowledgement, or in vain")
    broken = bool(report.findings or report.final or report.longest > LONGEST_WAIT)
    for finding in report.findings[:20]:
        print(f"  {finding}")
    for failure in report.failures:
        print(f"  the run went wrong itself: {failure}")
    if bug is not None:
        print(f"the bug {bug!r} was {'found' if broken else 'NOT found'}")
        return 0 if broken else 1
    return 1 if broken or report.failures else 0


def main() -> int:
    arguments = argparse.ArgumentParser(prog="make chaos", description=(__doc__ or "").partition("\n\n")[2])
    arguments.add_argument("--seconds", type=float, default=1_200.0, help="how long people post (1200)")
    arguments.add_argument("--seed", type=int, help="of a run to be repeated; drawn if it is not given")
    arguments.add_argument("--nodes", type=int, default=4)
    arguments.add_argument("--workers", type=int, help="so many of one server over SQLite, in place of nodes")
    arguments.add_argument("--clients", type=int, default=200)
    arguments.add_argument("--rooms", type=int, default=50)
    arguments.add_argument("--pause", type=float, default=2.0, help="seconds between two posts of a client (2)")
    arguments.add_argument("--only", action="append", choices=[trouble.name for trouble in Trouble], default=[])
    arguments.add_argument("--bug", choices=sorted(BUGS), help="break a promise on purpose, and see that it is found")
    arguments.add_argument(
        "--aloof", action="store_true", help="troubles happen to the first node only, and nobody is connected to it"
    )
    arguments.add_argument("--forgetful", action="store_true", help="lose one delivery between nodes in ten")
    arguments.add_argument("--keep", type=Path, help="keep the nodes' logs in this folder")
    given = arguments.parse_args()
    if given.workers and (given.bug or given.forgetful or given.aloof):
        arguments.error("workers are as they are, and clients come to any of them")
    number = random.SystemRandom().randrange(1_000_000) if given.seed is None else given.seed
    many = given.workers or given.nodes
    what = "nodes" if given.workers is None else "workers"
    print(f"seed {number}: {many} {what}, {given.clients} clients in {given.rooms} rooms, {given.seconds:g} s")
    troubles = tuple(Trouble[name] for name in given.only) or (OF_NODES if given.workers is None else OF_WORKERS)
    events = schedule(number, given.seconds, 1 if given.aloof else many, troubles)
    module = BUGS.get(given.bug) or (FORGETFUL if given.forgetful else None)
    program = None if module is None else ["-m", module]
    if given.keep:
        given.keep.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as name:
        folder = given.keep or Path(name)
        report = chaos(
            Stage(folder, many, program) if given.workers is None else Workers(folder, many),
            events, seconds=given.seconds, clients=given.clients, rooms=given.rooms, pause=given.pause,
            spared=given.aloof,
        )  # fmt: skip
    return _print(report, given.bug)


if __name__ == "__main__":
    sys.exit(main())
