"""A reconnect storm: a crowd in rooms where people go on posting is cut off at once, and comes back at once.

Run by itself it is the large one, `make storm`: 10,000 clients, and how long it took.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from clients.endpoint import endpoint_of
from clients.findings import Finding
from loadtest.crowd.crowd import Crowd
from loadtest.ledger import Ledger
from tests.bench.seed import seed
from tests.harness.crowds import ALL_COME_SECONDS, Endings, Listed, bring_all, must, now_and_then, verdict
from tests.harness.posters import stored_facts
from tests.harness.server import ServerProcess

DATABASE = "hubbub.sqlite3"
POST_EVERY = 0.2  # seconds; of one poster, or less often where that would be more than …
DELIVERIES_A_SECOND = 10_000  # … so many: what is told is of the storm, not of a server that has too much to do anyway
STOP_SECONDS = 60.0  # for a server that ten thousand have just left, on a machine that has other things to do


@dataclass(frozen=True, slots=True)
class Storm:
    """How a storm went: times in seconds."""

    clients: int
    dropped: int
    stayed: int
    """How many of those who were not cut off kept their connection."""
    first_connect: float
    came_back: float
    """From the cut until the last one had everything it had missed."""
    posted_meanwhile: int
    delivered: int
    gaps: int
    refusals: dict[int, int]
    closes: dict[int, int]
    findings: list[Finding]


class Posters:
    """Some of the crowd: each posts into its first room, one post after the other, until told to stop.

    Parameters
    ----------
    pause
        Seconds between two posts of one of them, unless the answer takes longer.
    """

    def __init__(
        self, crowd: Crowd, roster: Listed, posters: list[int], pause: float, text: str = "the storm goes on"
    ) -> None:
        self._crowd = crowd
        self._posters = posters
        self._pause = pause
        self._text = text
        self._going = True
        for turn, number in enumerate(posters):
            crowd.later(pause * turn / len(posters), partial(self._post, number, roster.rooms_of(number)[0]))

    def _post(self, number: int, room: int) -> None:
        if self._going:
            if not self._crowd.unanswered(number):
                self._crowd.post(number, room, self._text)
            self._crowd.later(self._pause, partial(self._post, number, room))

    def stop(self) -> None:
        self._going = False


def storm(data: Path, rooms: list[int], environment: dict[str, str] | None = None) -> Storm:
    """People in rooms of these sizes, two of each posting: all are cut off but one poster of each, and come back."""
    seeded = seed(data, rooms).rooms
    roster = Listed(one for people in seeded for one in people)
    firsts = [sum(rooms[:nth]) for nth in range(len(rooms))]
    posters = [first + nth for first in firsts for nth in (0, 1)]
    leaving = [number for number in roster.everybody if number not in firsts]
    settings = {"HUBBUB_DRAIN": str(STOP_SECONDS / 2)} | (environment or {})
    endings, ledger = Endings(), Ledger()
    with (
        ServerProcess(data, environment=settings) as server,
        Crowd(
            roster,
            roster.everybody,
            [endpoint_of(server.url)],
            endings,
            ledger,
            at_once=0,
            hurry=True,
            patience=ALL_COME_SECONDS,
        ) as crowd,
    ):
        came = bring_all(crowd, roster.everybody)
        posting = Posters(crowd, roster, posters, max(POST_EVERY, 2 * len(roster.everybody) / DELIVERIES_A_SECOND))
        must(crowd.run(lambda: ledger.acknowledged >= 2 * len(posters), 60), "everybody posts")
        before = ledger.acknowledged
        crowd.drop(leaving)
        back = bring_all(crowd, leaving)
        meanwhile = ledger.acknowledged - before
        posting.stop()
        must(crowd.run(lambda: not crowd.unanswered(), 60), "every post is answered")
        must(crowd.run(now_and_then(lambda: not crowd.behind(ledger.heads)), 60), "all have come as far as the log")
        seen = ledger.export(crowd.readers())
        stayed = sum(crowd.lives(number) == 1 for number in firsts)
        crowd.drop(roster.everybody)
        assert server.stop(STOP_SECONDS) == 0
    return Storm(
        clients=len(roster.everybody),
        dropped=len(leaving),
        stayed=stayed,
        first_connect=came,
        came_back=back,
        posted_meanwhile=meanwhile,
        delivered=crowd.delivered,
        gaps=ledger.gaps,
        refusals=dict(endings.refusals),
        closes=dict(endings.closes),
        findings=verdict([seen], roster, stored_facts(data / DATABASE)),
    )


def main() -> int:
    arguments = argparse.ArgumentParser(description="A reconnect storm against a server of its own.")
    arguments.add_argument("--clients", type=int, default=10_000)
    arguments.add_argument("--room", type=int, default=200, help="people in one room")
    given = arguments.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        went = storm(Path(folder) / "data", [given.room] * (given.clients // given.room))
    print(
        f"{went.dropped:,} of {went.clients:,} clients were cut off at once, and all were back, with everything they "
        f"had missed, after {went.came_back:.2f} s (the first time they came in {went.first_connect:.2f} s).\n"
        f"Meanwhile {went.posted_meanwhile:,} messages were posted. Refused at first: {sum(went.refusals.values()):,}. "
        f"{went.delivered:,} deliveries, {went.gaps} gaps, {len(went.findings)} broken promises."
    )
    for finding in went.findings[:20]:
        print(finding)
    return 1 if went.findings or went.gaps or went.closes else 0


if __name__ == "__main__":
    sys.exit(main())
