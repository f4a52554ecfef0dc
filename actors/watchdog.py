"""Watchdog: a thread that says so when the trio thread does not come round for a while, and where it stands.

For what an overrun cannot end: a C call (`time.sleep`, a query, a hash of a gigabyte), a task that computes, a disk
that does not answer. By the wall clock, because that is what the others wait by. One warning when the limit is over,
with the stack; one more when the thread comes round again, with how long it took.

How it knows, at next to no cost: an instrument of trio counts each time the loop goes to sleep and wakes up, so the
count is odd while something runs, and notes when it woke up last. The thread looks at that when the limit could be over
at the earliest: of what runs, that far after it woke up, and of what sleeps, after the whole limit. When nothing has
run between two looks it takes no further ones and waits, without a time-out, for the loop to ring; so an idle process
has no periodic wake-up, and any other one in each limit.

A C call that also holds the interpreter's lock (a regular expression that backtracks, `sum` of a long range) holds
up this thread too: then both warnings come when it is over, still with the right stack. To see it while it lasts
takes a tool from outside the process, such as py-spy.
"""

from __future__ import annotations

import logging
import sys
import threading
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from time import monotonic

import trio

log = logging.getLogger("actors.watchdog")


class Watchdog(trio.abc.Instrument):
    """Watches the thread that enters `watching`.

    Args:
        limit: seconds that the loop of trio may take for one round.
    """

    def __init__(self, limit: float) -> None:
        self._limit = limit
        self._thread = 0
        self._steps = 1
        self._woke = 0.0
        self._waits = False
        self._bell = threading.Event()
        self._over = False

    @contextmanager
    def watching(self) -> Iterator[None]:
        """Watch the loop that runs in this thread, from within one of its tasks."""
        self._thread, self._woke = threading.get_ident(), monotonic()
        watcher = threading.Thread(target=self._watch, name="actors watchdog", daemon=True)
        trio.lowlevel.add_instrument(self)
        watcher.start()
        try:
            yield
        finally:
            trio.lowlevel.remove_instrument(self)
            self._over = True
            self._bell.set()
            watcher.join()

    def after_io_wait(self, timeout: float) -> None:
        """The loop wakes up. The time is noted before the count says so."""
        self._woke = monotonic()
        self._steps += 1
        if self._waits:
            self._ring()

    def before_io_wait(self, timeout: float) -> None:
        """The loop goes to sleep."""
        self._steps += 1
        if self._waits:
            self._ring()

    def _ring(self) -> None:
        self._waits = False
        self._bell.set()

    def _watch(self) -> None:
        seen = self._steps
        while not self._over:
            steps, woke = self._steps, self._woke
            runs = steps % 2 == 1
            left = woke + self._limit - monotonic() if runs else self._limit
            if left <= 0.0:
                self._report(monotonic() - woke)
                self._wait_for_change(steps)
                log.warning("the trio thread was blocked for %.1f s", monotonic() - woke)
            elif steps == seen and not runs:
                self._wait_for_change(steps)
            elif self._bell.wait(left):
                self._bell.clear()
            seen = steps

    def _wait_for_change(self, seen: int) -> None:
        """Sleep until the loop does something."""
        self._bell.clear()
        self._waits = True
        if self._steps == seen and not self._over:
            self._bell.wait()
        self._waits = False
        self._bell.clear()

    def _report(self, seconds: float) -> None:
        frame = sys._current_frames().get(self._thread)
        stack = "".join(traceback.format_stack(frame))
        log.warning("the trio thread has been blocked for %.1f s:\n%s", seconds, stack)
