"""Who may come in: sockets and connects, in all and by address, against their limits. Pure, with the time passed in.

The limits by address come before those of all, so that who asks too often takes nothing from the others; whoever is
refused is told why, and after how many seconds to come again.
"""

from __future__ import annotations

from collections.abc import Sized
from typing import Final

from server.allowances import Allowance, Allowances
from server.gateway import refusals
from server.gateway.addresses import Addresses, network_of
from server.gateway.limits import CONNECT_BURST_SECONDS, GatewayLimits
from server.gateway.refusals import Refused

_MOST_ADDRESSES: Final = 10_000
"""To remember for their rate of connects; nearly all are whole again a millisecond later."""


class Admission:
    """Counts handshakes (and whatever else is plain HTTP); websockets are counted by their supervisor.

    Parameters
    ----------
    connections
        The websockets that are open.
    addresses
        Where all sockets come from. Who closes one that was let in takes it out there.
    """

    __slots__ = ("_addresses", "_by_address", "_connections", "_connects", "_limits", "handshakes", "refused")

    def __init__(self, limits: GatewayLimits, connections: Sized, addresses: Addresses) -> None:
        self._limits = limits
        self._connections = connections
        self._addresses = addresses
        self._connects = Allowance(CONNECT_BURST_SECONDS)
        self._by_address: Allowances[str] = Allowances(CONNECT_BURST_SECONDS, _MOST_ADDRESSES)
        self.handshakes = 0
        self.refused = 0

    def enter(self, descriptor: int, host: str, now: float) -> Refused | None:
        """One more socket, of a peer at `host`: None if it may have a handshake, and then `leave` has to follow.

        `now` is in seconds of a clock that never steps back.
        """
        network = network_of(host)
        refused = self._why_not(network, now)
        if refused is not None:
            self.refused += 1
            return refused
        self._addresses.enter(descriptor, network)
        self.handshakes += 1
        return None

    def leave(self) -> None:
        """A handshake is over: the socket is closed, or a websocket."""
        self.handshakes -= 1

    def _why_not(self, network: str, now: float) -> Refused | None:
        limits = self._limits
        sockets = self.handshakes + len(self._connections)
        if self.handshakes >= limits.max_handshakes or sockets >= limits.max_connections:
            return refusals.OVER_CAPACITY
        if self._addresses.count(network) >= limits.max_connections_per_address:
            return refusals.ADDRESS_OVER_CAPACITY
        seconds = 1 / limits.connects_per_second_per_address
        if self._by_address.take(network, seconds, now):
            return refusals.ADDRESS_TOO_FAST
        if self._connects.take(1 / limits.connects_per_second, now):
            self._by_address.give_back(network, seconds)
            return refusals.TOO_MANY_AT_ONCE
        return None
