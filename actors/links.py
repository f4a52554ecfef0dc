"""Links: two actors that are of no use without each other fall together (OTP's `link`).

The rules:
- A link is between two incarnations and works both ways. It ends with either, and with `unlink`.
- When one ends, the other ends with the same reason, which then means to its supervisor what it always means: an
  exception is a crash, anything else an orderly end. Only `NORMAL` takes nobody along: it has nothing more to do.
- The other falls before it receives anything else, and before the first one's next life begins. Its own state is
  sound, so its `stopped` hook runs.
- A chain of links falls one by one, each in a turn of its own: no depth of recursion, however long it is.

Costs nothing for those who are not linked: the links are here, not in the addresses.

Left out: `trap_exit`. Who wants to know and live watches instead; there is no third thing to want. Siblings that
belong together are better off under `ONE_FOR_ALL`, where falling together is one restart and not two.
"""

from __future__ import annotations

import logging

from actors.address import Address
from actors.far_address import FarAddress
from actors.few import Few, added, each, removed
from actors.messages import NORMAL, Stop
from actors.suspending import wake

log = logging.getLogger("actors.supervisor")


class Links:
    """All links of a system."""

    __slots__ = ("_linked",)

    def __init__(self) -> None:
        self._linked: dict[Address, Few[Address]] = {}

    def __len__(self) -> int:
        """How many incarnations are linked."""
        return len(self._linked)

    def link(self, one: Address, other: Address) -> None:
        """See `Actor.link`."""
        if isinstance(other, FarAddress):
            raise TypeError(f"{other.path} is on another node: watch it instead of linking with it")
        if not other.living:
            reason = None if other._extra is None else other._extra.reason
            _fall(one, other, NORMAL if reason is None else reason)
        elif other is not one:
            self._linked[one] = added(self._linked.get(one), other)
            self._linked[other] = added(self._linked.get(other), one)

    def unlink(self, one: Address, other: Address) -> None:
        """See `Actor.unlink`."""
        self._part(one, other)
        self._part(other, one)

    def ended(self, address: Address, reason: object) -> None:
        """For the lifecycle: an incarnation has ended, and takes along whoever is linked with it."""
        for other in each(self._linked.pop(address, None)):
            self._part(other, address)
            _fall(other, address, reason)

    def _part(self, one: Address, other: Address) -> None:
        rest = removed(self._linked.get(one), other)
        if rest is None:
            self._linked.pop(one, None)
        else:
            self._linked[one] = rest


def _fall(address: Address, other: Address, reason: object) -> None:
    """End it as soon as its turn comes, ahead of all that is urgent: it is as good as down already."""
    if reason is not NORMAL:
        log.info("%s falls with %s, to which it is linked", address.path, other.path)
        address.urgent(Stop(reason))
        if address._urgent is not None:
            address._urgent.insert(0, address._urgent.pop())
        wake(address)
