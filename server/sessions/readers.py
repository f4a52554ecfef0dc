"""The connections of one session, and what is kept of those that are late: pure.

Of a connection that keeps up nothing is kept but that it is there; nearly all sessions have one, and it keeps up.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, final

from msgspec import Struct, field

from actors import Address
from server.sessions.attention import Attention


class Behind(Struct):
    """A connection's place in a room: it was sent everything up to `cursor`. `since`: where a resume began."""

    cursor: int
    since: int | None = None


class Reader(Struct):
    """A connection that is late: behind somewhere, or full.

    Attributes
    ----------
    behind
        The rooms it is behind in, in the order in which they are caught up.
    reading
        The room a page was asked of.
    full
        It was sent as much as it should hold, or said so itself; nothing more until it has drained.
    weight
        Of what it was sent from the log since it was last known to be drained, or live everywhere.
    """

    connection: Address
    behind: dict[str, Behind] = field(default_factory=dict)
    reading: str | None = None
    full: bool = False
    weight: int = 0

    def falls_behind(self, room: str, cursor: int) -> None:
        """Who is behind already stays where it is."""
        self.behind.setdefault(room, Behind(cursor))

    def resumes(self, room: str, seq: int) -> None:
        """The client named `seq` as its place."""
        self.behind[room] = Behind(seq, seq)

    def is_done_with(self, room: str) -> bool:
        """It is live there, or the room is over; whether it was behind."""
        return self.behind.pop(room, None) is not None

    @property
    def is_late(self) -> bool:
        return bool(self.behind) or self.full


@final
class Tabs(Struct, frozen=True):
    """The connections of a session, when they are not just one that keeps up.

    Attributes
    ----------
    late
        Those that are behind somewhere, or full.
    attention
        What those look at that do not want everything; None: all do.
    """

    connections: tuple[Address, ...]
    late: dict[Address, Reader] = field(default_factory=dict)
    attention: Attention | None = None


NO_TABS: Final = Tabs(())
"""Shared by all sessions that have no connection, and never written to: nobody is late there."""

NOBODY_LATE: Final[Mapping[Address, Reader]] = {}
