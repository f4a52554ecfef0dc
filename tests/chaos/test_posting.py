"""How long posts waited, as a chaos run counts it."""

from __future__ import annotations

import time

import pytest

from tests.chaos.posting import Waits


def test_a_post_waits_from_the_first_time_it_is_said_until_it_is_acknowledged() -> None:
    waits = Waits()
    waits.denied(1, "r", final=False)
    waits.acknowledged(1, "r", 5.0)
    (wait,) = waits.over
    assert wait.seconds == 5.0
    assert wait.begun == pytest.approx(time.monotonic() - 5.0, abs=1.0)
    assert waits.final == 0


def test_who_still_waits_counts_as_far_as_it_has_come() -> None:
    waits = Waits()
    begun = time.monotonic() - 7.0
    assert waits.longest(begun - 1.0, begun + 1.0, [7.0]) == 7.0
    assert waits.longest(begun + 1.0, begun + 2.0, [7.0]) == 0.0
