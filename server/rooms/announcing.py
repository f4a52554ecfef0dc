"""When a room says who came and who went: pure, with the time passed in.

At once, a second after the first of them, as long as the rooms of a node have not much to say. To say it costs a
message to every node and to everybody in the room, so when a crowd comes, or is cut off and comes back, saying it a
second after each would cost more than to let them in. Then rooms wait for their turn, and say all of it in one go. Of
who was away for a moment they say nothing at all (`comings.py`). Rooms do not look again and again whether it is their
turn: each is given its time.

Rooms whose turns follow each other say it at the same moment: to a node that shares its processor with fifty others it
costs most to be woken, and one message wakes it as much as all that are for it.

Large rooms do not say who, only how many are there. That goes to everybody in the room as well, so they take turns of
their own by how many people they tell, and a turn is as long after the first who moved as somebody may be away.

Left out: to prefer small rooms, or those of two. Nobody would wait the less for it while the crowd lasts.
"""

from __future__ import annotations

from math import ceil
from typing import Final

ROOMS_A_SECOND: Final = 200
"""In which something is said. With rooms of ten over six nodes that is some 800 messages between nodes, and nearly
2,000 to people."""
AT_ONCE_SECONDS: Final = 1.0
"""Whose turn is so near need not wait for it."""
LONGEST_SECONDS: Final = 600.0
"""However many there are: of a million people in rooms of ten all have been told by then. With 60 s, when 800 of them
come a second to 100,000 rooms, hardly two are told of together, and for each a message goes to all who are there."""
TOGETHER_SECONDS: Final = 0.5
"""Between two such moments. A hundred rooms that tell their news keep their owner busy for some 20 ms."""
COUNTED_A_SECOND: Final = 2_000
"""People who are told how many are online: as many as small rooms tell who is. 100,000 hear it once in 50 s."""


GRACE_SECONDS: Final = 15.0
"""A client that lost its network tries again within a second, and a second time within a few."""


class Announcing:
    """The turns of all rooms of a node.

    Parameters
    ----------
    grace
        Seconds for which somebody may be away without anybody being told.
    """

    __slots__ = ("_next", "_next_count", "grace")

    def __init__(self, grace: float = GRACE_SECONDS) -> None:
        self.grace = grace
        self._next = 0.0
        self._next_count = 0.0

    def wait(self, now: float) -> float:
        """Seconds until it is the turn of a room that has something to say; 0: it is."""
        turn = max(now, self._next)
        wait = turn - now
        if wait > LONGEST_SECONDS:
            return _together(now + LONGEST_SECONDS) - now
        self._next = turn + 1 / ROOMS_A_SECOND
        return _together(turn) - now if wait > AT_ONCE_SECONDS else 0.0

    def wait_to_count(self, now: float, told: int) -> float:
        """Seconds until it is the turn of a large room to say to `told` people how many are online; 0: it is.

        Every room waits for one turn at a time, so however many there are, it is over when all were told once.
        """
        turn = max(now + self.grace, self._next_count)
        self._next_count = turn + told / COUNTED_A_SECOND
        return turn - now


def _together(turn: float) -> float:
    """The moment at which those speak whose turn this is; not before it."""
    return ceil(turn / TOGETHER_SECONDS) * TOGETHER_SECONDS
