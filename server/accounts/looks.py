"""Looking every few seconds for what other nodes have changed of late: a node hears of most of it at once, and finds
here what it was not told, because a link was lost or somebody died.

What changes carries a time from before its commit, by the clock of the node that wrote it. So every time is looked at
not once but `len(LAGS)` times: as soon as it has come, a moment later, and when nothing can come any more that has it.
What was written is therefore read so many times, however often a node looks, and none of it is missed: each row is
found by the last look at its time, nearly all by the first. An answer is bounded (`server/store/lately.py`); what is
left is asked for at once.

Whoever has begun here has read for itself what stood in the database then, so that nothing is looked for that nobody
can have missed: neither what is older than the first who is here, nor anything while nobody is. It may have read it
some seconds before it was seen here; what was written meanwhile is found by a later look at that time.
"""

from __future__ import annotations

from collections.abc import Callable, Sized
from typing import Any, Final, Generic, Protocol, TypeVar

from actors import Inbox, Reply
from server.accounts.asking import answer_to
from server.protocol.errors import Refusal
from server.rhythm import sleep_to_next
from server.store.lately import Span
from server.store.questions import Question

EVERY: Final = 2.0  # seconds; docs/protocol.md promises "within seconds"
LAGS: Final = (0, 2_000, 30_000)
"""ms between a time and looks at it. The last one is what a transaction takes at most (`Timeouts` in
`server/store/postgres.py`), and how much clocks may differ."""


class Found(Protocol):
    @property
    def left(self) -> tuple[Span, ...]:
        """What is to be asked for next."""


F = TypeVar("F", bound=Found)


def spans(since: int, now: int) -> tuple[Span, ...]:
    """The times to look at now, when the last look was at `since` (ms): each lies behind that of the last look."""
    return tuple(Span(since - lag, now - lag) for lag in LAGS)


class Looks(Generic[F]):
    """One after the other, from where the last one ended.

    Parameters
    ----------
    here
        Those whom it could concern.
    question, kind
        What the store is asked of some spans, and what it answers.
    now
        Milliseconds since the epoch.
    every
        Seconds.
    """

    __slots__ = ("_every", "_goes_on", "_here", "_kind", "_left", "_now", "_question", "_reader", "_since")

    def __init__(
        self,
        reader: Inbox,
        here: Sized,
        question: Callable[[Reply[Any], tuple[Span, ...]], Question],
        kind: type[F],
        now: Callable[[], int],
        every: float,
    ) -> None:
        self._reader = reader
        self._here = here
        self._question = question
        self._kind = kind
        self._now = now
        self._every = every
        self._since = now()
        self._left: tuple[Span, ...] = ()
        self._goes_on = False  # the last answer was not all

    async def next(self) -> F | None:
        """What the next look has found, or a part of it; None: nobody is here, or the store did not answer and is
        asked again."""
        if not self._goes_on:
            await sleep_to_next(self._every)
        if not self._here:
            self._since, self._left, self._goes_on = self._now(), (), False
            return None
        if not self._left:
            now = self._now()
            self._since, self._left = now, spans(self._since, now)
        asked, self._goes_on = self._left, False
        try:
            found = await answer_to(self._reader, lambda to: self._question(to, asked), self._kind, self._every)
        except Refusal:
            return None
        self._left, self._goes_on = found.left, bool(found.left)
        return found
