"""Listening sockets, opened before anything lives, so that a port in use is one line; and where others find them."""

from __future__ import annotations

import socket
from typing import Final

_BACKLOG: Final = 4_096  # handshakes the kernel may keep for us; it allows what net.core.somaxconn says


class PortTrouble(Exception):
    """The port is in use, or the address is none of this machine's: one line."""


def open_listener(host: str, port: int) -> socket.socket:
    """A listening socket. Raises `PortTrouble`."""
    return open_listeners(host, port, 1)[0]


def open_listeners(host: str, port: int, number: int) -> list[socket.socket]:
    """As many sockets on one port, to which the kernel spreads connects (SO_REUSEPORT). Raises `PortTrouble`.

    The first is bound as one that shares the port with nobody, and says only then that it does: any other way, two
    servers of the same user could have the port together, and each of them half of the connects. If `port` is 0, the
    first decides for all.
    """
    opened: list[socket.socket] = []
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
    except (OSError, UnicodeError) as error:
        raise PortTrouble(f"cannot listen on {host}: {error}") from None
    try:
        for _ in range(number):
            listener = socket.socket(family, kind, protocol)
            opened.append(listener)
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            if len(opened) > 1:
                listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
            listener.bind(address)
            if number > 1:
                listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
            address = listener.getsockname()
        for listener in opened:
            listener.listen(_BACKLOG)
    except OSError as error:
        for listener in opened:
            listener.close()
        raise PortTrouble(f"cannot listen on {host} port {port}: {error.strerror}") from None
    return opened


def url_of(listener: socket.socket, *, tls: bool = False) -> str:
    """Where a browser on this machine finds `listener`."""
    scheme = "https" if tls else "http"
    host, port = listener.getsockname()[:2]
    shown = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104 - shown, not bound
    return f"{scheme}://[{shown}]:{port}" if ":" in shown else f"{scheme}://{shown}:{port}"
