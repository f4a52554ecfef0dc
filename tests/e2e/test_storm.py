"""A small reconnect storm; `make storm` has the one of ten thousand."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.e2e.storming import storm

ROOMS = [100, 100, 100, 50, 2]


def test_all_come_back_at_once_and_everybody_has_every_message_once(data: Path) -> None:
    went = storm(data, ROOMS)
    assert [str(finding) for finding in went.findings] == []
    assert went.gaps == 0
    assert went.closes == {}, "nobody was sent away"
    assert went.stayed == len(ROOMS), "who was not cut off noticed nothing"
    assert went.posted_meanwhile > 0


@pytest.mark.slow
def test_who_is_refused_comes_again_when_told_to_and_has_missed_nothing(data: Path) -> None:
    went = storm(data, [80, 80], environment={"HUBBUB_CONNECTS_PER_SECOND": "70"})
    assert went.refusals.keys() == {503}
    assert [str(finding) for finding in went.findings] == []
    assert (went.gaps, went.closes) == (0, {})
