"""A room that was open before, and is again: pure.

It had lost its lineage, because the outcome of a commit was not known. Those who stayed attached are told what has
landed without anybody knowing, and then that who is no member any more has left.
"""

from __future__ import annotations

from server.protocol.entries import Left
from server.rooms.effects import Effect
from server.rooms.landing import Landing
from server.rooms.opening import Opened
from server.rooms.state import RoomState
from server.store.marks import keep_known
from server.store.room_messages import RoomRecord

Effects = list[Effect]


def opened_again(state: RoomState, opened: Opened, now: float) -> Effects:
    """From here on the room serves, with what `opened` says."""
    landing = Landing(state, now)
    for entry in opened.tail:
        landing.found(entry)
    effects = landing.effects()
    effects += _adopt(state, opened.record, now)
    state.lineage = opened.lineage
    state.base = state.last_seq
    return effects


def _adopt(state: RoomState, record: RoomRecord, now: float) -> Effects:
    """Members as the store has them; marks that were not written yet are kept."""
    keep_known(state.members, record.members)
    state.adopt(record, now)
    effects: Effects = []
    for user in [user for user in state.audience.all_users() if user not in record.members]:
        effects += state.remove(user, Left(room=state.room, user=user))
    return effects
