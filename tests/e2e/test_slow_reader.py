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
from loadtest.earlier_crowd import Crowd
from loadtest.member import Member
from loadtest.reporter import Reporter
from tests.bench.seed import seed
from tests.e2e.storming import DATABASE, bring_all, must
from tests.harness.posters import stored_facts
from tests.harness.server import ServerProcess

TEXT = "x" * 3_000
SMALL = {"HUBBUB_OUTBOUND_BYTES": "32768", "HUBBUB_SEND_BUFFER_BYTES": "4096"}
STALL_DEADLINE = 3.0
RECEIVE_BUFFER = 4_096
POSTS = 200
PACE = 0.005  # seconds between two posts: half a megabyte a second, and more than the slow one takes


@dataclass(frozen=True, slots=True)
class Scene:
    """A room of three: one posts, one reads as it comes, one is slow."""

    crowd: Crowd
    reporter: Reporter
    poster: Member
    slow: Member
    room: str

    def post_all(self) -> None:
        """`POSTS` posts, each after `PACE`, whether or not the last one was answered."""
        for number in range(POSTS):
            self.crowd.later(number * PACE, partial(self.crowd.post, self.poster, self.room, TEXT))
        must(self.crowd.run(lambda: self.reporter.acknowledged == POSTS, 60), "everything is posted")


@contextmanager
def scene(data: Path, **settings: str) -> Iterator[Scene]:
    """What was promised is held against the log at the end, and nobody may have been sent away."""
    people = seed(data, [3]).rooms[0]
    reporter = Reporter()
    poster, _quick, slow = members = [Member(one.user, one.token, reporter.take, time.monotonic) for one in people]
    with (
        ServerProcess(data, environment=SMALL | settings) as server,
        Crowd(endpoint_of(server.url), receive_buffer=RECEIVE_BUFFER) as crowd,
    ):
        bring_all(crowd, members)
        yield Scene(crowd, reporter, poster, slow, people[0].room)
        must(crowd.run(lambda: all(member.has_all(reporter.heads) for member in members), 60), "all have all")
        assert crowd.closes == {}
        assert [member.lives for member in members] == [1, 1, 1]
        crowd.drop(members)
        assert server.stop() == 0
    assert [str(finding) for finding in reporter.verdict(stored_facts(data / DATABASE))] == []
    assert reporter.gaps == 0


def test_who_reads_nothing_while_the_room_is_busy_gets_everything_afterwards(data: Path) -> None:
    with scene(data) as here:
        here.crowd.deafen(here.slow)
        here.post_all()
        assert not here.slow.has_all(here.reporter.heads), "it was behind"
        here.crowd.hear(here.slow)


@pytest.mark.slow
def test_who_reads_a_little_at_a_time_is_never_sent_away(data: Path) -> None:
    """It takes longer than the stall deadline to read what waits for it; but it moves."""
    with scene(data, HUBBUB_STALL_DEADLINE=str(STALL_DEADLINE)) as here:
        here.crowd.deafen(here.slow)
        sip(here, until=time.monotonic() + 2 * STALL_DEADLINE)
        here.post_all()
        assert not here.slow.has_all(here.reporter.heads), "it was behind"


def sip(here: Scene, until: float) -> None:
    """2 KB every 50 ms; from `until` on as fast as it comes."""
    if time.monotonic() >= until:
        here.crowd.hear(here.slow)
        return
    here.crowd.sip(here.slow, 2_048)
    here.crowd.later(0.05, partial(sip, here, until))
