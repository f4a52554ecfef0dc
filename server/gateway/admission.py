"""Who may come in: the count of sockets, against its limits. Pure."""

from __future__ import annotations

from collections.abc import Sized

from server.gateway.limits import GatewayLimits


class Admission:
    """Counts handshakes (and whatever else is plain HTTP); websockets are counted by their supervisor.

    Parameters
    ----------
    connections
        The websockets that are open.
    """

    __slots__ = ("_connections", "_limits", "handshakes", "refused")

    def __init__(self, limits: GatewayLimits, connections: Sized) -> None:
        self._limits = limits
        self._connections = connections
        self.handshakes = 0
        self.refused = 0

    def enter(self) -> bool:
        """One more socket: whether it may have a handshake. If so, `leave` has to follow."""
        sockets = self.handshakes + len(self._connections)
        if self.handshakes >= self._limits.max_handshakes or sockets >= self._limits.max_connections:
            self.refused += 1
            return False
        self.handshakes += 1
        return True

    def leave(self) -> None:
        """A handshake is over: the socket is closed, or a websocket."""
        self.handshakes -= 1
