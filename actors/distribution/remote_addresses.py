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
from actors.few import Few, added, contains, each, removed, replaced
from actors.mailbox import Mailbox

if TYPE_CHECKING:
    from actors.address import Address
    from actors.distribution.distribution import Distribution


class _Weakly(ref[RemoteAddress]):
    """Knows where in the table it stands, for when the address is gone: see `RemoteAddresses._weakly`."""

    __slots__ = ("children", "key", "node")

    children: Children
    key: str
    node: str


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
        entries[key] = added(entries.get(key), self._weakly(made))
        return made

    def keep(self, address: RemoteAddress) -> None:
        """It is watched from now on."""
        entries, key, node = address.children.entries, address.key, address.node
        few = entries[key]
        for entry in each(few):
            if entry.node == node:
                entries[key] = replaced(few, entry, address)
                return

    def let_go(self, address: RemoteAddress) -> None:
        """It is watched no more; harmless if it was not. A lost link lets go of all that was watched over it."""
        entries, key = address.children.entries, address.key
        few = entries.get(key)
        if few is address or contains(few, address):
            entries[key] = replaced(few, address, self._weakly(address))

    def _weakly(self, address: RemoteAddress) -> _Weakly:
        weakly = _Weakly(address, self._gone)
        weakly.node = address.node
        weakly.key = address.key
        weakly.children = address.children
        return weakly

    def _forget(self, weakly: _Weakly) -> None:
        """Nobody refers to it any more."""
        entries = weakly.children.entries
        few = entries.get(weakly.key)
        if few is not weakly and not _is_among(weakly, each(few)):
            return
        left = removed(few, weakly)
        if left is None:
            del entries[weakly.key]
        else:
            entries[weakly.key] = left


def _is_among(weakly: _Weakly, entries: tuple[_Entry, ...]) -> bool:
    """The very same: as an equal it is compared to those that refer to the same address."""
    for entry in entries:  # noqa: SIM110 - for one of whom many nodes know, a generator costs as much again
        if entry is weakly:
            return True
    return False
