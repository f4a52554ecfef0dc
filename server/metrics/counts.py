"""What the server counts itself: plain numbers, in one object that is handed out where the tree is wired.

The rule: nothing is counted once a delivery. Counted is what happens once a handshake, a commit, a fan-out or a full
queue; sizes are not counted at all, but looked at when somebody asks (`server/operators/families.py`). A number that is
added to costs 30 ns, a thirtieth of the way of a delivery through the actors.

They outlive the restarts of what counts. Every field has one writer thread, trio's.
"""

from __future__ import annotations

from collections import Counter
from typing import Final, Protocol

from server.metrics.histogram import SECONDS, SIZES, Histogram

NO_CODE: Final = 1005
"""A close frame without a code (RFC 6455, section 7.1.5)."""

LOST: Final = 1006
"""The end of a websocket without a close frame (the same)."""


class Waiting(Protocol):
    """Bytes that wait for a socket; see `server/gateway/outbound.py`."""

    waiting: int
    late: int | None


class GatewayCounts:
    """What sockets do.

    Attributes
    ----------
    accepted
        Sockets, those included that were refused at the door.
    handshaking
        Sockets that are plain HTTP now.
    handshakes
        By outcome and reason.
    opening, closing
        Websockets that are between the upgrade and `welcome`, and behind a close frame.
    closes
        By who closed ("server", "client", "nobody" for those that were lost) and the code of RFC 6455, section 7.4.
    handed_over, arrived
        Websockets that went to another worker, and that came from one.
    encoded
        Events turned into frames: once for all who hear them in the same dialect.
    queues
        The outbound queues that exist now: nearly all websockets have none.
    """

    __slots__ = (
        "accepted", "arrived", "closes", "closing", "encoded", "handed_over", "handshakes", "handshaking", "opening",
        "queues",
    )  # fmt: skip

    def __init__(self) -> None:
        self.accepted = 0
        self.handshaking = 0
        self.handshakes: Counter[tuple[str, str]] = Counter()
        self.opening = 0
        self.closing = 0
        self.closes: Counter[tuple[str, int]] = Counter()
        self.handed_over = 0
        self.arrived = 0
        self.encoded = 0
        self.queues: set[Waiting] = set()


class RoomCounts:
    """What rooms tell: slices of fan-outs, how often one had to wait, and receivers in all of them together."""

    __slots__ = ("deliveries", "fan_outs", "pauses")

    def __init__(self) -> None:
        self.fan_outs = 0
        self.pauses = 0
        self.deliveries = 0


class StoreCounts:
    """What the disk does.

    Attributes
    ----------
    messages
        New ones on disk.
    commit_seconds
        From handing a batch over to the writer's thread until it is on disk.
    commit_changes
        Changes in a batch.
    failed_commits
        Nothing of their batch is on disk, or nobody knows.
    portion_seconds, portion_questions
        The same for the reader's portions.
    """

    __slots__ = (
        "commit_changes",
        "commit_seconds",
        "failed_commits",
        "messages",
        "portion_questions",
        "portion_seconds",
    )

    def __init__(self) -> None:
        self.messages = 0
        self.commit_seconds = Histogram(SECONDS)
        self.commit_changes = Histogram(SIZES)
        self.failed_commits = 0
        self.portion_seconds = Histogram(SECONDS)
        self.portion_questions = Histogram(SIZES)


class Counts:
    """All of them, of one process."""

    __slots__ = ("gateway", "lag", "long_rounds", "rooms", "store")

    def __init__(self) -> None:
        self.gateway = GatewayCounts()
        self.rooms = RoomCounts()
        self.store = StoreCounts()
        self.lag = Histogram(SECONDS)
        """How late a timer's message is handled, in seconds: what timers, run queue and turns add up to."""
        self.long_rounds = Histogram(SECONDS)
        """Rounds of trio's loop in which others had to wait, in seconds."""
