"""What counts as one address, wherever something is counted by where it comes from: pure.

An IPv4 address stands for itself. Of IPv6 the least that a site is given is a /64 (RFC 6177), and all of it is one
neighbour's: whoever has one has 2**64 addresses to come from, so they count as one.
"""

from __future__ import annotations

import socket
from typing import Final

_IPV6_SITE_BYTES: Final = 8
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
