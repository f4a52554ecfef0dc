"""RemoteAddresses: the addresses of actors elsewhere, one for each.

The rules:
- Who is told something now and then has an address as long as somebody refers to it: the table knows it weakly.
- Who is watched is kept by the table itself. A node may watch a hundred thousand, and a weak reference to each would
  be half as large as the address.
- All addresses of a node share its name.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING
from weakref import ref

from actors.distribution.remote_address import RemoteAddress

if TYPE_CHECKING:
    from actors.distribution.distribution import Distribution


class _Weakly(ref[RemoteAddress]):
    """Knows where in the table it stands, for when the address is gone."""

    __slots__ = ("name", "node")

    def __init__(self, address: RemoteAddress, gone: Callable[[_Weakly], None]) -> None:
        super().__init__(address, gone)  # type: ignore[call-arg]
        self.node = address.node
        self.name = address.called

    def __new__(cls, address: RemoteAddress, gone: Callable[[_Weakly], None]) -> _Weakly:
        return super().__new__(cls, address, gone)


class _Node:
    """The addresses of one node, by their names."""

    __slots__ = ("addresses", "name")

    def __init__(self, name: str) -> None:
        self.name = name
        self.addresses: dict[str, RemoteAddress | _Weakly] = {}


class RemoteAddresses:
    """See the top of this file."""

    __slots__ = ("_distribution", "_gone", "_nodes")

    def __init__(self, distribution: Distribution) -> None:
        self._distribution = distribution
        self._nodes: dict[str, _Node] = {}
        self._gone = self._forget  # one object for all weak references

    def __len__(self) -> int:
        return sum(len(node.addresses) for node in self._nodes.values())

    def find_or_make(self, node: str, name: str) -> RemoteAddress:
        """The address of who is called so on this node."""
        there = self._nodes.get(node)
        if there is None:
            there = self._nodes[node] = _Node(node)
        entry = there.addresses.get(name)
        known = entry() if isinstance(entry, _Weakly) else entry
        if known is None:
            known = RemoteAddress(self._distribution, there.name, name)
            there.addresses[name] = _Weakly(known, self._gone)
        return known

    def keep(self, address: RemoteAddress) -> None:
        """It is watched from now on."""
        self._nodes[address.node].addresses[address.called] = address

    def let_go(self, address: RemoteAddress) -> None:
        """It is watched no more; harmless if it was not."""
        addresses = self._nodes[address.node].addresses
        if addresses[address.called] is address:
            addresses[address.called] = _Weakly(address, self._gone)

    def _forget(self, weakly: _Weakly) -> None:
        """Nobody refers to it any more. Of a node that is gone nobody is left in the end."""
        there = self._nodes.get(weakly.node)
        if there is not None and there.addresses.get(weakly.name) is weakly:
            del there.addresses[weakly.name]
            if not there.addresses:
                del self._nodes[weakly.node]
