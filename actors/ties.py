"""Ties: who watches whom, kept with both of them, so that each end costs what it concerns.

Who is watched often watches back. So an address keeps one set of those it is tied to both ways, which costs nothing
while it has one member, and is one dictionary, not two of the same, where it has many. Only while somebody watches who
is not watched, or the other way round, `OneWay` stands in its place, which has a set for each.

The rules:
- Both ends change in one call: what `one` knows of `other` and what `other` knows of `one` never differ.
- Whoever watches itself is tied one way, at both ends.
- What stands for an actor on another node (`far_address.py`) is never tied both ways, and there may be one for a link,
  or one for each of a hundred thousand actors. So it keeps its end itself, and only the other end is changed here. Its
  class says which way that goes; so it stands among those that are tied both ways, and needs no set of its own.
- Each change costs O(1), however many there are.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

from actors.far_address import FarAddress
from actors.few import Few, added, contains, each, removed

if TYPE_CHECKING:
    from actors.address import Address


class OneWay:
    """The ties of an address of which some go only one way.

    Attributes:
        mutual: whom it watches and is watched by; and all that are far, either way.
        watchers: by whom of this node it is only watched.
        watched: whom it only watches, of this node.
    """

    __slots__ = ("mutual", "watched", "watchers")

    def __init__(self, mutual: Few[Address]) -> None:
        self.mutual = mutual
        self.watchers: Few[Address] = None
        self.watched: Few[Address] = None


Ties: TypeAlias = "Few[Address] | OneWay"


def tie(watcher: Address, target: Address) -> None:
    """`watcher` watches `target` from now on. It must not do so already."""
    here, there = _opened(watcher), _opened(target)
    if watcher is not target and contains(here.watchers, target):
        here.watchers, there.watched = removed(here.watchers, target), removed(there.watched, watcher)
        here.mutual, there.mutual = added(here.mutual, target), added(there.mutual, watcher)
    else:
        here.watched, there.watchers = added(here.watched, target), added(there.watchers, watcher)
    _closed(watcher, here)
    _closed(target, there)


def untie(watcher: Address, target: Address) -> None:
    """`watcher` watches `target` no more; harmless if it did not."""
    if not is_tied(watcher, target):
        return
    here, there = _opened(watcher), _opened(target)
    if contains(here.mutual, target):
        here.mutual, there.mutual = removed(here.mutual, target), removed(there.mutual, watcher)
        here.watchers, there.watched = added(here.watchers, target), added(there.watched, watcher)
    else:
        here.watched, there.watchers = removed(here.watched, target), removed(there.watchers, watcher)
    _closed(watcher, here)
    _closed(target, there)


def tie_far(address: Address, far: FarAddress) -> None:
    """`address` watches, or is watched by, somebody on another node from now on: its end of that."""
    ties = address._ties
    if isinstance(ties, OneWay):
        ties.mutual = added(ties.mutual, far)
    else:
        address._ties = added(ties, far)


def untie_far(address: Address, far: FarAddress) -> None:
    """That is over; harmless if it was not so."""
    ties = address._ties
    if isinstance(ties, OneWay):
        ties.mutual = removed(ties.mutual, far)
    else:
        address._ties = removed(ties, far)


def is_tied(watcher: Address, target: Address) -> bool:
    """Whether `watcher` watches `target`."""
    ties = target._ties
    if isinstance(ties, OneWay):
        return contains(ties.mutual, watcher) or contains(ties.watchers, watcher)
    return contains(ties, watcher)


def watchers_of(address: Address) -> tuple[Address, ...]:
    """Who watches it now."""
    ties = address._ties
    if isinstance(ties, OneWay):
        return (*_but_far(ties.mutual, watchers=False), *each(ties.watchers))
    return _but_far(ties, watchers=False)


def watched_by(address: Address) -> tuple[Address, ...]:
    """Whom it watches now."""
    ties = address._ties
    if isinstance(ties, OneWay):
        return (*_but_far(ties.mutual, watchers=True), *each(ties.watched))
    return _but_far(ties, watchers=True)


def _but_far(mutual: Few[Address], *, watchers: bool) -> tuple[Address, ...]:
    """All but those on other nodes that watch, or that do not."""
    return tuple(one for one in each(mutual) if not isinstance(one, FarAddress) or one.is_watcher is not watchers)


def _opened(address: Address) -> OneWay:
    """Its ties, to be changed; until `_closed`."""
    ties = address._ties
    if not isinstance(ties, OneWay):
        ties = address._ties = OneWay(ties)
    return ties


def _closed(address: Address, ties: OneWay) -> None:
    """Keep them in the smallest way."""
    address._ties = ties.mutual if ties.watchers is None and ties.watched is None else ties
