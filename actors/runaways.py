"""Runaways: handlers that do not come to an end, and what holds up the thread. The three parts, armed together.

A timer of the trio thread's CPU time (`cpu_timer`) drives what ends an overrun (`overrun`) and samples who uses the
time (`sampling`); a thread watches by the wall clock (`watchdog`).

Python runs signal handlers in the main thread. A system that runs in another one, or where the timer is missing, does
without the first two, and says so in its log.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass

from actors.cpu_timer import Unavailable, cpu_ticks
from actors.overrun import Overruns
from actors.sampling import Samples
from actors.watchdog import Watchdog

log = logging.getLogger("actors.overrun")

TICK = 0.01
"""Seconds of CPU time between two looks. A look takes about 10 us, a thousandth of it."""


@dataclass(frozen=True, slots=True)
class RunawayPolicy:
    """What counts as a runaway.

    Args:
        overrun: seconds of CPU time that one call of an actor may take: a message, `started`, `settled`, `stopped`, its
            constructor. Then it crashes with `Overrun`, at most a tick of the timer later. None: it may take for ever.
        blocked: seconds of wall-clock time that trio may take for one round before the log has a warning; None: no
            watchdog.
        code: modules and packages that may be interrupted in the middle, beside those in which the actors' classes are
            written. Name only what touches nothing but the state of the actor it works for.
    """

    overrun: float | None = 0.25
    blocked: float | None = 1.0
    code: tuple[str, ...] = ()


class Runaways:
    """The guard of one system.

    Args:
        policy: what counts as a runaway.
        samples: where the time that is used is noted.
    """

    def __init__(self, policy: RunawayPolicy, samples: Samples) -> None:
        self._policy = policy
        self._overruns = Overruns(policy.overrun, policy.code, samples)
        self.slice_over = self._overruns.slice_over

    @contextmanager
    def armed(self) -> Iterator[None]:
        """Guard the loop of trio that runs in this thread."""
        with ExitStack() as guards:
            if self._policy.blocked is not None:
                guards.enter_context(Watchdog(self._policy.blocked).watching())
            try:
                guards.enter_context(cpu_ticks(TICK, self._overruns.tick))
            except Unavailable as why:
                log.info("overruns are not ended, and no time is sampled: %s", why)
            yield
