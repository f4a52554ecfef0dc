"""What appends about a room would write: who comes and goes, who asks to come in, and what becomes of the room; pure.

The rules: an entry is written where membership really changes; a ban and a mute are about a person, and need none.
"""

from __future__ import annotations

from server.protocol.errors import ErrorCode, Refusal, no_such_invite
from server.store import acts
from server.store.invite_changes import InviteChange, JoinAsked, JoinRefused
from server.store.log_messages import Append, Denied, Landed, MemberGone, NewMember, Outcome
from server.store.plans import Knowledge, Plan, is_member, next_seq
from server.store.quotas import too_many_rooms
from server.store.room_changes import (
    LevelSet,
    Muted,
    Renamed,
    RightsSet,
    RoleGiven,
    RoomChange,
    news_of,
    until,
    written,
    written_rights,
)
from server.store.rows import BanRow, EntryRow, MemberRow
from server.store.waiting import Pair


def plan_member(append: Append, draft: NewMember, planned: Plan, known: Knowledge, at: int) -> Outcome:
    """Somebody comes: by themselves, by an invite of which a use is spent, or let in by somebody."""
    pair = (append.room, draft.user)
    if is_member(pair, planned, known, unless_known=False):
        return Landed(append.ref, None, at)
    if known.rooms_of.get(draft.user, 0) + planned.moves.get(draft.user, 0) >= known.most_rooms:
        return Denied(append.ref, too_many_rooms(who_asks=draft.by is None))
    if draft.asked and planned.waiting.waits(pair, known.waits) is False:
        return Denied(append.ref, Refusal(ErrorCode.NO_SUCH_USER, "nobody of this name asks to come in"))
    if draft.invite is not None and not planned.links.spends((append.room, draft.invite), known.links):
        return Denied(append.ref, no_such_invite())
    if draft.asked:
        planned.acts += acts.of_approval(append.room, draft, at)
    if draft.by is not None or draft.invite is not None:
        planned.waiting.ends(pair, must_be_there=draft.asked)
    seq = None
    if draft.logged:
        seq = next_seq(append.room, planned, known)
        planned.entries.append(EntryRow(append.room, seq, "joined", at, draft.user, by=draft.by))
    _change(pair, planned, known, member=True)
    planned.joins[pair] = MemberRow(append.room, draft.user, draft.role, at, planned.heads[append.room])
    return Landed(append.ref, seq, at)


def plan_gone(append: Append, draft: MemberGone, planned: Plan, known: Knowledge, at: int) -> Outcome:
    """Somebody goes, or is made to; who is banned may have been no member."""
    pair = (append.room, draft.user)
    if draft.banned:
        planned.governed.bans[pair] = BanRow(*pair, draft.by or draft.user, draft.reason, at)
        planned.waiting.ends(pair)
        planned.heads.setdefault(append.room, known.heads[append.room])
    was_member = is_member(pair, planned, known, unless_known=True)
    if was_member or draft.banned:
        planned.acts += acts.of_removal(append.room, draft, at)
    if not was_member:
        return Landed(append.ref, None, at)
    seq = None
    if draft.logged:
        seq = next_seq(append.room, planned, known)
        planned.entries.append(EntryRow(append.room, seq, "left", at, draft.user, by=draft.by, reason=draft.reason))
    _change(pair, planned, known, member=False)
    planned.governed.roles.pop(pair, None)
    if planned.joins.pop(pair, None) is None:
        planned.leaves.add(pair)
    return Landed(append.ref, seq, at)


def plan_asked(append: Append, draft: JoinAsked, planned: Plan, known: Knowledge, at: int) -> Outcome:
    """Somebody asks to come in; asked again, nothing changes and no use of the invite is spent."""
    pair = (append.room, draft.user)
    if is_member(pair, planned, known, unless_known=False) or planned.waiting.waits(pair, known.waits):
        return Landed(append.ref, None, at, is_new=False)
    if not planned.links.spends((append.room, draft.invite), known.links):
        return Denied(append.ref, no_such_invite())
    planned.waiting.begins(pair)
    planned.heads.setdefault(append.room, known.heads[append.room])
    return Landed(append.ref, None, at)


def plan_refused(append: Append, draft: JoinRefused, planned: Plan, known: Knowledge, at: int) -> Outcome:
    """Who asks to come in is not let in; who does not ask is nobody's act."""
    pair = (append.room, draft.user)
    if planned.waiting.waits(pair, known.waits) is not False:
        planned.waiting.ends(pair, must_be_there=True)
        planned.acts += acts.of_refusal(append.room, draft, at)
        planned.heads.setdefault(append.room, known.heads[append.room])
    return Landed(append.ref, None, at)


def plan_invite(append: Append, change: InviteChange, planned: Plan, known: Knowledge, at: int) -> Outcome:
    """An invite is made or revoked; what was so before is no act."""
    if planned.links.becomes(append.room, change, known.links):
        planned.acts += acts.of_invite(append.room, change, at)
        planned.heads.setdefault(append.room, known.heads[append.room])
    return Landed(append.ref, None, at)


def plan_level(append: Append, draft: LevelSet, planned: Plan, known: Knowledge, at: int) -> Outcome:
    """What of the room somebody wants to be called for: nothing is written where that is so already."""
    pair = append.room, draft.user
    if draft.level == planned.governed.levels.get(pair, known.levels.get(pair)):
        return Landed(append.ref, None, at, is_new=False)
    planned.governed.levels[pair] = draft.level
    planned.heads.setdefault(append.room, known.heads[append.room])
    return Landed(append.ref, None, at)


def plan_room_change(append: Append, change: RoomChange, planned: Plan, known: Knowledge, at: int) -> Outcome:
    """A name, rights, a role or a mute: an entry that says how the room is since."""
    room, governed = append.room, planned.governed
    match change:
        case Renamed(info=info):
            governed.names.append((room, info.name, info.topic, info.icon))
        case RightsSet(info=info):
            governed.rights[room] = written_rights(info.rights)
        case Muted(user=None, seconds=seconds):
            governed.quiet[room] = until(seconds, at)
        case Muted(user=str(user), seconds=seconds):
            governed.mutes[room, user] = until(seconds, at)
        case RoleGiven(user=user, role=role):
            if not is_member((room, user), planned, known, unless_known=True):
                return Landed(append.ref, None, at)
            if (joined := planned.joins.get((room, user))) is not None:
                planned.joins[room, user] = joined._replace(role=role)
            else:
                governed.roles[room, user] = role
    seq = next_seq(room, planned, known)
    news = written(news_of(change, at))
    planned.entries.append(EntryRow(room, seq, "room", at, change.by, news=news))
    planned.acts += acts.of_room(room, change, at, news)
    return Landed(append.ref, seq, at)


def _change(pair: Pair, planned: Plan, known: Knowledge, *, member: bool) -> None:
    room, user = pair
    change = 1 if member else -1
    planned.memberships[pair] = member
    planned.growth[room] = planned.growth.get(room, 0) + change
    planned.moves[user] = planned.moves.get(user, 0) + change
    planned.heads.setdefault(room, known.heads[room])
