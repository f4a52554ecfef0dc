"""What the crowd measured, in locust's own statistics: for its web page, its tables and its files.

Locust keeps response times below 100 ms as whole milliseconds and longer ones with two digits, and shows percentiles
of these; averages, the shortest and the longest are exact up to the three digits of the histograms they come from.
Figures that matter are taken from the histograms, not from here.
"""

from __future__ import annotations

import errno
import time
from collections.abc import Iterable
from typing import Final

from locust.stats import RequestStats, StatsEntry, StatsError, bucket_response_time

from loadtest.histogram import counts_in, highest_of
from loadtest.scenarios.messages import Measured

METHOD: Final = "CROWD"
CONNECT, ACK, SEEN = "connect to welcome", "post to ack", "post to seen"
CONNECTION, POST = "connection", "post"


def show(stats: RequestStats, measured: Iterable[Measured]) -> None:
    """Count what was measured since the last time."""
    for one in measured:
        for name, histogram in ((CONNECT, one.connect), (ACK, one.ack), (SEEN, one.seen)):
            if histogram:
                _show_times(stats, name, histogram)
        for name, error, count in _failures(one):
            _show_failures(stats, name, error, count)


def _failures(one: Measured) -> Iterable[tuple[str, str, int]]:
    for status, count in one.refusals.items():
        yield CONNECT, f"UpgradeRefused({status})", count
    for number, count in one.failures.items():
        yield CONNECT, f"ConnectFailed({errno.errorcode.get(number, str(number))!r})", count
    for code, count in one.closes.items():
        yield CONNECTION, f"Closed({code})", count
    if one.refused:
        yield POST, "Refused", one.refused


def _show_times(stats: RequestStats, name: str, taken: bytes) -> None:
    entry = StatsEntry(stats, name, METHOD)
    for number, count in counts_in(taken):
        milliseconds = highest_of(number) / 1000
        entry.num_requests += count
        entry.total_response_time += milliseconds * count  # type: ignore[assignment]  # locust says int and means float
        entry.response_times[bucket_response_time(milliseconds)] += count
        if entry.min_response_time is None:
            entry.min_response_time = milliseconds  # type: ignore[assignment]
        entry.max_response_time = milliseconds  # type: ignore[assignment]
    entry.last_request_timestamp = time.time()
    entry.num_reqs_per_sec[int(entry.last_request_timestamp)] = entry.num_requests
    for whole in (stats.get(name, METHOD), stats.total):
        whole.extend(entry)


def _show_failures(stats: RequestStats, name: str, error: str, count: int) -> None:
    now = int(time.time())
    for entry in (stats.get(name, METHOD), stats.total):
        entry.num_failures += count
        entry.num_fail_per_sec[now] += count
    known = stats.errors.setdefault(StatsError.create_key(METHOD, name, error), StatsError(METHOD, name, error))
    known.occurrences += count
