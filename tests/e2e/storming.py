"""A reconnect storm: a crowd in rooms where people go on posting is cut off at once, and comes back at once.

Run by itself it is the large one, `make storm`: 10,000 clients, and how long it took.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from clients.checker import Finding
from clients.endpoint import endpoint_of
from loadtest.earlier_crowd import Crowd
from loadtest.member import Member, Stage
from loadtest.reporter import Reporter
from tests.bench.seed import seed
from tests.harness.posters import stored_facts
from tests.harness.server import ServerProcess

DATABASE = "hubbub.sqlite3"
POST_EVERY = 0.2  # seconds; of one poster, or less often where that would be more than …
DELIVERIES_A_SECOND = 10_000  # … so many: what is told is of the storm, not of a server that has too much to do anyway
LOOK_EVERY = 0.1
ALL_COME_SECONDS = 120.0
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
    """Some of the crowd: each posts into its room, one post after the other, until told to stop.

    Parameters
    ----------
    pause
        Seconds between two posts of one of them, unless the answer takes longer.
    """

    def __init__(
        self, crowd: Crowd, posters: list[tuple[Member, str]], pause: float, text: str = "the storm goes on"
    ) -> None:
        self._crowd = crowd
        self._posters = posters
        self._pause = pause
        self._text = text
        self._going = True
        for number, poster in enumerate(posters):
            crowd.later(pause * number / len(posters), partial(self._post, *poster))

    def _post(self, member: Member, room: str) -> None:
        if self._going:
            if not member.unanswered:
                self._crowd.post(member, room, self._text)
            self._crowd.later(self._pause, partial(self._post, member, room))

    def stop(self) -> None:
        self._going = False

    def all_answered(self) -> bool:
        return not any(member.unanswered for member, _ in self._posters)


def storm(data: Path, rooms: list[int], environment: dict[str, str] | None = None) -> Storm:
    """People in rooms of these sizes, two of each posting: all are cut off but one poster of each, and come back."""
    seeded = seed(data, rooms).rooms
    reporter = Reporter()
    by_room = [[Member(one.user, one.token, reporter.take, time.monotonic) for one in people] for people in seeded]
    members = [member for people in by_room for member in people]
    posters = [(member, people[0].room) for people, of in zip(seeded, by_room, strict=True) for member in of[:2]]
    staying = [people[0] for people in by_room]
    leaving = [member for people in by_room for member in people[1:]]
    settings = {"HUBBUB_DRAIN": str(STOP_SECONDS / 2)} | (environment or {})
    with ServerProcess(data, environment=settings) as server, Crowd(endpoint_of(server.url)) as crowd:
        came = bring_all(crowd, members)
        posting = Posters(crowd, posters, max(POST_EVERY, 2 * len(members) / DELIVERIES_A_SECOND))
        must(crowd.run(lambda: reporter.acknowledged >= 2 * len(posters), 60), "everybody posts")
        before = reporter.acknowledged
        crowd.drop(leaving)
        back = bring_all(crowd, leaving)
        meanwhile = reporter.acknowledged - before
        posting.stop()
        must(crowd.run(posting.all_answered, 60), "every post is answered")
        reached = now_and_then(lambda: all(member.has_all(reporter.heads) for member in members))
        must(crowd.run(reached, 60), "everybody has come as far as the log")
        crowd.drop(members)
        assert server.stop(STOP_SECONDS) == 0
    return Storm(
        clients=len(members),
        dropped=len(leaving),
        stayed=sum(member.lives == 1 for member in staying),
        first_connect=came,
        came_back=back,
        posted_meanwhile=meanwhile,
        delivered=reporter.delivered,
        gaps=reporter.gaps,
        refusals=dict(crowd.refusals),
        closes=dict(crowd.closes),
        findings=reporter.verdict(stored_facts(data / DATABASE)),
    )


def bring_all(crowd: Crowd, members: list[Member]) -> float:
    """All begin to connect at once: seconds until the last one is welcome, and has what it had missed."""
    begun = time.monotonic()
    for member in members:
        crowd.bring(member)
    everybody = now_and_then(lambda: all(member.stage is Stage.READY for member in members))
    must(crowd.run(everybody, ALL_COME_SECONDS), "everybody comes")
    return time.monotonic() - begun


def now_and_then(holds: Callable[[], bool]) -> Callable[[], bool]:
    """Ask so seldom that to ask ten thousand costs nothing."""
    next_look = 0.0

    def look() -> bool:
        nonlocal next_look
        if time.monotonic() < next_look:
            return False
        next_look = time.monotonic() + LOOK_EVERY
        return holds()

    return look


def must(happened: bool, what: str) -> None:
    assert happened, f"in vain: {what}"


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
