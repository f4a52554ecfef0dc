"""What a run of appends would write: pure, so that every rule of the log can be tested as arithmetic.

`plan` gives each append its outcome and collects the rows, in the order in which they were told. It trusts what it
is told to know: with `Knowledge` that holds the heads only it plans optimistically (no nonce was used before, who
joins is no member and in no other room, who leaves is one), and the database contradicts it where that is wrong.
Then the knowledge is read, and the same rules plan again.

A plan changes nothing that it was given: when its rows are refused, it is dropped, and no `seq` was spent.

What more than a line or two is planned for stands in `planning_messages.py` and `planning_rooms.py`.
"""

from __future__ import annotations

from collections.abc import Iterable

from server.store import acts
from server.store.changes import MessageGone, NewText, Pinning, Reacting
from server.store.invite_changes import InviteMade, InviteRevoked, JoinAsked, JoinRefused
from server.store.log_messages import Append, Landed, Lost, MemberGone, NewMember, NewMessage, Outcome
from server.store.planning_messages import plan_change, plan_message, plan_thread_seen
from server.store.planning_rooms import (
    plan_asked,
    plan_gone,
    plan_invite,
    plan_level,
    plan_member,
    plan_refused,
    plan_room_change,
)
from server.store.plans import Knowledge, Plan
from server.store.room_changes import BanLifted, LevelSet, Muted, Renamed, RightsSet, RoleGiven, RoomDeleted
from server.store.thread_messages import ThreadSeen


def plan(appends: Iterable[Append], known: Knowledge, at: int) -> Plan:
    """What `appends` would write at `at` (ms since the epoch)."""
    planned = Plan()
    for append in appends:
        planned.outcomes.append(_planned(append, planned, known, at))
    return planned


def _planned(append: Append, planned: Plan, known: Knowledge, at: int) -> Outcome:
    if append.room not in known.heads or append.room in planned.deleted:
        return Lost(append.ref)
    match append.draft:
        case NewMessage():
            return plan_message(append, append.draft, planned, known, at)
        case NewMember():
            return plan_member(append, append.draft, planned, known, at)
        case MemberGone():
            return plan_gone(append, append.draft, planned, known, at)
        case NewText() | MessageGone() | Reacting() | Pinning():
            return plan_change(append, append.draft, planned, known, at)
        case ThreadSeen():
            return plan_thread_seen(append, append.draft, planned, known, at)
        case Renamed() | RightsSet() | RoleGiven() | Muted():
            return plan_room_change(append, append.draft, planned, known, at)
        case RoomDeleted():
            planned.deleted.add(append.room)
            planned.acts += acts.of_room(append.room, append.draft, at)
            planned.heads.setdefault(append.room, known.heads[append.room])
            return Landed(append.ref, None, at)
        case LevelSet():
            return plan_level(append, append.draft, planned, known, at)
        case BanLifted(user=user):
            planned.acts += acts.of_room(append.room, append.draft, at)
            planned.governed.bans[append.room, user] = None
            planned.heads.setdefault(append.room, known.heads[append.room])
            return Landed(append.ref, None, at)
        case InviteMade() | InviteRevoked():
            return plan_invite(append, append.draft, planned, known, at)
        case JoinAsked():
            return plan_asked(append, append.draft, planned, known, at)
        case JoinRefused():
            return plan_refused(append, append.draft, planned, known, at)
