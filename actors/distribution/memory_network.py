"""MemoryNetwork: the transport between nodes of one process, with all that a network may do to packets.

For tests, and for several systems in one process. A task carries the packets, so nothing arrives within the call that
has sent it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from heapq import heappop, heappush
from itertools import count
from math import inf
from typing import TYPE_CHECKING

import trio

if TYPE_CHECKING:
    from actors.distribution.distribution import Distribution

Way = tuple[str, str]
"""From a node, to a node."""


class MemoryTransport:
    """What one node is given."""

    def __init__(self, network: MemoryNetwork, node: str) -> None:
        self._network = network
        self._node = node

    def send(self, node: str, data: bytes) -> bool:
        """See `Transport.send`."""
        return self._network.take(self._node, node, data)


class MemoryNetwork:
    """The network.

    Attributes:
        limit: packets that may be under way; one more is not taken.
        carried: packets that have arrived.
        size: their bytes.
    """

    def __init__(self, limit: int = 10_000) -> None:
        self.carried = 0
        self.size = 0
        self.limit = limit
        self._nodes: dict[str, Distribution] = {}
        self._under_way: list[tuple[float, int, Way, bytes]] = []
        self._order = count()
        self._cut: set[Way] = set()
        self._drop: Counter[Way] = Counter()
        self._delays: dict[Way, Callable[[], float]] = {}
        self._woken = trio.Event()

    def transport(self, node: str) -> MemoryTransport:
        """What a node with this name sends by."""
        return MemoryTransport(self, node)

    @property
    def nodes(self) -> tuple[str, ...]:
        """Those that have joined and not left."""
        return tuple(self._nodes)

    def join(self, distribution: Distribution) -> None:
        """A node comes: it and all others are told so."""
        for other in self._nodes.values():
            other.node_up(distribution.node)
            distribution.node_up(other.node)
        self._nodes[distribution.node] = distribution

    def leave(self, node: str) -> None:
        """A node dies: nothing reaches it, nothing comes of it, and all others are told so."""
        del self._nodes[node]
        for other in self._nodes.values():
            other.node_down(node)

    def cut(self, source: str, target: str) -> None:
        """From now on nothing gets through from one to the other."""
        self._cut.add((source, target))

    def mend(self, source: str, target: str) -> None:
        """From now on all gets through, and at once."""
        way = (source, target)
        self._cut.discard(way)
        self._drop.pop(way, None)
        self._delays.pop(way, None)

    def drop(self, source: str, target: str, packets: int = 1) -> None:
        """The next packets from one to the other are lost."""
        self._drop[source, target] += packets

    def delay(self, source: str, target: str, seconds: Callable[[], float]) -> None:
        """From now on each packet takes so long. What takes different times comes out of order."""
        self._delays[source, target] = seconds

    def take(self, source: str, target: str, data: bytes) -> bool:
        """For the transports: carry this. False: there are too many under way."""
        way = (source, target)
        if way in self._cut or source not in self._nodes:
            return True
        if self._drop[way]:
            self._drop[way] -= 1
            return True
        if len(self._under_way) >= self.limit:
            return False
        seconds = self._delays[way]() if way in self._delays else 0.0
        heappush(self._under_way, (trio.current_time() + seconds, next(self._order), way, data))
        self._woken.set()
        return True

    async def run(self) -> None:
        """Carry packets until cancelled."""
        while True:
            self._woken = trio.Event()
            self._carry(trio.current_time())
            with trio.CancelScope(deadline=self._under_way[0][0] if self._under_way else inf):
                await self._woken.wait()

    def _carry(self, now: float) -> None:
        while self._under_way and self._under_way[0][0] <= now:
            _, _, (source, target), data = heappop(self._under_way)
            node = self._nodes.get(target)
            if node is not None and source in self._nodes:
                self.carried += 1
                self.size += len(data)
                node.received(source, data)
