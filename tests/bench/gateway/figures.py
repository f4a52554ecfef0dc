"""What one run found: for each part and contestant a few figures, each as median and range of its rounds."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from tests.bench import measure

Spread = dict[str, float]
Part = dict[str, dict[str, Spread]]
"""By contestant, by figure."""

OURS, PASSING = "Hubbub, stored", "Hubbub, not stored"
OVER_TLS = "Hubbub, stored, TLS"
WEBSOCKETS, NODE = "websockets", "Node ws"
FLOOR, PASSING_FLOOR = "floor", "floor, not stored"
SAME_RHYTHM, FULL_SPEED = "same rhythm", "full speed"
DISK = "fdatasync"


@dataclass
class Figures:
    """All of them.

    Attributes
    ----------
    peers
        The other servers that are installed, with their versions.
    parts
        By name, those that were measured.
    """

    machine: dict[str, Any]
    rounds: int
    peers: dict[str, str]
    parts: dict[str, Part] = field(default_factory=dict)

    def median(self, part: str, who: str, what: str) -> float | None:
        """One figure, if it was measured."""
        spread = self.parts.get(part, {}).get(who, {}).get(what)
        return None if spread is None else spread["median"]


def medians(rounds: Iterable[tuple[str, dict[str, float]]]) -> Part:
    """One part, from what was found of whom in any order."""
    values: dict[str, dict[str, list[float]]] = {}
    for who, found in rounds:
        for what, value in found.items():
            values.setdefault(who, {}).setdefault(what, []).append(value)
    return {who: {what: measure.spread(all_) for what, all_ in found.items()} for who, found in values.items()}


def contest(name: str, in_flight: int) -> str:
    """What the deliveries of `name` with so many in flight are found under."""
    return f"{name}, {in_flight} in flight"


def shown(value: float | None, digits: int = 2) -> str:
    """A figure for people; a dash where it was not measured."""
    return "-" if value is None else f"{value:,.{digits}f}"
