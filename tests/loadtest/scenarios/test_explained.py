"""docs/loadtest.md says what every scenario is and what every figure means."""

from __future__ import annotations

from pathlib import Path

import pytest

from loadtest.scenarios.figures import MEANING, told
from loadtest.scenarios.table import SCENARIOS

PAGE = (Path(__file__).parents[3] / "docs" / "loadtest.md").read_text()


@pytest.mark.parametrize("name", [*SCENARIOS, *MEANING])
def test_it_is_on_the_page(name: str) -> None:
    assert f"`{name}`" in PAGE


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("seen_p99", 0.0123, "12.3 ms"),
        ("connect_seconds", 25.04, "25.04 s"),
        ("posts_per_second", 0.75, "0.75/s"),
        ("posts_per_second", 12_345.6, "12,346/s"),
        ("broadcast_to", 7.0, "7"),
        ("server_cpu", 0.973, "97% of a core"),
    ],
)
def test_figures_are_told_as_people_read_them(name: str, value: float, words: str) -> None:
    assert told(name, value) == words
