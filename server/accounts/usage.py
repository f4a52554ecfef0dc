"""When tokens were last used: what keeps a token from ending, and tells when somebody was last seen.

Sessions say so at their end, and at their beginning unless something was written within the hour. That is gathered
for a second and written in slices, some a second: a crowd that is cut off would fill the writer's queue with a change
for each of them, and posts would be refused for it, or wait for all of it. Once an hour it is noted which sessions are
still open, and which tokens made HTTP calls: coarse on purpose, and written behind; a crash forgets two hours of it at
the most.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import islice
from typing import Final, Protocol

import trio

from actors import Address, TaskContext, Tell
from server.store.user_messages import TouchTokens

EVERY: Final = 3_600.0  # seconds; tokens end after days
GATHER_SECONDS: Final = 1.0
_SLICE: Final = 500  # tokens a change of the store: a small part of a batch
_SLICES_AT_ONCE: Final = 4
"""Of those who said so themselves: 100,000 who are cut off are written within a minute, and times are told to the
minute."""


class LiveSessions(Protocol):
    """The open sessions; each has its token's public id for a name."""

    def children(self) -> Iterator[Address]: ...


class TokenUsage:
    """Tokens that are or were in use, since the last look."""

    __slots__ = ("_come", "_said", "_used")

    def __init__(self) -> None:
        self._used: set[str] = set()
        self._said: dict[str, int] = {}  # in the order in which it is written
        self._come = trio.Event()

    def note(self, session: str) -> None:
        """The token with this public id was used; it is enough to write that down within the hour."""
        self._used.add(session)

    def take(self) -> set[str]:
        """Those noted, which are forgotten."""
        used, self._used = self._used, set()
        return used

    def says(self, session: str, at: int) -> None:
        """It is used, or was until now (`at`, in ms): to be written down soon."""
        self._said[session] = at
        self._come.set()

    def says_again(self, touched: TouchTokens) -> None:
        """The writer's queue is full. Who has said something later keeps that."""
        for session in touched.sessions:
            self.says(session, self._said.get(session, touched.at))

    def __len__(self) -> int:
        """How many have said so."""
        return len(self._said)

    async def somebody(self) -> None:
        """Until somebody has said so, if nobody has."""
        await self._come.wait()

    def slices(self, most: int) -> Iterator[TouchTokens]:
        """The first of those who said so, who are forgotten."""
        for _ in range(most):
            if not (some := tuple(islice(self._said, _SLICE))):
                break
            yield TouchTokens(some, max([self._said.pop(session) for session in some]))
        if not self._said:
            self._come = trio.Event()


async def run_usage(
    context: TaskContext,
    writer: Tell,
    sessions: LiveSessions,
    usage: TokenUsage,
    now: Callable[[], int],
    every: float = EVERY,
) -> None:
    """Write down who said so, every `every` seconds who is here, and both once more at the end.

    Parameters
    ----------
    now
        Milliseconds since the epoch.
    """
    context.started()
    try:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(_write_what_is_said, writer, usage)
            while True:
                await trio.sleep(every)
                for touched in _slices(usage, sessions, now()):
                    writer.tell(touched)
                    await trio.lowlevel.checkpoint()
    finally:
        for touched in _slices(usage, sessions, now()):
            writer.tell(touched)
        for touched in usage.slices(most=len(usage)):
            writer.tell(touched)


async def _write_what_is_said(writer: Tell, usage: TokenUsage) -> None:
    while True:
        await usage.somebody()
        await trio.sleep(GATHER_SECONDS)
        for touched in [*usage.slices(_SLICES_AT_ONCE)]:
            if not writer.tell(touched):
                usage.says_again(touched)


def _slices(usage: TokenUsage, sessions: LiveSessions, at: int) -> Iterator[TouchTokens]:
    names = sorted(usage.take() | {str(session.name) for session in sessions.children()})
    for first in range(0, len(names), _SLICE):
        yield TouchTokens(tuple(names[first : first + _SLICE]), at)
