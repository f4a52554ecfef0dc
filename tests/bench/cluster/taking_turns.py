"""What it costs that two processes take turns on a processor, whoever they are: the floor of what `spread.py` measures.

Two servers of one process each, which know nothing of each other, have a room of 200 each, so that a post is as many
deliveries as a worker has of a room of 400 over two. Posts are made at a steady pace, one in flight: all to the one
server, all to the other, and to both in turn. All that differs is what the processor finds in its caches.
"""

from __future__ import annotations

import contextlib
from itertools import chain
from pathlib import Path

from tests.bench import measure
from tests.bench.cluster.spread import MEMBERS, Side, round_of, side
from tests.bench.crowd import Crowd

EACH = MEMBERS // 2


def turns_figure(folder: Path, rounds: int, seconds: float) -> dict[str, object]:
    """Microseconds of the servers' CPU for each delivery, each by itself and both in turn; the ratio round by round."""
    by_itself, in_turn = [], []
    with (
        contextlib.closing(Crowd()) as crowd,
        side(folder, crowd, "the one", members=EACH) as one,
        side(folder, crowd, "the other", members=EACH) as other,
    ):
        both = Side("in turn", [*one.pids, *other.pids], [*one.peers, *other.peers], EACH)
        alternately = list(chain.from_iterable(zip(one.peers, other.peers, strict=True)))
        for number in range(rounds + 1):
            lasts = seconds if number else 1.0
            first = round_of(crowd, one, one.peers, lasts)
            together = round_of(crowd, both, alternately, lasts)
            second = round_of(crowd, other, other.peers, lasts)
            if number:  # the first round warms
                by_itself.append((first.cpu_us + second.cpu_us) / 2)
                in_turn.append(together.cpu_us)
    ratios = [turns / single for turns, single in zip(in_turn, by_itself, strict=True)]
    return {
        "each by itself": {"cpu_us": measure.spread(by_itself)},
        "in turn": {"cpu_us": measure.spread(in_turn), "to_by_itself": measure.spread(ratios)},
    }
