"""Restart policy: the rules a supervisor follows, as arithmetic.

Every rule here is a frozen value or a pure function of values: no clock, no randomness, no actors. The
supervisors ask ("the third crash in four seconds: what now?") and act. The words are OTP's (`supervisor`,
"Supervision Principles"); `Breaker` is the one rule OTP has not: it bounds a *child's* crashes, where
`Intensity` bounds a supervisor's, so that one poisonous child cannot exhaust the patience meant for all of
them.

Left out: jitter (children of one process do not stampede anything but this process), significant children.
"""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass, field
from enum import Enum


class Restart(Enum):
    """When a child that ended is started again."""

    PERMANENT = "permanent"
    """Always, however it ended."""
    TRANSIENT = "transient"
    """Only after a crash."""
    TEMPORARY = "temporary"
    """Never, not even when its siblings are restarted together."""

    def applies(self, crashed: bool) -> bool:
        """Whether a child of this kind is started again after it ended by a crash, or in order."""
        return self is Restart.PERMANENT or (self is Restart.TRANSIENT and crashed)


class Strategy(Enum):
    """Which siblings share the fate of a child that is restarted."""

    ONE_FOR_ONE = "one_for_one"
    ONE_FOR_ALL = "one_for_all"
    REST_FOR_ONE = "rest_for_one"

    def affected(self, failed: int, children: int) -> range:
        """The places, in start order, of the children to stop and start again when the one at `failed` is."""
        match self:
            case Strategy.ONE_FOR_ONE:
                return range(failed, failed + 1)
            case Strategy.ONE_FOR_ALL:
                return range(children)
            case Strategy.REST_FOR_ONE:
                return range(failed, children)


@dataclass(frozen=True, slots=True)
class Intensity:
    """How many restarts, within a sliding window, a supervisor makes before it gives up.

    Args:
        restarts: the number allowed within the window; 0 means the first one is too many.
        seconds: the width of the window. The default, 1 in 5 s, is OTP's.
    """

    restarts: int = 1
    seconds: float = 5.0

    def window(self, past: tuple[float, ...], now: float) -> tuple[float, ...]:
        """The times of the restarts that count at `now`, this one included, oldest first."""
        return (*past[bisect_right(past, now - self.seconds) :], now)

    def exceeded(self, window: tuple[float, ...]) -> bool:
        """Whether these restarts are more than a supervisor makes."""
        return len(window) > self.restarts


@dataclass(frozen=True, slots=True)
class Backoff:
    """How long to wait before the nth try.

    Args:
        first: seconds before the first try; 0 means never to wait.
        factor: what each further wait is multiplied with, at least 1.
        longest: seconds no wait exceeds.
    """

    first: float = 0.0
    factor: float = 2.0
    longest: float = 30.0

    def delay(self, attempt: int) -> float:
        """Seconds to wait before the try number `attempt`, which counts from 1."""
        delay = min(self.first, self.longest)
        for _ in range(attempt - 1):
            if not 0.0 < delay < self.longest or self.factor <= 1.0:
                break
            delay = min(delay * self.factor, self.longest)
        return delay


@dataclass(frozen=True, slots=True)
class CrashRecord:
    """What a breaker remembers about one child.

    Args:
        times: its recent crashes, oldest first, in seconds of the system's clock.
        level: how often it has been quarantined in a row; 0: not lately.
        until: when its last quarantine ends, in seconds of the same clock.
    """

    times: tuple[float, ...] = ()
    level: int = 0
    until: float = 0.0

    def retry_after(self, now: float) -> float:
        """Seconds until it may be started again; 0 when it may be now."""
        return max(0.0, self.until - now) if self.level else 0.0


@dataclass(frozen=True, slots=True)
class Breaker:
    """When a child that keeps crashing is left alone for a while.

    `crashes` crashes within `window` seconds quarantine it for the backoff's first delay. For `window`
    seconds after its quarantine it is on probation: one more crash quarantines it again, for the next, longer
    delay. A child that survives its probation has a clean record.
    """

    crashes: int = 3
    window: float = 10.0
    backoff: Backoff = field(default_factory=lambda: Backoff(1.0, 2.0, 60.0))

    def after_crash(self, record: CrashRecord, now: float) -> CrashRecord:
        """The record of a child that has just crashed; it is quarantined if that names a time to wait."""
        if self.clean(record, now):
            record = CrashRecord()
        times = (*(then for then in record.times if then > now - self.window), now)
        if record.level == 0 and len(times) < self.crashes:
            return CrashRecord(times)
        level = record.level + 1
        return CrashRecord((), level, now + self.backoff.delay(level))

    def clean(self, record: CrashRecord, now: float) -> bool:
        """Whether nothing in this record counts any more, so that it can be forgotten."""
        if record.level:
            return now >= record.until + self.window
        return not record.times or record.times[-1] <= now - self.window
