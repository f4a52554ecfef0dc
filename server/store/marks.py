"""How far a member has read for themselves, where that is not what others are told: pure.

`MemberRecord.read` only grows, because others are told of it, and it arrives from several devices, late and in any
order. For oneself that is not enough: one may mark as unread what one has read, or keep to oneself how far one reads.
So there is a second mark beside it, in a record of another kind: few memberships have one at any time, and the others
are no larger for it.
"""

from __future__ import annotations

from server.store.room_messages import MemberRecord


class OwnMark(MemberRecord, gc=False):
    """`seen`: how far the member has read for themselves. It is not `read`; where it is, there is no such record."""

    seen: int


def seen_by(member: MemberRecord) -> int:
    """How far a member has read for themselves: what is unread begins behind it."""
    return member.seen if isinstance(member, OwnMark) else member.read


def apart(member: MemberRecord) -> int | None:
    """The member's own mark, where there is one."""
    return member.seen if isinstance(member, OwnMark) else None


def keep_known(known: dict[str, MemberRecord], members: dict[str, MemberRecord]) -> None:
    """`members` are as the store has them, which may not have been told yet what is `known` here."""
    for user, member in members.items():
        before = known.get(user)
        if before is None:
            continue
        member.received = max(member.received, before.received)
        member.read = max(member.read, before.read)
        if apart(member) is not None or apart(before) is not None:
            members[user] = with_seen(member, seen_by(before))


def with_seen(member: MemberRecord, seen: int) -> MemberRecord:
    """The same member, who has read so far for themselves."""
    if seen == member.read:
        return MemberRecord(member.role, member.received, member.read)
    return OwnMark(member.role, member.received, member.read, seen)
