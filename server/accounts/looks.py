"""Looking every few seconds for what other nodes have changed of late: a node hears of most of it at once, and finds
here what it was not told, because a link was lost or somebody died.

Nothing is asked while nobody is here whom it could concern: whoever comes then is looked after as if this process had
just started. The store's answer says from when to ask the next time, with an overlap, because a change carries a time
from before its commit; so some is found twice.
"""

from __future__ import annotations

from collections.abc import Callable, Sized
from typing import Any, Final, Generic, Protocol, TypeVar

from actors import Inbox, Reply
from server.accounts.asking import answer_to
from server.protocol.errors import Refusal
from server.rhythm import sleep_to_next
from server.store.questions import Question

EVERY: Final = 2.0  # seconds; docs/protocol.md promises "within seconds"
BEFORE_START: Final = 60_000
"""ms that the first look goes back: nobody here is older than this process, or than the time when it had nobody."""


class Dated(Protocol):
    @property
    def at(self) -> int:
        """From where to look the next time: milliseconds since the epoch."""


F = TypeVar("F", bound=Dated)


class Looks(Generic[F]):
    """One after the other, from where the last one ended.

    Parameters
    ----------
    here
        Those whom it could concern.
    question, kind
        What the store is asked from a time on, and what it answers.
    now
        Milliseconds since the epoch.
    every
        Seconds.
    """

    __slots__ = ("_every", "_here", "_kind", "_now", "_question", "_reader", "_since")

    def __init__(
        self,
        reader: Inbox,
        here: Sized,
        question: Callable[[Reply[Any], int], Question],
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
        self._since = now() - BEFORE_START

    async def next(self) -> F | None:
        """What the next look has found; None: nobody is here, or the store did not answer and is asked again."""
        await sleep_to_next(self._every)
        if not self._here:
            self._since = self._now() - BEFORE_START
            return None
        since = self._since
        try:
            found = await answer_to(self._reader, lambda to: self._question(to, since), self._kind, self._every)
        except Refusal:
            return None
        self._since = found.at
        return found
