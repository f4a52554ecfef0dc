"""A scenario played in this one process, without locust: for tests, and for as many people as one process may have."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Final

from clients.endpoint import Endpoint
from loadtest.people import People
from loadtest.scenarios.conducting import Conductor
from loadtest.scenarios.messages import Glance, Options, Results
from loadtest.scenarios.playing import Player
from loadtest.scenarios.table import SCENARIOS
from loadtest.scenarios.verdict import judge, time_to_judge

TELL_EVERY: Final = 1.0  # seconds
_STEP: Final = 0.05  # seconds at the most, until the conductor is asked again


def run(
    people: People, endpoints: Sequence[Endpoint], options: Options, watch: Callable[[Glance], None] | None = None
) -> Results:
    """Play `options.scenario` to its verdict.

    Parameters
    ----------
    watch
        Is told every second how it stands.
    """
    conductor = Conductor(SCENARIOS[options.scenario], options, people, players=1)
    player = Player.of(people, endpoints, range(options.connections), options, player=0)
    with player.crowd:
        tell_at = time.monotonic()
        while conductor.ledgers is None:
            now = time.monotonic()
            for order in conductor.tick(now):
                player.obey(order)
            player.crowd.step(_STEP)
            due = now >= tell_at
            if due or player.has_news:
                conductor.heard(0, player.progress())
            if due:
                tell_at = now + TELL_EVERY
                if watch is not None:
                    watch(conductor.glance(now))
        verdict = judge(people, endpoints, conductor.ledgers, time_to_judge(options.connections))
    conductor.judged(time.monotonic(), verdict)
    return conductor.results()
