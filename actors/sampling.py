"""Who uses the time: a sample of the actor that runs, taken each time the trio thread has used a little more CPU.

Statistics, not accounts: an actor that uses a tenth of the time is seen in a tenth of the samples, and one that was
lucky is not seen at all. Exact times would cost two looks at a clock for each message, which is more than a message.

Bounded: when more actors than are worth it have been seen, the closed ones and those seen least are forgotten. What
they have used stays with their class.
"""

from __future__ import annotations

from heapq import nlargest
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from actors.address import Address

MOST = 1024
"""So many actors are remembered at least, those that have used the most; never more than twice as many."""


class Samples:
    """Seconds of CPU time of the trio thread, by actor and by class."""

    __slots__ = ("_by_actor", "_by_class")

    def __init__(self) -> None:
        self._by_actor: dict[Address, float] = {}
        self._by_class: dict[str, float] = {}

    def add(self, address: Address, seconds: float) -> None:
        """This actor ran at the end of `seconds` that have gone by."""
        name = address._blueprint.actor_name
        if name:  # unknown while the first of its kind is being made
            self._by_class[name] = self._by_class.get(name, 0.0) + seconds
        self._by_actor[address] = self._by_actor.get(address, 0.0) + seconds
        if len(self._by_actor) > 2 * MOST:
            self._by_actor = dict(self.top(MOST))

    def seconds_of(self, address: Address) -> float:
        """What this actor has used, over all its lives; 0.0 if it was never seen, or is forgotten."""
        return self._by_actor.get(address, 0.0)

    def top(self, most: int) -> list[tuple[Address, float]]:
        """Who has used the most, of those that have not stopped for good; the first is the greediest."""
        living = [(address, seconds) for address, seconds in self._by_actor.items() if address.alive]
        return nlargest(most, living, key=_seconds)

    def top_classes(self, most: int) -> list[tuple[str, float]]:
        """Which classes of actors have used the most, by their qualified names."""
        return nlargest(most, self._by_class.items(), key=_seconds)


def _seconds(entry: tuple[object, float]) -> float:
    return entry[1]
