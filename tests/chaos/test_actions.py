"""What goes wrong in a chaos run: repeatable, bounded, and with time to recover."""

from __future__ import annotations

from collections import defaultdict
from itertools import pairwise

import pytest

from tests.chaos.actions import OF_A_NODE, OF_NODES, OF_WORKERS, SETTLED_BEFORE, Event, Trouble, schedule

SEEDS = range(20)


def test_the_same_seed_gives_the_same_run() -> None:
    assert schedule(7, 300.0, 4) == schedule(7, 300.0, 4)
    assert schedule(7, 300.0, 4) != schedule(8, 300.0, 4)


@pytest.mark.parametrize("seed", SEEDS)
def test_everything_is_mended_before_the_end(seed: int) -> None:
    events = schedule(seed, 200.0, 4)
    assert events
    assert all(event.at + event.lasts <= 200.0 - SETTLED_BEFORE for event in events)
    assert events == sorted(events, key=lambda event: event.at)


@pytest.mark.parametrize("seed", SEEDS)
def test_nothing_is_in_two_troubles_at_once(seed: int) -> None:
    by_place: dict[int | None, list[Event]] = defaultdict(list)
    for event in schedule(seed, 1_200.0, 4):
        assert (event.node is not None) == (event.trouble in OF_A_NODE)
        by_place[event.node].append(event)
    for events in by_place.values():
        for one, following in pairwise(events):
            assert one.at + one.lasts < following.at


@pytest.mark.parametrize("troubles", [OF_NODES, OF_WORKERS])
def test_a_long_run_has_every_trouble_and_some_together(troubles: tuple[Trouble, ...]) -> None:
    events = schedule(1, 1_200.0, 4, troubles)
    assert {event.trouble for event in events} == set(troubles)
    assert any(one.at + one.lasts > following.at for one, following in pairwise(events))


def test_a_run_that_is_too_short_has_no_trouble() -> None:
    assert schedule(1, SETTLED_BEFORE, 4) == []
