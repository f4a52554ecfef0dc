"""Ctrl-C and SIGTERM, so that what was started is stopped in order.

The first signal ends what is being done, as an exception; from then on, or once the end has begun by itself, a signal
only makes the end quicker: an exception in the middle of it would leave something behind.
"""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType


class Interrupted(BaseException):
    """Somebody wants it to end; the signal's name. No `Exception`, so that nothing takes it for trouble of its own."""


class Interruption:
    """What has been asked for so far."""

    def __init__(self) -> None:
        self._is_ending = False
        self._is_urgent = False

    def ending(self) -> None:
        """From here on nobody is to be interrupted."""
        self._is_ending = True

    def in_a_hurry(self) -> bool:
        """Whether somebody asked while it was ending."""
        return self._is_urgent

    def _handle(self, number: int, frame: FrameType | None) -> None:
        if self._is_ending:
            self._is_urgent = True
            return
        self._is_ending = True
        raise Interrupted(signal.Signals(number).name)


@contextmanager
def interruptible() -> Iterator[Interruption]:
    """Within it, SIGINT and SIGTERM are as above. For the main thread."""
    interruption = Interruption()
    numbers = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    before = {number: signal.signal(number, interruption._handle) for number in numbers}
    try:
        yield interruption
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
