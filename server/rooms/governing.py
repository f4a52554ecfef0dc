"""What an open room makes of a change of itself, or of somebody's rights, that is on disk: pure."""

from __future__ import annotations

from msgspec import structs

from server.protocol.times import rfc3339
from server.rooms.particulars import end_of, mute, mute_room
from server.rooms.state import RoomState
from server.store.log_messages import MemberGone
from server.store.room_changes import BanLifted, Muted, Particulars, Renamed, RightsSet, RoleGiven, until

Restricting = RightsSet | Muted | MemberGone | BanLifted
Governing = Renamed | RoleGiven | Restricting


def govern(state: RoomState, change: Governing, at: int, now: float) -> None:
    """The change has landed, at `at` (ms since the epoch).

    `MemberGone`: the ban that came with it; the membership is not looked at here.
    """
    match change:
        case Renamed(info=info):
            particulars = state.record.particulars or Particulars()
            particulars.icon = info.icon
            state.record = structs.replace(
                state.record, name=info.name, topic=info.topic, particulars=particulars or None
            )
        case RoleGiven(user=user, role=role):
            if (member := state.members.get(user)) is not None:
                state.members[user] = structs.replace(member, role=role)
        case _:
            particulars = state.record.particulars or Particulars()
            _restrict(particulars, change, at, now)
            state.record = structs.replace(state.record, particulars=particulars or None)


def _restrict(particulars: Particulars, change: Restricting, at: int, now: float) -> None:
    match change:
        case RightsSet(info=info):
            particulars.rights = info.rights
            if info.rights is None or info.rights.slow is None:
                particulars.posted = None
        case Muted(user=None, seconds=seconds):
            mute_room(particulars, end_of(seconds, now), rfc3339(until(seconds, at)), now)
        case Muted(user=str(user), seconds=seconds):
            mute(particulars, user, end_of(seconds, now), now)
        case MemberGone(user=user):
            particulars.banned.add(user)
        case BanLifted(user=user):
            particulars.banned.discard(user)
