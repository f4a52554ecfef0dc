"""What the parts are told of their surroundings, where that takes a thought."""

from __future__ import annotations

import os

import pytest

from server.parts import gateway_limits
from server.settings import Settings


@pytest.mark.parametrize(
    ("processors", "workers", "share"), [(2.0, 54, 2 / 54), (2.0, 2, 1.0), (8.0, 2, 1.0), (0.5, 1, 0.5)]
)
def test_a_worker_counts_on_its_part_of_the_processors_and_never_on_more_than_one(
    processors: float, workers: int, share: float
) -> None:
    assert gateway_limits(Settings(processors=processors), workers).processors == pytest.approx(share)


def test_by_default_the_processors_are_those_of_the_machine() -> None:
    found = len(os.sched_getaffinity(0))
    assert gateway_limits(Settings(), 4 * found).processors == pytest.approx(0.25)
