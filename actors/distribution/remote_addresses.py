"""RemoteAddresses: the addresses of actors elsewhere, one for each.

The rules:
- Who is told something now and then has an address as long as somebody refers to it: the table knows it weakly.
- Who is watched is kept by the table itself. A node may watch a hundred thousand, and a weak reference to each would
  be half as large as the address.
- A name is said by two: the supervisor there, which all of its children share, and the key. One key has one entry and
  one text, on however many nodes it is watched; all addresses of a node share its name. What supervisors share stays
  when none of their children is left: they are few.
"""

from __future__ import annotations

from collections.abc import Callable
from sys import intern
from typing import TYPE_CHECKING, TypeAlias
from weakref import ref

from actors.actor import Actor
from actors.blueprint import Blueprint
from actors.distribution.remote_address import RemoteAddress
from actors.few import Few, added, each, removed
from actors.mailbox import Mailbox

if TYPE_CHECKING:
    from actors.address import Address
    from actors.distribution.distribution import Distribution


class _Weakly(ref[RemoteAddress]):
    """Knows where in the table it stands, for when the address is gone."""

    __slots__ = ("children", "key", "node")

    def __init__(self, address: RemoteAddress, gone: Callable[[_Weakly], None]) -> None:
        super().__init__(address, gone)  # type: ignore[call-arg]
        self.node = address.node
        self.key = address.key
        self.children = address.children

    def __new__(cls, address: RemoteAddress, gone: Callable[[_Weakly], None]) -> _Weakly:
        return super().__new__(cls, address, gone)


_Entry: TypeAlias = "RemoteAddress | _Weakly"


class Children:
    """The actors elsewhere of which the names begin alike: supervisor of their addresses, which have none here.

    Attributes:
        prefix: what the names begin with: the supervisor there and a slash, or nothing.
        distribution: by which they are reached.
        blueprint: shared by the addresses.
        entries: the addresses of all nodes, by what their names end with.
    """

    __slots__ = ("blueprint", "distribution", "entries", "prefix")

    def __init__(self, distribution: Distribution, prefix: str = "") -> None:
        self.distribution = distribution
        self.prefix = prefix
        self.blueprint = Blueprint(distribution.system, self, Actor, Mailbox())
        self.entries: dict[str, Few[_Entry]] = {}

    def path_of(self, address: Address) -> str:
        """It is nowhere in the tree."""
        return str(address.name)

    def child_started(self, address: Address) -> None:
        """Nobody's child starts."""

    def child_ended(self, address: Address, reason: object) -> None:
        """Nobody's child ends."""

    def start_changed(self, address: Address, start: Callable[..., Actor]) -> None:
        """Nobody's child is changed."""


class RemoteAddresses:
    """See the top of this file."""

    __slots__ = ("_children", "_distribution", "_gone")

    def __init__(self, distribution: Distribution) -> None:
        self._distribution = distribution
        self._children: dict[str, Children] = {}
        self._gone = self._forget  # one object for all weak references

    def __len__(self) -> int:
        return sum(len(each(few)) for children in self._children.values() for few in children.entries.values())

    def find_or_make(self, node: str, prefix: str, key: str) -> RemoteAddress:
        """The address of who is called `prefix` and `key` on this node."""
        children = self._children.get(prefix)
        if children is None:
            children = self._children[prefix] = Children(self._distribution, prefix)
        entries = children.entries
        for entry in each(entries.get(key)):
            if entry.node == node and (known := entry() if isinstance(entry, _Weakly) else entry) is not None:
                return known
            key = entry.key
        made = RemoteAddress(children, intern(node), key)
        entries[key] = added(entries.get(key), _Weakly(made, self._gone))
        return made

    def keep(self, address: RemoteAddress) -> None:
        """It is watched from now on."""
        self._put(address, address)

    def let_go(self, address: RemoteAddress) -> None:
        """It is watched no more; harmless if it was not."""
        if any(entry is address for entry in each(address.children.entries.get(address.key))):
            self._put(address, _Weakly(address, self._gone))

    def _put(self, address: RemoteAddress, now: _Entry) -> None:
        """What stands for it from now on, in place of what did."""
        entries, key = address.children.entries, address.key
        few = entries[key]
        for entry in each(few):
            if entry.node == address.node:
                few = removed(few, entry)
        entries[key] = added(few, now)

    def _forget(self, weakly: _Weakly) -> None:
        """Nobody refers to it any more."""
        entries = weakly.children.entries
        few = entries.get(weakly.key)
        if all(entry is not weakly for entry in each(few)):
            return
        left = removed(few, weakly)
        if left is None:
            del entries[weakly.key]
        else:
            entries[weakly.key] = left
