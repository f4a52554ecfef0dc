"""Tokens that ended: their sessions close, wherever the token was revoked.

Whoever revokes a token in this process tells its session at once. The sweep below finds what another process did
(`hubbub admin`), or what was not told because this process was busy dying (`looks.py`). Some are found twice; a session
that is told twice is closed already.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Protocol

from actors import Address, Inbox, TaskContext
from server.accounts.looks import EVERY, Looks
from server.sessions.messages import Revoked
from server.store.user_messages import EndedLately, ReadRevocations


class OpenSessions(Protocol):
    """Where the session of a token is found while it is open."""

    def find(self, key: str, /) -> Address | None: ...

    def __len__(self) -> int: ...


def tell_revoked(sessions: OpenSessions, ended: Iterable[str]) -> None:
    """Close the sessions of these tokens, those that are open here."""
    for name in ended:
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
    looks = Looks(
        reader, sessions, lambda to, spans: ReadRevocations(reply_to=to, spans=spans), EndedLately, now, every
    )
    while True:
        found = await looks.next()
        if found is not None:
            tell_revoked(sessions, found.sessions)
