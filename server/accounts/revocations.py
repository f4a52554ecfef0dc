"""Tokens that ended: their sessions close, wherever the token was revoked.

Whoever revokes a token in this process tells its session at once. The sweep below finds what another process did
(`hubbub admin`), or what was not told because this process was busy dying: it asks the store every two seconds.

Nothing is asked while nobody is here: whoever comes then is looked after as if this process had just started.

The store's answer says from when to ask the next time, with an overlap, because a revocation carries a time from
before its commit. So some are found twice; a session that is told twice is closed already.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, Protocol

from actors import Address, Inbox, TaskContext
from server.accounts.asking import answer_to
from server.protocol.errors import Refusal
from server.rhythm import sleep_to_next
from server.sessions.messages import Revoked
from server.store.user_messages import ReadRevocations, Revocations

EVERY: Final = 2.0  # seconds; docs/protocol.md promises "within seconds"
BEFORE_START: Final = 60_000
"""ms that the first look goes back: no session is older than this process, or than the time when it had none."""


class OpenSessions(Protocol):
    """Where the session of a token is found while it is open."""

    def find(self, key: str, /) -> Address | None: ...

    def __len__(self) -> int: ...


def tell_revoked(sessions: OpenSessions, ended: Revocations) -> None:
    """Close the sessions of these tokens, those that are open here."""
    for name in ended.sessions:
        session = sessions.find(name)
        if session is not None:
            session.urgent(Revoked())


async def run_revocation_sweep(
    context: TaskContext, reader: Inbox, sessions: OpenSessions, now: Callable[[], int], every: float = EVERY
) -> None:
    """Look for ended tokens every `every` seconds until cancelled.

    Parameters
    ----------
    now
        Milliseconds since the epoch.
    """
    context.started()
    since = now() - BEFORE_START
    while True:
        await sleep_to_next(every)
        if not sessions:
            since = now() - BEFORE_START
            continue
        since = await _sweep(reader, sessions, since, every)


async def _sweep(reader: Inbox, sessions: OpenSessions, since: int, seconds: float) -> int:
    """From where to look the next time: unchanged when the store did not answer."""
    try:
        ended = await answer_to(reader, lambda to: ReadRevocations(reply_to=to, since=since), Revocations, seconds)
    except Refusal:
        return since
    tell_revoked(sessions, ended)
    return ended.at
