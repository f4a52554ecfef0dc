"""What happens to the people of one process, by the order under which it happened.

A post belongs to the order under which it was said, which its mark carries: whoever sees it later adds to that order's
latencies. Everything else belongs to the order of the moment. Of many processes one may obey the next order and post
before another one has heard of it: what is seen then is kept for that order.
"""

from __future__ import annotations

import errno
import time
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Final

from loadtest.crowd.entries import Entry
from loadtest.crowd.watcher import Watcher
from loadtest.histogram import Histogram
from loadtest.scenarios.messages import Measured

KEPT: Final = 3
"""Orders that are still told of, the present one included; what is seen of older posts is not told any more."""


class Reading:
    """Of one order."""

    def __init__(self, order: int) -> None:
        self.order = order
        self.seconds = 0.0
        self.cpu = 0.0
        self.counts: Counter[str] = Counter()
        self.refusals: Counter[int] = Counter()
        self.closes: Counter[int] = Counter()
        self.failures: Counter[int] = Counter()
        self.connect = Histogram()
        self.ack = Histogram()
        self.seen = Histogram()
        self.late = Histogram()
        self.figures: dict[str, float] = {}
        self.early: list[Entry] = []
        """Entries that were seen before this process heard of the order."""
        self.is_frozen = False
        """Whether what is seen from now on does not count: those see it who did not want to."""

    def take(self) -> Measured:
        """What came since the last time."""
        measured = Measured(
            order=self.order,
            seconds=self.seconds,
            cpu=self.cpu,
            connects=self.counts["connects"],
            posted=self.counts["posted"],
            acknowledged=self.counts["acknowledged"],
            delivered=self.counts["delivered"],
            gaps=self.counts["gaps"],
            refused=self.counts["refused"],
            refusals=dict(self.refusals),
            closes=dict(self.closes),
            failures=dict(self.failures),
            connect=self.connect.take_counts(),
            ack=self.ack.take_counts(),
            seen=b"" if self.is_frozen else self.seen.take_counts(),
            late=self.late.take_counts(),
            figures=dict(self.figures),
        )
        self.seconds = self.cpu = 0.0
        for counter in (self.counts, self.refusals, self.closes, self.failures):
            counter.clear()
        return measured


class Readings(Watcher):
    """The watcher of a player's crowd.

    Attributes
    ----------
    now
        Of the present order.
    entries
        Is given each entry that is seen by the first of this process; what is done with it is the phase's.
    welcome
        Is given the number of each who became ready.
    """

    def __init__(self) -> None:
        self.now = Reading(0)
        self.entries: Callable[[Entry], None] | None = None
        self.welcome: Callable[[int], None] | None = None
        self._open = {0: self.now}
        self._labels = {"0": self.now}
        self._next: Reading | None = None  # of the order that follows, where somebody else has heard of it
        self._began = time.monotonic_ns()
        self._clock = time.monotonic()
        self._cpu = time.process_time()

    def listen(self, entries: Callable[[Entry], None]) -> None:
        """Give `entries` what is seen under the present order, and what was seen of it before it was heard of here."""
        self.entries = entries
        for entry in self.now.early:
            entries(entry)

    def begin(self, order: int) -> None:
        """Another order was given."""
        self.clock()
        ahead, self._next = self._next, None
        if ahead is None or ahead.order != order:
            ahead = Reading(order)
        self.now = self._open[order] = self._labels[str(order)] = ahead
        self._began = time.monotonic_ns()
        for old in list(self._open)[:-KEPT]:
            del self._open[old]
            del self._labels[str(old)]

    def take(self) -> list[Measured]:
        """What came since the last time, by order."""
        self.clock()
        return list(self._take())

    def _take(self) -> Iterator[Measured]:
        for reading in self._open.values():
            measured = reading.take()
            if reading is self.now or measured.seen or measured.seconds:
                yield measured

    def clock(self) -> None:
        """Time and CPU that went by are the present order's."""
        now, cpu = time.monotonic(), time.process_time()
        self.now.seconds += now - self._clock
        self.now.cpu += cpu - self._cpu
        self._clock, self._cpu = now, cpu

    # --- what a crowd tells --------------------------------------------------------------------------------------

    def welcomed(self, number: int, seconds: float) -> None:
        self.now.counts["connects"] += 1
        self.now.connect.record_seconds(seconds)
        if self.welcome is not None:
            self.welcome(number)

    def posted(self, number: int, room: str) -> None:
        self.now.counts["posted"] += 1

    def acknowledged(self, number: int, room: str, seconds: float) -> None:
        self.now.counts["acknowledged"] += 1
        self.now.ack.record_seconds(seconds)

    def denied(self, number: int, room: str, final: bool) -> None:
        self.now.counts["refused"] += 1

    def entry(self, entry: Entry) -> Histogram | None:
        if self.entries is not None:
            self.entries(entry)
        if entry.mark is None:
            return None
        reading = self._labels.get(entry.mark.label) or self._of_next(entry, entry.mark.label)
        return None if reading is None else reading.seen

    def _of_next(self, entry: Entry, label: str) -> Reading | None:
        """Of the next order, which is given when all have obeyed this one; not of an earlier run with that label."""
        following = self.now.order + 1
        if label != str(following) or entry.sent < self._began:
            return None
        if self._next is None:
            self._next = Reading(following)
        self._next.early.append(entry)
        return self._next

    def refused(self, status: int) -> None:
        self.now.refusals[status] += 1

    def closed(self, code: int) -> None:
        self.now.closes[code] += 1

    def failed(self, number: int) -> None:
        self.now.failures[number] += 1

    def late(self, number: int, seconds: float) -> None:
        """Whoever hung up, because nothing came: a connection that failed as the kernel's own do."""
        self.now.failures[errno.ETIMEDOUT] += 1
