"""Signals as bytes of a pipe, so that a loop that polls descriptors hears of them, and nothing happens in between.

The first SIGTERM or SIGINT finds this; then both have the default handler again, so that a second one ends the process
on the spot, and its children with it.
"""

from __future__ import annotations

import os
import signal
from types import FrameType, TracebackType
from typing import Final

HEARD: Final = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGUSR2, signal.SIGCHLD)
_STOPS: Final = (signal.SIGTERM, signal.SIGINT)
_MOST: Final = 4_096


class Signals:
    """A context manager: signals are heard within the block.

    Attributes
    ----------
    descriptor
        Readable when one came.
    """

    def __init__(self) -> None:
        self.descriptor, self._told = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)

    def __enter__(self) -> Signals:
        signal.set_wakeup_fd(self._told, warn_on_full_buffer=False)
        for number in HEARD:
            signal.signal(number, _is_told_by_the_pipe)
        let_through()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for number in HEARD:
            signal.signal(number, signal.SIG_DFL)
        signal.set_wakeup_fd(-1)
        self.close()

    def taken(self) -> list[signal.Signals]:
        """Those that came since the last call, in their order."""
        try:
            numbers = [signal.Signals(number) for number in os.read(self.descriptor, _MOST) if number in HEARD]
        except BlockingIOError:
            return []
        if any(number in _STOPS for number in numbers):
            for number in _STOPS:
                signal.signal(number, signal.SIG_DFL)
        return numbers

    def close(self) -> None:
        os.close(self.descriptor)
        os.close(self._told)


def hold_back() -> None:
    """From here on they wait, also for the program that takes this one's place, until it hears them as above."""
    signal.pthread_sigmask(signal.SIG_BLOCK, HEARD)


def let_through() -> None:
    """The other program could not take this one's place."""
    signal.pthread_sigmask(signal.SIG_UNBLOCK, HEARD)


def _is_told_by_the_pipe(_number: int, _frame: FrameType | None) -> None:
    pass
