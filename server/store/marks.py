"""How far a member has read for themselves, where that is not what others are told: pure.

`MemberRecord.read` only grows, because others are told of it, and it arrives from several devices, late and in any
order. For oneself that is not enough: one may mark as unread what one has read, or keep to oneself how far one reads.
So there is a second mark beside it, in a record of another kind: few memberships have one at any time, and the others
are no larger for it.

Nearly all members of a room have read the same: nothing since they came, or all there is. They share one record, which
spares each of the others 48 bytes, and 32 for each number above 256.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Final

from server.protocol.objects import Role
from server.store.room_messages import MemberRecord

SHARED_RECORDS: Final = 256  # those looked for last: who has read as far is loaded, or says so, at about the same time


class OwnMark(MemberRecord, frozen=True, gc=False):
    """`seen`: how far the member has read for themselves. It is not `read`; where it is, there is no such record."""

    seen: int


def seen_by(member: MemberRecord) -> int:
    """How far a member has read for themselves: what is unread begins behind it."""
    return member.seen if isinstance(member, OwnMark) else member.read


def apart(member: MemberRecord) -> int | None:
    """The member's own mark, where there is one."""
    return member.seen if isinstance(member, OwnMark) else None


@lru_cache(maxsize=SHARED_RECORDS)
def member_record(role: Role, received: int, read: int) -> MemberRecord:
    """The one that is shared by all who have read so far."""
    return MemberRecord(role, received, read)


def advanced(member: MemberRecord, received: int, read: int) -> MemberRecord:
    """The same member, of whom others are told that they have received and read so far."""
    own = apart(member)
    return member_record(member.role, received, read) if own is None else OwnMark(member.role, received, read, own)


def keep_known(known: dict[str, MemberRecord], members: dict[str, MemberRecord]) -> None:
    """`members` are as the store has them, which may not have been told yet what is `known` here."""
    for user, member in members.items():
        before = known.get(user)
        if before is None:
            continue
        kept = advanced(member, max(member.received, before.received), max(member.read, before.read))
        if apart(member) is not None or apart(before) is not None:
            kept = with_seen(kept, seen_by(before))
        members[user] = kept


def with_seen(member: MemberRecord, seen: int) -> MemberRecord:
    """The same member, who has read so far for themselves."""
    if seen == member.read:
        return member_record(member.role, member.received, member.read)
    return OwnMark(member.role, member.received, member.read, seen)
