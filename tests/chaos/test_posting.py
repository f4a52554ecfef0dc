"""How long posts waited, as a chaos run counts it."""

from __future__ import annotations

import time

import pytest

from clients.checker import Acknowledged, Posted, Refused
from loadtest.reporter import Reporter
from tests.chaos.posting import Waits


def test_a_post_waits_from_the_first_time_it_is_sent_through_every_refusal() -> None:
    waits = Waits(Reporter())
    begun = time.monotonic() - 5.0
    waits.take(Posted("ann", "r", "n1", "hi", at=begun))
    waits.take(Refused("ann", "r", "n1"))
    waits.take(Posted("ann", "r", "n1", "hi", at=begun + 3.0))
    waits.take(Acknowledged("ann", "r", "n1", 1))
    assert [wait.begun for wait in waits.over] == [begun]
    assert waits.over[0].seconds == pytest.approx(5.0, abs=1.0)
    assert waits.answers["ann"] == 2


def test_who_still_waits_counts_as_far_as_it_has_come() -> None:
    waits = Waits(Reporter())
    begun = time.monotonic() - 7.0
    waits.take(Posted("ann", "r", "n1", "hi", at=begun))
    assert waits.longest(begun - 1.0, begun + 1.0) == pytest.approx(7.0, abs=1.0)
    assert waits.longest(begun + 1.0, begun + 2.0) == 0.0
