"""What may be open with each other node: whoever wants more is refused."""

from __future__ import annotations

from dataclasses import dataclass, field

from actors.distribution.link import LinkLimits


@dataclass(frozen=True, slots=True)
class DistributionLimits:
    """What may be open with each other node.

    Args:
        link: what its link may use.
        questions: questions from here that it has not answered.
        watches: its watches here.
    """

    link: LinkLimits = field(default_factory=LinkLimits)
    questions: int = 10_000
    watches: int = 200_000
