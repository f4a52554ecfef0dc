"""A room on a node that owns it for a time: it serves while the lease holds under which it began, and not a message
longer.

The task that renews the lease would stop it as well, but only when it has its turn: a process that was paused may come
to the messages that waited first, and what it would say then may have been wrong for a while. A single process has
`RoomActor`, and pays nothing for this.
"""

from __future__ import annotations

from typing import Protocol

from server.rooms.actor import RoomActor, RoomEnvironment
from server.rooms.messages import MOVED


class Lease(Protocol):
    """How long this node may serve."""

    @property
    def term(self) -> int:
        """Which lease this is: another one, when it has lapsed in between."""
        ...

    def is_current(self, term: int, /) -> bool:
        """Whether what began in that term may go on."""
        ...


class LeasedRoomActor(RoomActor):
    """See the top of this file."""

    __slots__ = ("_lease", "_term")

    def __init__(self, environment: RoomEnvironment, lease: Lease) -> None:
        super().__init__(environment)
        self._lease = lease
        self._term = lease.term

    def receive(self, message: object) -> None:
        if self._lease.is_current(self._term):
            super().receive(message)
        else:
            self.stop(MOVED)
