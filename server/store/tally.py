"""What is unread in a room, for all of its members in one reading: the newest messages, and who wrote each.

Whoever counts for thousands asks once for this, and not once for each of them; what is counted is then as the log was
at `head`, deleted messages left out. Pure, but for the question itself.

The bound: among the newest `COUNTED_AMONG` messages. `unread` ends at a thousand in any case, so it would be too small
only for somebody who wrote a thousand of the two thousand newest, and has read none of the others. Of mentions, those
are missing that lie further back; whoever has not read so far adds them to what was counted before.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from msgspec import Struct

from server.protocol.mentions import EVERYBODY
from server.store.mentioning import People
from server.store.questions import Question

UNREAD_COUNTED: Final = 1_000
"""Nobody reads a larger number, and somebody who was away for a year must not hold up everybody's sign-in."""

COUNTED_AMONG: Final = 2 * UNREAD_COUNTED


class ReadTally(Question, frozen=True, kw_only=True):
    """Answered with a `Tally`."""

    room: str


class Tally(Struct, frozen=True):
    """The newest undeleted messages of a room.

    Attributes
    ----------
    head
        The room's `last_seq` then.
    is_all
        Whether there are no others.
    messages
        Their `seq`, ascending.
    own
        The same, by their authors.
    naming
        The same, by whom they mention.
    own_calls
        Of those that mention everybody, by their authors.
    """

    room: str
    head: int
    is_all: bool
    messages: list[int]
    own: Mapping[str, list[int]]
    naming: Mapping[str, list[int]]
    own_calls: Mapping[str, list[int]]

    def unread(self, user: str, read: int) -> int:
        """How many messages of others follow `read`; a thousand stands for all above."""
        return min(_behind(self.messages, read) - _behind(self.own.get(user, ()), read), UNREAD_COUNTED)

    def mentions(self, user: str, after: int) -> int:
        """How many messages of others that follow `after` mention this user."""
        if not self.naming:
            return 0
        calls = _behind(self.naming.get(EVERYBODY, ()), after) - _behind(self.own_calls.get(user, ()), after)
        return _behind(self.naming.get(user, ()), after) + calls

    def reaches_back_to(self, read: int) -> bool:
        """Whether all messages behind `read` are among these."""
        return self.is_all or (bool(self.messages) and self.messages[0] <= read + 1)


def tally_of(room: str, head: int, newest: Iterable[tuple[int, str, People]]) -> Tally:
    """`newest`: `seq`, author, and whom it mentions, descending."""
    messages: list[int] = []
    own: dict[str, list[int]] = {}
    naming: dict[str, list[int]] = {}
    own_calls: dict[str, list[int]] = {}
    for seq, author, people in reversed(list(newest)):
        messages.append(seq)
        own.setdefault(author, []).append(seq)
        for user in people:
            naming.setdefault(user, []).append(seq)
        if EVERYBODY in people:
            own_calls.setdefault(author, []).append(seq)
    return Tally(room, head, len(messages) < COUNTED_AMONG, messages, own, naming, own_calls)


def _behind(messages: Sequence[int], read: int) -> int:
    return len(messages) - bisect_right(messages, read)
