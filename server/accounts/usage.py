"""When tokens were last used: what keeps a token from ending, and tells when somebody was last seen.

Sessions write down their own end, and their beginning unless something was written within the hour. Here, once an
hour, it is noted which are still open, and which tokens made HTTP calls: coarse on purpose, and written behind; a
crash forgets two hours of it at the most.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Final, Protocol

import trio

from actors import Address, TaskContext, Tell
from server.store.user_messages import TouchTokens

EVERY: Final = 3_600.0  # seconds; tokens end after days
_SLICE: Final = 500  # tokens a change of the store: a small part of a batch


class LiveSessions(Protocol):
    """The open sessions; each has its token's public id for a name."""

    def children(self) -> Iterator[Address]: ...


class TokenUsage:
    """Tokens that made calls without a session, since the last look."""

    __slots__ = ("_used",)

    def __init__(self) -> None:
        self._used: set[str] = set()

    def note(self, session: str) -> None:
        """The token with this public id was used."""
        self._used.add(session)

    def take(self) -> set[str]:
        """Those noted, which are forgotten."""
        used, self._used = self._used, set()
        return used


async def run_usage(
    context: TaskContext,
    writer: Tell,
    sessions: LiveSessions,
    usage: TokenUsage,
    now: Callable[[], int],
    every: float = EVERY,
) -> None:
    """Write down who is here every `every` seconds, and once more at the end.

    Parameters
    ----------
    now
        Milliseconds since the epoch.
    """
    context.started()
    try:
        while True:
            await trio.sleep(every)
            for touched in _slices(usage, sessions, now()):
                writer.tell(touched)
                await trio.lowlevel.checkpoint()
    finally:
        for touched in _slices(usage, sessions, now()):
            writer.tell(touched)


def _slices(usage: TokenUsage, sessions: LiveSessions, at: int) -> Iterator[TouchTokens]:
    names = sorted(usage.take() | {str(session.name) for session in sessions.children()})
    for first in range(0, len(names), _SLICE):
        yield TouchTokens(tuple(names[first : first + _SLICE]), at)
