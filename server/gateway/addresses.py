"""Where sockets come from, and how many each address has open: pure.

What counts as one address is said by `server/networks.py`. Counting costs one entry for an address that has a socket
open, and one reference for a socket, in a list by descriptor, or by what one has in its place (`fixed_files.py`): these
are small and dense. Whoever closes a socket says `leave` right before, because the number is given out anew afterwards;
if somebody forgets, the next socket of that number puts it right.
"""

from __future__ import annotations

from sys import intern


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

    def network_of(self, descriptor: int) -> str | None:
        """Where this socket comes from; None: it is not counted."""
        return self._networks[descriptor] if 0 <= descriptor < len(self._networks) else None

    def enter(self, descriptor: int, network: str) -> None:
        """A socket of `network` is open."""
        missing = descriptor + 1 - len(self._networks)
        if missing > 0:
            self._networks.extend([None] * missing)
        else:
            self.leave(descriptor)
        self._networks[descriptor] = network = intern(network)
        self._counts[network] = self._counts.get(network, 0) + 1

    def move(self, descriptor: int, number: int) -> None:
        """A socket goes by another number now."""
        network = self.network_of(descriptor)
        if network is not None and number != descriptor:
            self.enter(number, network)
            self.leave(descriptor)

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
