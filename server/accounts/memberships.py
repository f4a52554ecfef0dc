"""Memberships that began on other nodes: a room shows up on all devices of a user, though news of it were lost between
the nodes (`server/cluster/users.py`).

So each node looks into the database (`looks.py`), and tells the sessions of those who are here. A session that follows
the room already ignores it.
"""

from __future__ import annotations

from collections.abc import Callable, Sized

from actors import Inbox, TaskContext
from server.accounts.looks import EVERY, Looks
from server.rooms.messages import Added
from server.store.room_messages import Memberships, ReadMemberships


async def run_memberships_sweep(
    context: TaskContext, reader: Inbox, sessions: Sized, now: Callable[[], int], every: float = EVERY
) -> None:
    """Look for memberships every `every` seconds until cancelled.

    Parameters
    ----------
    now
        Milliseconds since the epoch.
    """
    context.started()
    looks = Looks(
        reader, sessions, lambda to, spans: ReadMemberships(reply_to=to, spans=spans), Memberships, now, every
    )
    while True:
        found = await looks.next()
        for begun in () if found is None else found.begun:
            context.system.broadcast(begun.user, Added(begun.room, begun.read))
