"""Who may come in: sockets and connects, in all and by address, against their limits. Pure, with the time passed in.

The limits by address come before those of all, so that who asks too often takes nothing from the others; whoever is
refused is told why, and after how many seconds to come again.
"""

from __future__ import annotations

from collections.abc import Callable, Sized
from typing import Final

from server.allowances import Allowance, Allowances
from server.gateway import refusals
from server.gateway.addresses import Addresses
from server.gateway.limits import CONNECT_BURST_SECONDS, GatewayLimits
from server.gateway.peer import NOBODY, Proxies
from server.gateway.refusals import Refused
from server.networks import network_of

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
    proxies
        Whose sockets are not counted by address: each of them stands for many.
    kept
        Tells how many of the websockets have no descriptor.
    """

    __slots__ = (
        "_addresses",
        "_by_address",
        "_connections",
        "_connects",
        "_kept",
        "_limits",
        "_proxies",
        "handshakes",
        "refused",
    )

    def __init__(
        self,
        limits: GatewayLimits,
        connections: Sized,
        addresses: Addresses,
        proxies: Proxies = NOBODY,
        kept: Callable[[], int] = lambda: 0,
    ) -> None:
        self._limits = limits
        self._connections = connections
        self._kept = kept
        self._addresses = addresses
        self._proxies = proxies
        self._connects = Allowance(CONNECT_BURST_SECONDS)
        self._by_address: Allowances[str] = Allowances(CONNECT_BURST_SECONDS, _MOST_ADDRESSES)
        self.handshakes = 0
        self.refused = 0

    def has_room_for(self, some: int) -> bool:
        """Whether so many more could be let in now, wherever they come from."""
        limits, sockets = self._limits, self.handshakes + len(self._connections)
        return self.handshakes + some <= limits.max_handshakes and some <= limits.places(sockets, self._kept())

    def enter(self, descriptor: int, host: str, now: float) -> Refused | None:
        """One more socket, of a peer at `host`: None if it may have a handshake, and then `leave` has to follow.

        `now` is in seconds of a clock that never steps back.
        """
        network = None if self._proxies.trusts(host) else network_of(host)
        refused = self._why_not(network, now)
        if refused is not None:
            self.refused += 1
            return refused
        if network is not None:
            self._addresses.enter(descriptor, network)
        self.handshakes += 1
        return None

    def turn_out(self, descriptor: int, host: str, now: float) -> Refused | None:
        """A proxy's socket turns out to be one of a peer at `host`, and to stay so: None if it may have it."""
        network = network_of(host)
        refused = self._why_not_from(network, now)
        if refused is not None:
            self.refused += 1
            return refused
        self._addresses.enter(descriptor, network)
        return None

    def leave(self) -> None:
        """A handshake is over: the socket is closed, or a websocket."""
        self.handshakes -= 1

    def _why_not(self, network: str | None, now: float) -> Refused | None:
        limits = self._limits
        if not self.has_room_for(1):
            return refusals.OVER_CAPACITY
        refused = None if network is None else self._why_not_from(network, now)
        if refused is not None:
            return refused
        if self._connects.take(1 / limits.connects_per_second, now):
            if network is not None:
                self._by_address.give_back(network, 1 / limits.connects_per_second_per_address)
            return refusals.TOO_MANY_AT_ONCE
        return None

    def _why_not_from(self, network: str, now: float) -> Refused | None:
        if self._addresses.count(network) >= self._limits.max_connections_per_address:
            return refusals.ADDRESS_OVER_CAPACITY
        if self._by_address.take(network, 1 / self._limits.connects_per_second_per_address, now):
            return refusals.ADDRESS_TOO_FAST
        return None
