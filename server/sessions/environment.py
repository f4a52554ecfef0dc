"""What all sessions share, and what they are made of."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import count
from time import time_ns
from typing import Final

from msgspec import Struct, field

from actors import Mailbox, Overflow, System, Tell
from server.pacing import Pace, without_limit
from server.protocol.replies import Limits
from server.rooms.finding import Rooms, rooms_here
from server.sessions.attention import DEFAULT_RULES, Rules
from server.sessions.choices import Choices
from server.sessions.commands import COMMAND_SECONDS

MAILBOX: Final = Mailbox(limit=1_000, overflow=Overflow.GAP)
"""What overflows is only what rooms tell: connections and the store answer into reserved room."""

NOTED_FOR_MS: Final = 3_600_000
"""That a token is in use need not be written down so soon again: those who stay are written down once an hour, too
(`server/accounts/usage.py`)."""


def wall_clock() -> int:
    """Milliseconds since the epoch."""
    return time_ns() // 1_000_000


class SessionEnvironment(Struct, frozen=True, kw_only=True):
    """What all sessions share.

    Attributes
    ----------
    writer, reader
        The inboxes of the store's tasks.
    limits, node, heartbeat
        What `welcome` says of this server; `heartbeat` in milliseconds, as it is just then.
    command_seconds
        After so long a command is answered `unavailable`.
    clock
        The wall clock, in milliseconds, for when the user was last seen.
    used
        Told the ids of sessions whose tokens are used, or were until now, and when (ms): has it written down.
    most_connections
        Of a user, over all devices.
    pace
        How fast the commands of a user may follow, over all devices; by the user's id.
    refs
        Gives the references of all sessions.
    rooms
        Where rooms are found.
    choices
        What those have chosen who are here.
    elsewhere
        Told the `News` of memberships that begin, for the users' sessions on other nodes. None: there are none.
    attention
        From which size on rooms are large, to clients that do not look at them, and how often these hear of them.
    """

    writer: Tell
    reader: Tell
    limits: Limits
    node: str
    heartbeat: Callable[[], int]
    used: Callable[[str, int], object]
    command_seconds: float = COMMAND_SECONDS
    clock: Callable[[], int] = wall_clock
    most_connections: int = 100
    pace: Pace[str] = field(default_factory=without_limit)
    refs: Iterator[int] = field(default_factory=lambda: count(1))
    rooms: Callable[[System], Rooms] = rooms_here
    choices: Choices = field(default_factory=Choices)
    elsewhere: Tell | None = None
    attention: Rules = DEFAULT_RULES
