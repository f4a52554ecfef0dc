"""What an open room makes of a change of itself, or of somebody's rights, that is on disk: pure."""

from __future__ import annotations

from msgspec import structs

from server.protocol.times import rfc3339
from server.rooms.restrictions import end_of, mute, mute_room
from server.rooms.state import RoomState
from server.store.messages import MemberGone
from server.store.room_changes import BanLifted, Muted, Renamed, Restrictions, RightsSet, RoleGiven, until

Restricting = RightsSet | Muted | MemberGone | BanLifted
Governing = Renamed | RoleGiven | Restricting


def govern(state: RoomState, change: Governing, at: int, now: float) -> None:
    """The change has landed, at `at` (ms since the epoch).

    `MemberGone`: the ban that came with it; the membership is not looked at here.
    """
    match change:
        case Renamed(info=info):
            state.record = structs.replace(state.record, name=info.name, topic=info.topic)
        case RoleGiven(user=user, role=role):
            if (member := state.members.get(user)) is not None:
                member.role = role
        case _:
            restrictions = state.record.restrictions or Restrictions()
            _restrict(restrictions, change, at, now)
            state.record = structs.replace(state.record, restrictions=restrictions or None)


def _restrict(restrictions: Restrictions, change: Restricting, at: int, now: float) -> None:
    match change:
        case RightsSet(info=info):
            restrictions.rights = info.rights
            if info.rights is None or info.rights.slow is None:
                restrictions.posted = None
        case Muted(user=None, seconds=seconds):
            mute_room(restrictions, end_of(seconds, now), rfc3339(until(seconds, at)), now)
        case Muted(user=str(user), seconds=seconds):
            mute(restrictions, user, end_of(seconds, now), now)
        case MemberGone(user=user):
            restrictions.banned.add(user)
        case BanLifted(user=user):
            restrictions.banned.discard(user)
