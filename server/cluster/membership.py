"""Which nodes live, as one of them sees it: pure, with the time passed in.

Every node raises a number of its own once a second, and reads those of all others. A number that does not rise for too
long is a dead node's, whatever the engine's clock says: only this node's clock counts, and of that only the time in
which it was attentive (`attention.py`). Numbers of nodes that nobody has cleared away are found once, when this node
comes to know the engine: such a node is believed to live until its number proves it dead, or nobody hears it.

Names are new at each start, so whoever has left in order never comes back.

Everybody reads the numbers of all, so between many nodes that is done less often: from `FULL_PACE` nodes on, what each
of them reads in a second grows no more. Whatever is waited for is waited for as much longer, which is just as well:
so many nodes share few machines, and a busy machine is late.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from math import ceil
from typing import Final

from msgspec import Struct

GONE: Final = 2**63
"""Higher than any number: who has left does not beat again."""

FORGOTTEN_AFTER: Final = 60.0
"""Seconds of silence after which a number may be cleared away: far above what a stopped node is expected to take."""


FULL_PACE: Final = 30
"""So many nodes beat as often as they are told to: what one of them reads then is 45 us of a second."""


def slowness(nodes: int) -> int:
    """How many times longer than between two nodes everything may take between so many."""
    return max(1, ceil(nodes / FULL_PACE))


class Up(Struct, frozen=True):
    """This node lives."""

    node: str


class Down(Struct, frozen=True):
    """This node is dead, has left, or cannot be heard."""

    node: str


Change = Up | Down


class _Known(Struct):
    beat: int
    at: float  # when it rose last
    live: bool


class Membership:
    """The other nodes.

    Parameters
    ----------
    own
        This node's name; it is nobody else's business.
    dead_after
        Seconds without a beat until a node is dead, where there are few nodes.
    late_after
        Seconds without one until it is looked after, likewise: half as long, if it is not said.
    """

    __slots__ = ("_dead_after", "_known", "_late_after", "_own")

    def __init__(self, own: str, dead_after: float, late_after: float | None = None) -> None:
        self._own = own
        self._dead_after = dead_after
        self._late_after = dead_after / 2 if late_after is None else late_after
        self._known: dict[str, _Known] = {}

    @property
    def live(self) -> frozenset[str]:
        return frozenset(name for name, known in self._known.items() if known.live)

    def is_live(self, name: str) -> bool:
        known = self._known.get(name)
        return known is not None and known.live

    @property
    def slowness(self) -> int:
        """By how much this node may beat less often, with those that live now."""
        return slowness(1 + len(self.live))

    @property
    def patience(self) -> int:
        """How many times longer than between few nodes others are waited for. That counts who was known in the last
        minute: those who stay when most have left go on beating slowly for another beat."""
        return slowness(1 + len(self._known))

    def beats(self, numbers: Mapping[str, int], now: float) -> list[Change]:
        """The numbers of all nodes as they are now."""
        changes: list[Change] = []
        for name, number in numbers.items():
            known = self._known.get(name)
            if name != self._own and (known is None or number > known.beat):
                changes += self._rose(name, number, now)
        changes += self._silent_for_long(now)
        for name in [name for name in self._known if name not in numbers and self._long_silent(name, now)]:
            del self._known[name]
        return changes

    def joined(self, name: str, now: float) -> list[Change]:
        """A node says that it is there; its number follows."""
        return [] if name == self._own or self.is_live(name) else self._rose(name, 0, now)

    def left(self, name: str, now: float) -> list[Change]:
        """A node says that it ends."""
        return self._gone(name, _Known(GONE, now, live=False))

    def unheard(self, name: str) -> list[Change]:
        """Nobody listens to what was said to this node. It is there again when its number rises."""
        known = self._known.get(name)
        return [] if known is None else self._gone(name, _Known(known.beat, known.at, live=False))

    def overdue(self, now: float) -> list[str]:
        """Who has been silent for so long that it is to be looked after. To whom nobody listens any more: that is found
        out by saying something."""
        late = self._late_after * self.patience
        return [name for name, known in self._known.items() if known.live and now - known.at >= late]

    def lost_sight(self) -> list[Change]:
        """The engine is not heard any more: nobody is known."""
        changes: list[Change] = [Down(name) for name in sorted(self.live)]
        self._known.clear()
        return changes

    def forgettable(self, numbers: Iterable[str], now: float) -> list[str]:
        """Which of these may be cleared away."""
        return [name for name in numbers if name != self._own and self._long_silent(name, now)]

    def _rose(self, name: str, number: int, now: float) -> list[Change]:
        known = self._known.get(name)
        if known is not None and known.beat == GONE:
            return []
        was_live = known is not None and known.live
        self._known[name] = _Known(number, now, live=True)
        return [] if was_live else [Up(name)]

    def _gone(self, name: str, known: _Known) -> list[Change]:
        was_live = self.is_live(name)
        self._known[name] = known
        return [Down(name)] if was_live else []

    def _silent_for_long(self, now: float) -> list[Change]:
        changes: list[Change] = []
        dead_after = self._dead_after * self.patience
        for name, known in self._known.items():
            if known.live and now - known.at >= dead_after:
                known.live = False
                changes.append(Down(name))
        return changes

    def _long_silent(self, name: str, now: float) -> bool:
        known = self._known.get(name)
        return known is not None and not known.live and now - known.at >= FORGOTTEN_AFTER
