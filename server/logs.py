"""Logs: structlog's events and the standard library's records, in one stream on stderr, as text or JSON.

Two rules keep tokens and messages out of it. Nobody logs a value that came from a user, only ids and counts. And a
traceback shows where, never what: the renderers that print local variables are not used.
"""

from __future__ import annotations

import logging
import sys
from collections.abc import MutableMapping
from typing import Any, Final

import structlog
from structlog.types import Processor

from server.settings import LogFormat, LogLevel

_SHARED: Final[tuple[Processor, ...]] = (
    structlog.stdlib.add_logger_name,
    structlog.stdlib.add_log_level,
    structlog.processors.TimeStamper(fmt="iso", utc=True, key="time"),
)


class _Speaker:
    """Puts into each record which of several processes says so, once that is known."""

    worker: int | None = None

    def __call__(self, _logger: object, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
        if self.worker is not None:
            event.setdefault("worker", self.worker)
        return event


_speaker: Final = _Speaker()


def configure_logs(level: LogLevel, format: LogFormat) -> None:
    """Send everything of `level` and above to stderr. Called once, before the first record: a process that is forked
    after it has that from its parent.
    """
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                _speaker,
                *_rendering(format),
            ],
            foreign_pre_chain=_SHARED,
        )
    )
    root = logging.getLogger()
    root.handlers = [handler]
    set_log_level(level)
    logging.getLogger("alembic").setLevel(logging.WARNING)  # it tells of every plug-in at `info`
    structlog.configure(
        processors=[*_SHARED, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )


def speak_as(worker: int) -> None:
    """Which of several this process is stands in each record from now on."""
    _speaker.worker = worker


def set_log_level(level: LogLevel) -> None:
    """From now on."""
    logging.getLogger().setLevel(level.upper())


def _rendering(format: LogFormat) -> list[Processor]:
    if format == "json":
        return [structlog.processors.format_exc_info, structlog.processors.JSONRenderer()]
    return [
        structlog.dev.ConsoleRenderer(
            colors=sys.stderr.isatty(),
            timestamp_key="time",
            exception_formatter=structlog.dev.plain_traceback,
        )
    ]
