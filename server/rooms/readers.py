"""How many have read what was posted in a large room, where nobody is told who has: pure.

Counted is whoever reads past a message while the room is open and the message is one of the newest
`REMEMBERED_AUTHORS`: each of them once, because marks only grow, and nobody who came later, because they begin behind
it. So a count never falls and is never too high. It is too low for who reads on after the room was closed or has
crashed, and for who keeps to themselves how far they have read: to their author it says "at least so many".

Left out: to count from all marks. That would be a look at every member for each message that somebody has read, and
who came after it had read it by that.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from itertools import accumulate
from typing import Final

from msgspec import Struct

from server.protocol.events import Readers, Receipt

TOLD_SECONDS: Final = 5.0
"""After the first who has read something. All of them together may be as many messages to people as there are authors
of what is remembered: 100 a second for a room at the most."""


class Covered(Struct, frozen=True):
    """The entries `after < seq <= upto` are newly covered by this receipt."""

    receipt: Receipt
    after: int
    upto: int


class Written(Struct, gc=False):
    """A message. `readers`: how many others have read it, where that is counted; `told`: its author of how many."""

    seq: int
    author: str
    readers: int = 0
    told: int = 0


def count(written: Sequence[Written], covered: Iterable[Covered]) -> bool:
    """Add those who have read any of `written`, which stand in the order of the log; whether there are any."""
    seqs = [message.seq for message in written]
    own: dict[str, list[int]] = {}
    for at, message in enumerate(written):
        own.setdefault(message.author, []).append(at)
    more = [0] * (len(written) + 1)  # than of the message before
    for one in covered:
        if one.receipt.read is None:
            continue
        first, end = bisect_right(seqs, one.after), bisect_right(seqs, one.upto)
        more[first] += 1
        more[end] -= 1
        for at in own.get(one.receipt.user, ()):
            if first <= at < end:
                more[at] -= 1
                more[at + 1] += 1
    for message, readers in zip(written, accumulate(more), strict=False):
        message.readers += readers
    return any(message.readers != message.told for message in written)


def untold(written: Iterable[Written], room: str) -> dict[str, list[Readers]]:
    """What each author is to be told now; it counts as told."""
    told: dict[str, list[Readers]] = {}
    for message in written:
        if message.readers != message.told:
            message.told = message.readers
            event = Readers(room=room, read=message.seq, readers=message.readers)
            told.setdefault(message.author, []).append(event)
    return told
