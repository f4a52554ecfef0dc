"""Is the other side still there?

Any byte received counts as life. After one interval of silence a `ping` is owed, after two and a half the
connection counts as lost (docs/protocol.md, "Opening"). Pure: times are passed in, in seconds.
"""

from __future__ import annotations

from typing import Final

SILENCE: Final = 2.5  # intervals without a byte
DEFAULT_INTERVAL: Final = 30.0  # seconds, until `welcome` names one


class Pulse:
    __slots__ = ("heard_at", "interval", "pinged")

    def __init__(self, now: float, interval: float = DEFAULT_INTERVAL) -> None:
        self.interval = interval
        self.heard_at = now
        self.pinged = False

    def heard(self, now: float) -> None:
        self.heard_at = now
        self.pinged = False

    def owes_ping(self, now: float) -> bool:
        """Whether to send a `ping` now; True once for each silence."""
        if self.pinged or now < self.heard_at + self.interval:
            return False
        self.pinged = True
        return True

    def stopped(self, now: float) -> bool:
        return now >= self.heard_at + SILENCE * self.interval

    def next_wake(self) -> float:
        return self.heard_at + self.interval * (SILENCE if self.pinged else 1.0)
