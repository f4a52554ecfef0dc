"""The gateway's listener a second time, for operators: the same code with limits of its own.

It lets them in when the server is full, which is when they are needed; a few at a time, because each is a task.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from server.gateway.addresses import Addresses
from server.gateway.asgi import AsgiApp
from server.gateway.departure import Departure
from server.gateway.gateway import Gateway
from server.gateway.peer import NOBODY
from server.metrics.counts import GatewayCounts

MOST_OPERATORS: Final = 32


def door_for_operators(gateway: Gateway, app: AsgiApp) -> Gateway:
    """As `gateway`, but with plain HTTP only, not counted among its sockets, and open while it drains."""
    limits = replace(
        gateway.limits,
        max_connections=gateway.limits.max_connections + MOST_OPERATORS,
        max_descriptors=gateway.limits.max_descriptors + MOST_OPERATORS,
        max_connections_per_address=MOST_OPERATORS,
        max_handshakes=MOST_OPERATORS,
    )
    return replace(
        gateway,
        limits=limits,
        app=app,
        certificate=None,
        proxies=NOBODY,
        websockets=False,
        addresses=Addresses(),
        counts=GatewayCounts(),
        departure=Departure(),
    )
