"""Where a crowd comes from and goes to: sockets, each from the next address to the next server, at a pace.

An address has 28,232 ports by default towards one place (`net.ipv4.ip_local_port_range`), and some servers count by
address: so clients of a server on this machine come from many addresses of 127.0.0.0/8. Towards other machines the
kernel chooses. Sockets are bare descriptors: an object for each would be as large as all else that is kept of a client.
"""

from __future__ import annotations

import _socket
import errno
import itertools
import struct
from collections.abc import Sequence
from typing import Final

from clients.endpoint import Endpoint

SOURCES: Final = tuple(f"127.0.1.{number}" for number in range(1, 17))

_BIND_ADDRESS_NO_PORT: Final = 24  # linux/in.h: the port is chosen at connect, so one port serves many targets
_RESET_AT_CLOSE: Final = struct.pack("ii", 1, 0)
_UNDER_WAY: Final = (0, errno.EINPROGRESS)


def sources_of(player: int, addresses: int = 8) -> tuple[str, ...]:
    """Addresses of 127.0.0.0/8 that no other process of this machine comes from; `player`: its number, below 60,000."""
    block, place = divmod(player, 250)
    return tuple(f"127.{2 + block}.{place}.{number}" for number in range(1, addresses + 1))


class Doors:
    """Opens connections.

    Parameters
    ----------
    endpoints
        The servers, each in its turn; resolved once.
    sources
        Addresses of this machine to come from, in turn, where the server is on it, too.
    receive_buffer
        SO_RCVBUF of new sockets; None leaves it to the kernel, which lets it grow to megabytes.

    Raises
    ------
    OSError
        A host has no address.
    """

    def __init__(self, endpoints: Sequence[Endpoint], sources: Sequence[str], receive_buffer: int | None) -> None:
        targets = [(endpoint, address) for endpoint in endpoints for address in _addresses(endpoint)]
        self._targets = itertools.cycle(targets)
        self._sources = itertools.cycle(sources)
        self._receive_buffer = receive_buffer

    def open(self) -> tuple[int, Endpoint]:
        """A descriptor that is about to be connected, or is, and to which server.

        Raises
        ------
        OSError
            It cannot be: there is no server, no port, or no descriptor left.
        """
        endpoint, host = next(self._targets)
        opened = _socket.socket(_socket.AF_INET, _socket.SOCK_STREAM | _socket.SOCK_NONBLOCK | _socket.SOCK_CLOEXEC)
        try:
            opened.setsockopt(_socket.IPPROTO_TCP, _socket.TCP_NODELAY, 1)
            if self._receive_buffer is not None:
                opened.setsockopt(_socket.SOL_SOCKET, _socket.SO_RCVBUF, self._receive_buffer)
            if host.startswith("127."):
                opened.setsockopt(_socket.IPPROTO_IP, _BIND_ADDRESS_NO_PORT, 1)
                opened.bind((next(self._sources), 0))
            begun = opened.connect_ex((host, endpoint.port))
            if begun not in _UNDER_WAY:
                raise OSError(begun, "cannot connect")
            return opened.detach(), endpoint
        finally:
            opened.close()


def reset_at_close(descriptor: int) -> None:
    """When it is closed, the other side gets a reset, and nothing before it."""
    held = _socket.socket(fileno=descriptor)
    held.setsockopt(_socket.SOL_SOCKET, _socket.SO_LINGER, _RESET_AT_CLOSE)
    held.detach()


def error_of(descriptor: int) -> int:
    """Why a connection failed: an errno, 0 if it did not."""
    held = _socket.socket(fileno=descriptor)
    try:
        return held.getsockopt(_socket.SOL_SOCKET, _socket.SO_ERROR)
    finally:
        held.detach()


def _addresses(endpoint: Endpoint) -> list[str]:
    found = _socket.getaddrinfo(endpoint.host, endpoint.port, _socket.AF_INET, _socket.SOCK_STREAM)
    return [str(address[0]) for *_, address in found]
