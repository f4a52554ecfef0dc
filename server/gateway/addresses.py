"""Where sockets come from, and how many each address has open: pure.

What counts as one address is decided by `network_of`, and nowhere else. Counting costs one entry for an address that
has a socket open, and one reference for a socket, in a list by descriptor: descriptors are small and dense. Whoever
closes a socket says `leave` right before, because the number is given out anew afterwards; if somebody forgets, the
next socket of that number puts it right.
"""

from __future__ import annotations

import socket
from sys import intern
from typing import Final

_IPV6_SITE_BYTES: Final = 8  # a /64: the least that a site is given (RFC 6177), and all of it is one neighbour's
_IPV4_MAPPED: Final = b"\0" * 10 + b"\xff\xff"  # RFC 4291, section 2.5.5.2


def network_of(host: str) -> str:
    """What `host`, a peer's numeric address, is counted as: itself for IPv4, its /64 for IPv6."""
    if ":" not in host:
        return host
    packed = socket.inet_pton(socket.AF_INET6, host.partition("%")[0])
    if packed.startswith(_IPV4_MAPPED):
        return socket.inet_ntop(socket.AF_INET, packed[len(_IPV4_MAPPED) :])
    site = packed[:_IPV6_SITE_BYTES] + bytes(16 - _IPV6_SITE_BYTES)
    return f"{socket.inet_ntop(socket.AF_INET6, site)}/64"


class Addresses:
    """The open sockets by the network they come from."""

    __slots__ = ("_counts", "_networks")

    def __init__(self) -> None:
        self._counts: dict[str, int] = {}
        self._networks: list[str | None] = []  # by descriptor

    def __len__(self) -> int:
        return len(self._counts)

    def count(self, network: str) -> int:
        """How many sockets of `network` are open."""
        return self._counts.get(network, 0)

    def enter(self, descriptor: int, network: str) -> None:
        """A socket of `network` is open."""
        missing = descriptor + 1 - len(self._networks)
        if missing > 0:
            self._networks.extend([None] * missing)
        else:
            self.leave(descriptor)
        self._networks[descriptor] = network = intern(network)
        self._counts[network] = self._counts.get(network, 0) + 1

    def leave(self, descriptor: int) -> None:
        """A socket is about to be closed. Harmless where it was not counted, or is closed already (-1)."""
        if not 0 <= descriptor < len(self._networks):
            return
        network = self._networks[descriptor]
        if network is None:
            return
        self._networks[descriptor] = None
        self._counts[network] -= 1
        if not self._counts[network]:
            del self._counts[network]
