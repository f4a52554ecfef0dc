"""How far people have received and read, and who is told: pure.

What others are told only ever grows. How far one has read for oneself may also be taken back (`store/marks.py`), which
only the user's other devices are told. Marks are written behind, and told once a second to the authors of the messages
that are newly covered, and to nobody else. Who wrote the latest messages is remembered here, so that the store is asked
only about what is older. Receipts that go to the same authors travel together, as one event list that is encoded once:
told one by one, a room where everybody reads everything would cost the square of its members. In large rooms authors
hear how many have read (`readers.py`).

What was acknowledged, and is not both told and on disk yet, stands in `unfinished.py` besides, which outlives a crash
of the room: its next life goes on from there.
"""

from __future__ import annotations

from collections.abc import Iterable
from itertools import takewhile
from typing import Final

from msgspec import structs

from server.protocol.events import Readers, Receipt
from server.rooms.readers import TOLD_SECONDS, Covered, Written, count, untold
from server.rooms.unfinished import Unfinished
from server.store.marks import advanced, apart, seen_by, with_seen
from server.store.room_messages import Mark, MemberRecord

REMEMBERED_AUTHORS: Final = 500


class Receipts:
    """What is to be told and written of a room's marks."""

    __slots__ = ("_count_at", "_known_above", "_moved", "_room", "_unfinished", "_unsaved", "_untold", "_written")

    def __init__(self, room: str, last_seq: int, unfinished: Unfinished | None = None) -> None:
        self._room = room
        self._unfinished = Unfinished() if unfinished is None else unfinished
        self._written: list[Written] = []  # a deque takes 760 bytes even for one
        self._known_above = last_seq
        self._untold: dict[str, tuple[int, int]] = {}  # user -> what was told of received and read
        self._unsaved: dict[str, None] = {}
        self._moved: set[str] | None = None  # whose own mark did
        self._count_at: float | None = None  # when authors are to be told how many have read; None: there is nothing

    @property
    def pending(self) -> bool:
        return bool(self._untold or self._unsaved or self._moved) or self._count_at is not None

    def wrote(self, author: str, seq: int) -> None:
        """A message of `author` is in the log now."""
        self._written.append(Written(seq, author))
        if len(self._written) > REMEMBERED_AUTHORS:
            self._known_above = self._written.pop(0).seq

    def mark(self, user: str, members: dict[str, MemberRecord], received: int, read: int, seen: int = 0) -> None:
        """`user`, a member, says how far; the larger wins, and who has read has received. `seen`: who has read for
        themselves only."""
        member = members[user]
        before, seen_before = (member.received, member.read), seen_by(member)
        now_read = max(member.read, read)
        now_received = max(member.received, received, now_read)
        if before != (now_received, now_read):
            members[user] = advanced(member, now_received, now_read)
            self._untold.setdefault(user, before)
            self._unsaved[user] = None
        self._see(user, members, seen_before, max(seen_before, read, seen))
        self._note(user, members[user])

    def mark_unread(self, user: str, members: dict[str, MemberRecord], after: int) -> None:
        """For `user`, a member, nothing behind `after` is read any more."""
        seen = seen_by(members[user])
        self._see(user, members, seen, min(seen, after))
        self._note(user, members[user])

    def recall(self, members: dict[str, MemberRecord]) -> None:
        """What the room's last life had not brought to its end, in a crash, is to be told and written now.

        `members` are as the store has them. What was written by then is written again, which changes nothing.
        """
        for pending in self._unfinished.of(self._room):
            mark = pending.mark
            member = members.get(mark.user)
            if member is None:
                self._unfinished.drop(self._room, mark.user)
                continue
            if pending.told is not None:
                self._untold[mark.user] = pending.told
            member = advanced(member, max(member.received, mark.received), max(member.read, mark.read))
            members[mark.user] = member
            self._unsaved[mark.user] = None
            self._see(mark.user, members, -1, member.read if mark.seen is None else mark.seen)

    def _note(self, user: str, member: MemberRecord) -> None:
        if user in self._unsaved:
            mark = Mark(user, member.received, member.read, apart(member))
            self._unfinished.note(self._room, mark, self._untold.get(user))

    def _see(self, user: str, members: dict[str, MemberRecord], before: int, seen: int) -> None:
        member = members[user]
        if seen != member.read or apart(member) is not None:
            members[user] = with_seen(member, seen)
        if seen != before:
            self._unsaved[user] = None
            self._moved = self._moved or set()
            self._moved.add(user)

    def own_marks(self, members: dict[str, MemberRecord]) -> dict[str, int]:
        """Who has read how far for themselves, of those of whom that is another place now; it counts as told."""
        moved, self._moved = self._moved or (), None
        return {user: seen_by(member) for user in moved if (member := members.get(user)) is not None}

    def unsaved(self, members: dict[str, MemberRecord]) -> tuple[Mark, ...]:
        """The marks to be written now; they count as written."""
        marks: list[Mark] = []
        for user in sorted(self._unsaved):
            if (member := members.get(user)) is not None:
                marks.append(Mark(user, member.received, member.read, apart(member)))
            else:
                self._unfinished.drop(self._room, user)
        self._unsaved.clear()
        return tuple(marks)

    def save_again(self, marks: Iterable[Mark]) -> None:
        """These could not be written."""
        self._unsaved.update((mark.user, None) for mark in marks)

    def saved(self, marks: Iterable[Mark]) -> None:
        """These are on disk."""
        for mark in marks:
            self._unfinished.saved(self._room, mark)

    def untold(self, members: dict[str, MemberRecord]) -> list[Covered]:
        """What is newly covered, and by whom; it counts as told."""
        covered: list[Covered] = []
        for user, (received, read) in self._untold.items():
            if (member := members.get(user)) is not None:
                covered += self._advances(user, member, received, read)
            else:
                self._unfinished.drop(self._room, user)
        self._untold.clear()
        return covered

    def told(self, user: str) -> None:
        """Others know how far this one has come, unless that is further by now."""
        if user not in self._untold:
            self._unfinished.told(self._room, user)

    def tell_again(self, covered: Covered, members: dict[str, MemberRecord]) -> None:
        """Nobody knows whom this is to be told."""
        receipt, after = covered.receipt, covered.after
        if (member := members.get(receipt.user)) is not None:
            received, read = self._untold.get(receipt.user, (member.received, member.read))
            self._untold[receipt.user] = (
                received if receipt.received is None else min(received, after),
                read if receipt.read is None else min(read, after),
            )

    def _advances(self, user: str, member: MemberRecord, received: int, read: int) -> Iterable[Covered]:
        """One receipt for both marks where they cover the same."""
        room = self._room
        if (received, member.received) == (read, member.read):
            receipt = Receipt(room=room, user=user, received=member.received, read=member.read)
            yield Covered(receipt, read, member.read)
            return
        if member.received > received:
            yield Covered(Receipt(room=room, user=user, received=member.received), received, member.received)
        if member.read > read:
            yield Covered(Receipt(room=room, user=user, read=member.read), read, member.read)

    def authors(self, covered: Covered) -> frozenset[str] | None:
        """Who wrote what is newly covered; None if that is not remembered."""
        if covered.after < self._known_above:
            return None
        newest_first = takewhile(lambda written: written.seq > covered.after, reversed(self._written))
        return frozenset(written.author for written in newest_first if written.seq <= covered.upto)

    def count(self, members: dict[str, MemberRecord], now: float) -> dict[str, list[Readers]]:
        """In place of `untold`, in a large room: what authors are to be told now of how many have read."""
        if self._untold:
            covered = self.untold(members)
            if count(self._written, covered) and self._count_at is None:
                self._count_at = now + TOLD_SECONDS
            for one in covered:
                self.told(one.receipt.user)
        if self._count_at is None or now < self._count_at:
            return {}
        self._count_at = None
        return untold(self._written, self._room)


def grouped(told: Iterable[tuple[Receipt, frozenset[str]]]) -> dict[frozenset[str], list[Receipt]]:
    """Receipts by whom they go to; what one user received and read becomes one event where it can.

    A receipt that only its own sender would hear of is left out.
    """
    groups: dict[frozenset[str], dict[str, Receipt]] = {}
    for receipt, authors in told:
        if authors <= {receipt.user}:
            continue
        group = groups.setdefault(authors, {})
        group[receipt.user] = _merged(group[receipt.user], receipt) if receipt.user in group else receipt
    return {authors: list(receipts.values()) for authors, receipts in groups.items()}


def _merged(first: Receipt, second: Receipt) -> Receipt:
    return structs.replace(
        first,
        received=first.received if second.received is None else second.received,
        read=first.read if second.read is None else second.read,
    )
