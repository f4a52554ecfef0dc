"""What a connection is told by the gateway's own tasks and timers.

From the reactor it also gets plain `bytes`, what one `recv` took; from its session what
`server/sessions/messages.py` names, and `Outgoing`.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from server.gateway.outbound import Outbound
from server.protocol.hello_commands import Hello


class Signal(Enum):
    WRITABLE = "writable"
    """The socket takes bytes again. Told once for each `Reactor.await_writable`."""
    HUNG_UP = "hung up"
    """The peer has ended or reset the connection; the reactor looks at this socket no more."""
    GO_ON = "go on"
    """To itself: others had their turn, handle more of what has arrived."""
    SILENT = "silent"
    """An interval has passed without a byte: ask whether the peer is there."""
    LOST = "lost"
    """So many intervals have passed that nobody is there."""
    OPENING_OVERDUE = "opening overdue"
    """`hello`, or after it `welcome`, did not come in time."""
    CLOSE_OVERDUE = "close overdue"
    """The peer does not close its side."""


@dataclass(frozen=True, slots=True)
class Stalled:
    """Look whether `queue` has moved since it had sent `sent` bytes."""

    queue: Outbound
    sent: int


@dataclass(frozen=True, slots=True)
class Arrived:
    """Another worker has handed this websocket over, to which `hello` was said."""

    hello: Hello
