"""All scenarios with a thousand connections, as they are run: by locust, in two processes, against a real server.

Small and short: that each is played to a good end, not how well. One server and one set of people for all.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from loadtest.scenarios.table import SCENARIOS
from tests.harness.locusts import PLAY, Locust, populate
from tests.harness.server import ServerProcess

PEOPLE = 1_000

SMALL = {
    "steady": ("--rate", "50"),
    "broadcast": ("--repeats", "2"),
    "storm": ("--rate", "20"),
    "churn": ("--rate", "20", "--churn", "100", "--away", "0.1"),
    "slow": ("--rate", "20", "--sip", "500"),
    "ladder": ("--rate", "20", "--step", "8", "--limit", "0.000001"),
    "proof": ("--repeats", "1", "--posts", "100"),
}


@pytest.fixture(scope="module")
def options(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, ...]]:
    data = tmp_path_factory.mktemp("thousand") / "data"
    people = populate(data, PEOPLE, "all,each:10")
    with ServerProcess(data) as server:
        yield ("--host", server.url, "--people", str(people), "--connections", str(PEOPLE), "--processes", "2")


@pytest.mark.slow
@pytest.mark.parametrize("scenario", SCENARIOS)
def test_a_thousand_play_every_scenario_to_a_good_end(options: tuple[str, ...], tmp_path: Path, scenario: str) -> None:
    short = ("--scenario", scenario, "--seconds", "0.5", *SMALL[scenario])
    with Locust(PLAY, *options, *short, journal=tmp_path / "journal") as locust:
        code, output = locust.ended(120)
        assert code == 0, output
        results = locust.lines()[-1]["results"]
    assert results["phases"][0]["counts"]["connects"] == PEOPLE
    assert results["verdict"]["posts"] > 0
    assert results["verdict"]["findings"] == results["verdict"]["unchecked"] == results["failures"] == []
