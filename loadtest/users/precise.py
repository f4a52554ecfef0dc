"""Response times of a locust test as they were, beside locust's own.

Locust keeps times below 100 ms as whole milliseconds and longer ones with two digits. Times are reported to it as they
were measured, so whoever listens to its `request` event can keep more: here in HDR histograms, microseconds with three
digits, merged over workers with locust's own reports. For any kind of user:

    events.init.add_listener(PreciseTimes.begin)
"""

from __future__ import annotations

import logging
from typing import Any

from locust.env import Environment
from locust.runners import MasterRunner, Runner, WorkerRunner

from loadtest.histogram import Histogram

_log = logging.getLogger("hubbub")
_REPORTED = "precise_times"


class PreciseTimes:
    """Keeps the times of requests that did not fail, by type and name, and tells them when locust ends."""

    def __init__(self, environment: Environment) -> None:
        self._times: dict[tuple[str, str], Histogram] = {}
        events = environment.events
        events.test_start.add_listener(lambda **_: self._times.clear())
        if isinstance(environment.runner, MasterRunner):
            events.worker_report.add_listener(self._merge)
        else:
            events.request.add_listener(self._record)
        if isinstance(environment.runner, WorkerRunner):
            events.report_to_master.add_listener(self._report)
        else:
            events.quit.add_listener(self._tell)

    @classmethod
    def begin(cls, environment: Environment, runner: Runner, **_: object) -> None:
        cls(environment)

    def lines(self) -> list[str]:
        """A table."""
        head = f"{'':32} {'count':>9} {'p50':>10} {'p99':>10} {'p99.9':>10} {'max':>10}  ms, three digits"
        return [head] * bool(self._times) + [
            f"{f'{kind} {name}':32} {times.total:9} "
            + " ".join(f"{times.percentile(share) / 1000:10.3f}" for share in (50, 99, 99.9, 100))
            for (kind, name), times in sorted(self._times.items())
        ]

    def _of(self, kind: str, name: str) -> Histogram:
        return self._times.setdefault((kind, name), Histogram())

    def _record(
        self, request_type: str, name: str, response_time: float, exception: Exception | None = None, **_: object
    ) -> None:
        if exception is None:
            self._of(request_type, name).record(round(response_time * 1000))

    def _report(self, data: dict[str, Any], **_: object) -> None:
        data[_REPORTED] = [(kind, name, times.take()) for (kind, name), times in self._times.items()]

    def _merge(self, data: dict[str, Any], **_: object) -> None:
        for kind, name, times in data.get(_REPORTED, ()):
            if times:
                self._of(kind, name).merge(times)

    def _tell(self, **_: object) -> None:
        for line in self.lines():
            _log.info(line)
