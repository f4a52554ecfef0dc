"""Which incarnation of a room may append, and where its log stands: pure bookkeeping of the writer.

A lineage is a chain of appends each of which counts on the one before. It begins when a room anchors and ends when
one of its commits failed or may have failed; whatever still carries its number is lost, whoever told it. So an
append can never land behind a hole, and no room can act on a place that its log does not have.

Numbers come from a counter that outlives the writer task: a restarted writer knows no lineage, and every append
that was told before the restart ends as lost.

Every open room has a lineage, and most never append: of these nothing is kept but the number.
"""

from __future__ import annotations

from collections.abc import Iterator

from server.store.fencing import Fence


class Lineages:
    """The lineages that live now.

    Parameters
    ----------
    numbers
        Gives every lineage a number that no other one ever had in this process.
    """

    __slots__ = ("_fences", "_heads", "_live", "_numbers")

    def __init__(self, numbers: Iterator[int]) -> None:
        self._numbers = numbers
        self._live: dict[str, int] = {}
        self._heads: dict[str, int] = {}  # where the logs stand to which was appended
        self._fences: dict[str, Fence] = {}  # where several processes share the database

    def begin(self, room: str, fence: Fence | None = None) -> int:
        """The number of a new lineage; the room's earlier one is over. `fence`: what has to hold for its appends."""
        self.end(room)
        number = self._live[room] = next(self._numbers)
        if fence is not None:
            self._fences[room] = fence
        return number

    def fence_of(self, room: str) -> Fence:
        """What has to hold for appends of the room's lineage, which lives."""
        return self._fences[room]

    def admit(self, room: str, lineage: int, base: int) -> int | None:
        """Where the room's log stands for an append of this lineage; None: the lineage is over.

        `base` counts for the first append only: later ones were told before the room knew where the first landed.
        """
        return self._heads.setdefault(room, base) if self.is_live(room, lineage) else None

    def move(self, room: str, head: int) -> None:
        """Appends of the room's lineage were committed: its log stands at `head` now."""
        if room in self._live:
            self._heads[room] = head

    def is_live(self, room: str, lineage: int) -> bool:
        return self._live.get(room) == lineage

    def end(self, room: str) -> None:
        self._live.pop(room, None)
        self._heads.pop(room, None)
        self._fences.pop(room, None)

    def release(self, room: str, lineage: int) -> None:
        """The room is at rest. A later incarnation's lineage is not touched."""
        if self.is_live(room, lineage):
            self.end(room)

    def __len__(self) -> int:
        return len(self._live)
