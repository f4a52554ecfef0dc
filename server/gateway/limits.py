"""The numbers of the gateway: what one socket may cost, and how long each step of its life may take.

Made once where the tree is wired, from the operator's settings. `close_seconds` and `stop_seconds` are no settings: a
peer that reads answers a close frame in one round trip, and for one that does not no time is right. Numbers of the wire
contract stand in `server/protocol/limits.py`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

RECEIVE_BYTES: Final = 64 * 1024
"""The most one `recv` takes from a socket before the others get their turn: a crowd waits for one chunk, no
more.
"""

SILENCES_UNTIL_CLOSED: Final = 2.5
"""Heartbeat intervals without a byte after which a peer is taken for gone (docs/protocol.md, Opening)."""

CONNECT_BURST_SECONDS: Final = 2.0
"""As many connects as come in this time at the highest rate may come at once: a crowd after a restart is no attack."""

SMALL_PART: Final = 1 / 3
"""Of a processor: whoever has no more of one finds its caches full of others' things whenever it wakes."""

LOBBY_SECONDS: Final = 0.03
"""Took a sixth off what a connect costs 28 workers on two processors (40,000 people); 0.06 took no more."""

STOP_SECONDS: Final = 1.0
"""For peers to answer the close frame of an orderly stop, and for plain requests that are under way."""


@dataclass(frozen=True, slots=True, kw_only=True)
class GatewayLimits:
    """Sizes in bytes, times in seconds.

    Parameters
    ----------
    max_connections
        Sockets open at once, handshakes included; more are refused with 503.
    max_descriptors
        Of those, open as descriptors of this process; where that is fewer, the others are kept without one
        (`fixed_files.py`).
    max_connections_per_address
        The same of one peer's address; by default two thirds, so that nobody takes all.
    connects_per_second, connects_per_second_per_address
        Sockets that are accepted, twice as many at once; more are refused with 503.
    max_handshakes
        Sockets that are no websocket (yet): each has a task and an HTTP parser, so they cost fifty times as much.
    header_bytes, body_bytes
        Of an HTTP request; more are refused with 431 and 413.
    handshake_seconds
        For the head of a request, and once more for its body, to arrive.
    idle_seconds
        How long an HTTP connection is kept for another request.
    response_seconds
        How long a peer may take to accept one part of a response.
    frame_bytes
        Of a client's websocket message, all its fragments together; more: close 4502.
    partial_bytes
        Of all incomplete websocket messages in the process; above it their senders are closed with 4004.
    hello_seconds
        From the upgrade to `hello` (else close 4006), and from there to `welcome` (else close 4000).
    heartbeat_seconds
        Of silence until the server pings, where there are few connections.
    heartbeat_longest_seconds
        The same, however many there are.
    processors
        What this process can count on: 1, or its part of those that it shares with others (`interval.py`).
    keepalive_seconds
        Without a byte until the kernel asks the peer's kernel.
    keepalive_connections
        While there are more, it is not told to ask the peers of new ones (`keepalive.py`).
    unanswered
        Commands of a connection that wait for their answer; it is not read while there are more.
    outbound_bytes
        Unsent bytes of a connection above which its session is told to hold back. Four times as much may follow
        before the session has heard of it; more: close 4002.
    stall_seconds
        How long a peer may take nothing while bytes wait for it; longer: close 4002.
    close_seconds
        How long a peer may take to answer a close frame before the socket is closed anyway.
    stop_seconds
        How long all connections together get to close at an orderly stop.
    send_buffer_bytes
        What the kernel may hold for a websocket (it doubles the number): with the default of Linux a client
        that never reads holds 4 MB, with this one 41 KB.
    """

    max_connections: int = 15_000
    max_descriptors: int = 2**31
    max_connections_per_address: int = 10_000
    connects_per_second: int = 5_000
    connects_per_second_per_address: int = 4_000
    max_handshakes: int = 4_096
    header_bytes: int = 16 * 1024
    body_bytes: int = 64 * 1024
    handshake_seconds: float = 10.0
    idle_seconds: float = 5.0
    response_seconds: float = 30.0
    frame_bytes: int = 64 * 1024
    partial_bytes: int = 64 * 1024 * 1024
    hello_seconds: float = 10.0
    heartbeat_seconds: float = 30.0
    heartbeat_longest_seconds: float = 900.0
    processors: float = 1.0
    keepalive_seconds: float = 120.0
    keepalive_connections: int = 16_000
    unanswered: int = 32
    outbound_bytes: int = 256 * 1024
    stall_seconds: float = 30.0
    close_seconds: float = 2.0
    stop_seconds: float = STOP_SECONDS
    send_buffer_bytes: int = 16 * 1024

    @property
    def keeps(self) -> bool:
        """Whether there may be more connections than descriptors."""
        return self.max_descriptors < self.max_connections

    def places(self, sockets: int, kept: int) -> int:
        """How many more sockets may be open, where `sockets` are, and of these `kept` have no descriptor."""
        return min(self.max_connections - sockets, self.max_descriptors - (sockets - kept))

    @property
    def lobby_seconds(self) -> float:
        """How often a crowd at the door is looked at; 0: whenever one of them says something."""
        return LOBBY_SECONDS if self.processors <= SMALL_PART else 0.0

    @property
    def late_bytes(self) -> int:
        """What may still be queued after the session was told to hold back."""
        return 4 * self.outbound_bytes
