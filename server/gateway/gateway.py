"""What the parts of the gateway share: one frozen value, made where the tree is wired; and what all connections share
that speak the same way.
"""

from __future__ import annotations

from collections.abc import Hashable, Sized
from dataclasses import dataclass, field

import trio

from actors import Tell
from server.gateway.addresses import Addresses
from server.gateway.asgi import AsgiApp
from server.gateway.certificates import Certificate
from server.gateway.departure import Departure
from server.gateway.dialects import Dialect
from server.gateway.gathering import Gathering
from server.gateway.limits import GatewayLimits
from server.gateway.parsing import ParserPool
from server.gateway.peer import NOBODY, Proxies
from server.gateway.reactor import Reactor
from server.metrics.counts import GatewayCounts
from server.pacing import Pace, without_limit


@dataclass(frozen=True, slots=True, kw_only=True)
class Gateway:
    """Everything a connection, a handshake or the listener needs.

    Parameters
    ----------
    reader
        Is asked `FindIdentity`: the inbox of the store's reader.
    app
        Answers plain HTTP.
    origins
        Web origins besides the server's own whose pages may connect, as `scheme://host[:port]` in lower case.
    compression
        Whether an offer of permessage-deflate is taken.
    certificate
        What TLS is spoken with; without one the sockets are plain.
    tls_turns
        How many TLS handshakes may calculate before everybody else gets a turn.
    proxies
        Whose word on where a request came from is taken.
    websockets
        Whether an upgrade is looked at at all; without, its path is the application's like any other.
    sessions, connections
        The ids of the two dynamic supervisors.
    addresses
        Where the open sockets come from.
    counts
        Where handshakes, closes and full queues are counted.
    pace
        How fast what is said on one connection may follow; by the connection's address.
    departure
        Whether the server is about to stop, and lets nobody in any more.
    gathering
        Where those are handed over who are better off with another worker; None: everybody stays.
    unsettled
        What those who were let in still wait for, and others do for them: while it is much, few are let in.
    """

    limits: GatewayLimits
    reactor: Reactor
    parsers: ParserPool
    reader: Tell
    app: AsgiApp
    origins: frozenset[str] = frozenset()
    compression: bool = False
    certificate: Certificate | None = None
    tls_turns: trio.CapacityLimiter = field(default_factory=lambda: trio.CapacityLimiter(2))
    proxies: Proxies = NOBODY
    websockets: bool = True
    sessions: str = "sessions"
    connections: str = "connections"
    addresses: Addresses = field(default_factory=Addresses)
    counts: GatewayCounts = field(default_factory=GatewayCounts)
    pace: Pace[Hashable] = field(default_factory=without_limit)
    departure: Departure = field(default_factory=Departure)
    gathering: Gathering | None = None
    unsettled: Sized = ()
    _terms: dict[Dialect, Terms] = field(default_factory=dict)

    def terms(self, dialect: Dialect) -> Terms:
        """The same object for all who speak `dialect` here."""
        terms = self._terms.get(dialect)
        if terms is None:
            terms = self._terms[dialect] = Terms(self, dialect)
        return terms


@dataclass(frozen=True, slots=True, eq=False)
class Terms:
    """On what terms a connection is here: whose it is, and how it speaks. One reference to both, in tens of thousands
    of connections."""

    gateway: Gateway
    dialect: Dialect
