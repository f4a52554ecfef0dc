"""In shifts: of many processes that make the load on one machine, a few let their people come, and then others do.

Fifty processes that each open a connection now and then fill the processors' caches anew for every one, and so does a
server that hears from all of them at once. With a few at a time both do the same thing many times in a row.

The rule: nobody waits for a word. All processes of a machine have the same clock, and each knows its number among those
that still have people to bring; whoever conducts them says when these are fewer.
"""

from __future__ import annotations

from typing import NamedTuple


class Shifts(NamedTuple):
    """Of one process.

    Attributes
    ----------
    mine, shifts
        The number of its shift, from 0, and how many there are: they follow each other in a circle.
    seconds
        Each of them.
    """

    mine: int
    shifts: int
    seconds: float

    def next(self, now: float) -> float:
        """When it may begin something: `now` if this is its shift, and otherwise when that begins."""
        number = int(now // self.seconds)
        ahead = (self.mine - number) % self.shifts
        return now if ahead == 0 else (number + ahead) * self.seconds
