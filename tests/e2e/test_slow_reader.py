"""Who reads slowly, or not at all for a while, in a busy room: caught up from the log, never sent away for it."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import pytest

from clients.endpoint import endpoint_of
from loadtest.crowd.crowd import Crowd
from loadtest.ledger import Ledger
from tests.bench.seed import seed
from tests.e2e.storming import DATABASE
from tests.harness.crowds import Endings, Listed, bring_all, must, verdict
from tests.harness.posters import stored_facts
from tests.harness.server import ServerProcess

TEXT = "x" * 3_000
SMALL = {"HUBBUB_OUTBOUND_BYTES": "32768", "HUBBUB_SEND_BUFFER_BYTES": "4096"}
STALL_DEADLINE = 3.0
RECEIVE_BUFFER = 4_096
POSTS = 200
PACE = 0.005  # seconds between two posts: half a megabyte a second, and more than the slow one takes


POSTER, QUICK, SLOW = EVERYBODY = range(3)


@dataclass(frozen=True, slots=True)
class Scene:
    """A room of three: one posts, one reads as it comes, one is slow."""

    crowd: Crowd
    ledger: Ledger

    def post_all(self) -> None:
        """`POSTS` posts, each after `PACE`, whether or not the last one was answered."""
        for number in range(POSTS):
            self.crowd.later(number * PACE, partial(self.crowd.post, POSTER, 0, TEXT))
        must(self.crowd.run(lambda: self.ledger.acknowledged == POSTS, 60), "everything is posted")

    def slow_is_behind(self) -> bool:
        return self.crowd.behind(self.ledger.heads, [SLOW]) > 0


@contextmanager
def scene(data: Path, **settings: str) -> Iterator[Scene]:
    """What was promised is held against the log at the end, and nobody may have been sent away."""
    roster = Listed(seed(data, [3]).rooms[0])
    endings, ledger = Endings(), Ledger()
    with (
        ServerProcess(data, environment=SMALL | settings) as server,
        Crowd(roster, EVERYBODY, [endpoint_of(server.url)], endings, ledger, receive_buffer=RECEIVE_BUFFER) as crowd,
    ):
        bring_all(crowd, EVERYBODY)
        yield Scene(crowd, ledger)
        must(crowd.run(lambda: not crowd.behind(ledger.heads), 60), "all have all")
        assert endings.closes == {}
        assert [crowd.lives(number) for number in EVERYBODY] == [1, 1, 1]
        seen = ledger.export(crowd.readers())
        crowd.drop(EVERYBODY)
        assert server.stop() == 0
    assert [str(finding) for finding in verdict([seen], roster, stored_facts(data / DATABASE))] == []
    assert ledger.gaps == 0


def test_who_reads_nothing_while_the_room_is_busy_gets_everything_afterwards(data: Path) -> None:
    with scene(data) as here:
        here.crowd.deafen(SLOW)
        here.post_all()
        assert here.slow_is_behind()
        here.crowd.hear(SLOW)


@pytest.mark.slow
def test_who_reads_a_little_at_a_time_is_never_sent_away(data: Path) -> None:
    """It takes longer than the stall deadline to read what waits for it; but it moves."""
    with scene(data, HUBBUB_STALL_DEADLINE=str(STALL_DEADLINE)) as here:
        here.crowd.deafen(SLOW)
        sip(here, until=time.monotonic() + 2 * STALL_DEADLINE)
        here.post_all()
        assert here.slow_is_behind()


def sip(here: Scene, until: float) -> None:
    """2 KB every 50 ms; from `until` on as fast as it comes."""
    if time.monotonic() >= until:
        here.crowd.hear(SLOW)
        return
    here.crowd.sip(SLOW, 2_048)
    here.crowd.later(0.05, partial(sip, here, until))
