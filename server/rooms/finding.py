"""Where a room is found: its owner, if that lives on this node, and else the relay that stands for it here.

Whoever has the address need not know which of the two it is: both take the same messages, and tell the same.
"""

from __future__ import annotations

from typing import Protocol

from actors import Address, System
from server.placement.ownership import Ownership
from server.rooms.actor import ROOMS


class Rooms(Protocol):
    """Where a room is found, and started if it rests."""

    def find_or_start(self, key: str, /) -> Address:
        """Raises `StartRefused` (`Quarantined` for one that crashes again and again), or `StartFailed`."""
        ...


def rooms_here(system: System) -> Rooms:
    """The rooms of a single process: all live in it."""
    return system.dynamic(ROOMS)


class RoomsAnywhere:
    """The rooms of a cluster.

    Parameters
    ----------
    ownership
        Which rooms are this node's own.
    rooms, relays
        Where these live, and where those live that stand for the others.
    """

    __slots__ = ("_ownership", "_relays", "_rooms")

    def __init__(self, ownership: Ownership, rooms: Rooms, relays: Rooms) -> None:
        self._ownership = ownership
        self._rooms = rooms
        self._relays = relays

    def find_or_start(self, key: str, /) -> Address:
        """See `Rooms`."""
        return (self._rooms if self._ownership.is_mine(key) else self._relays).find_or_start(key)
