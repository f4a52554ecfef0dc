"""Waiting for a database that is away: a server that is restarted comes back in a second or two.

The rule: what nobody has done is tried again, and only that (`Disconnected`). Who waits longer than the database's
patience is told `unavailable`; and as long as it stays away, whoever comes later is told so at once. The log has a line
when that begins and one when it is over, however many come.
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable
from itertools import count
from typing import Final, TypeVar

import trio

from actors import Backoff
from server.store.connections import Disconnected, complaint_of

_BACKOFF: Final = Backoff(first=0.05, factor=2.0, longest=0.5)

T = TypeVar("T")
_log = logging.getLogger(__name__)


class Patience:
    """How long those wait who do the same.

    Parameters
    ----------
    seconds
        From the first try to the beginning of the last.
    what
        What is refused while the database is away, for the log.
    """

    __slots__ = ("_is_away", "_seconds", "_what")

    def __init__(self, seconds: float, what: str) -> None:
        self._seconds = seconds
        self._what = what
        self._is_away = False

    async def result_of(self, work: Callable[[], Awaitable[T]]) -> T:
        """What `work` returns, tried again while there is no connection. Raises `Disconnected`."""
        limit = trio.current_time() + (0.0 if self._is_away else self._seconds)
        for attempt in count(1):
            try:
                result = await work()
            except Disconnected as error:
                delay = _BACKOFF.delay(attempt)
                if trio.current_time() + delay > limit:
                    self._give_up(error)
                    raise
                if attempt == 1:
                    _log.warning("no connection to the database, trying again: %s", complaint_of(error))
                await trio.sleep(delay)
            else:
                self._has_come_back()
                return result
        raise AssertionError("counting has no end")

    def _give_up(self, error: Disconnected) -> None:
        if not self._is_away:
            self._is_away = True
            _log.error("the database is away, and %s are refused: %s", self._what, complaint_of(error))

    def _has_come_back(self) -> None:
        if self._is_away:
            self._is_away = False
            _log.warning("the database is back, and takes %s again", self._what)
