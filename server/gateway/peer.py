"""Whose request it is, where proxies stand between: pure.

A proxy says for whom it asks in `X-Forwarded-For`, and how it was asked in `X-Forwarded-Proto`. Anybody can write these
headers, so they are read only where the socket's own peer is one of the proxies the operator has named; and of the
list only as far as named proxies have written it, from its right end: what stands left of the first address that is
none of theirs may be invented.
Left out: `Forwarded` (RFC 7239), which hardly any proxy writes unless told to, and `X-Forwarded-Host`: a proxy in front
of this server has to pass on the `Host` it was asked for.
"""

from __future__ import annotations

from collections.abc import Iterable
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from typing import Final

from msgspec import Struct

_SECURE: Final = {"https": True, "wss": True, "http": False, "ws": False}
"""What proxies write about how they were asked; some name the websocket's own scheme."""


class Peer(Struct, frozen=True):
    """Who asks.

    Parameters
    ----------
    host
        The numeric address.
    secure
        Whether it came encrypted, as far as can be known here.
    """

    host: str
    secure: bool = False


class Proxies:
    """Those whose word is taken.

    Parameters
    ----------
    networks
        Addresses, or networks as `10.0.0.0/8`.

    Raises
    ------
    ValueError
        One of them is neither.
    """

    __slots__ = ("_networks",)

    def __init__(self, networks: Iterable[str] = ()) -> None:
        self._networks = tuple(ip_network(network) for network in networks)

    def trusts(self, host: str) -> bool:
        """Whether `host`, a numeric address, is one of them."""
        if not self._networks:
            return False
        address = _address_in(host)
        return address is not None and self._holds(address)

    def peer_of(self, socket_peer: Peer, headers: Iterable[tuple[bytes, bytes]]) -> Peer:
        """Who sent the request with these headers (names in lower case) over a socket of `socket_peer`."""
        if not self.trusts(socket_peer.host):
            return socket_peer
        hops: list[str] = []
        secure = socket_peer.secure
        for name, value in headers:
            if name == b"x-forwarded-for":
                hops += value.decode("latin-1").split(",")
            elif name == b"x-forwarded-proto":
                said = value.decode("latin-1").rpartition(",")[2].strip().lower()
                secure = _SECURE.get(said, secure)
        return Peer(self._client(hops, socket_peer.host), secure)

    def _client(self, hops: list[str], nearest: str) -> str:
        """The rightmost address that is no proxy's; where the list breaks off before, the last proxy's."""
        for hop in reversed(hops):
            address = _address_in(hop)
            if address is None:
                break
            nearest = str(address)
            if not self._holds(address):
                break
        return nearest

    def _holds(self, address: IPv4Address | IPv6Address) -> bool:
        return any(address in network for network in self._networks)


NOBODY: Final = Proxies()


def _address_in(text: str) -> IPv4Address | IPv6Address | None:
    """The address in one element of the list: some proxies add a port, which puts IPv6 in brackets."""
    text = text.strip()
    if text.startswith("["):
        text = text[1:].partition("]")[0]
    elif text.count(":") == 1:
        text = text.partition(":")[0]
    try:
        address = ip_address(text.partition("%")[0])
    except ValueError:
        return None
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return mapped or address
