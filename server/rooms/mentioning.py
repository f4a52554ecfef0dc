"""Whom a text may mention here: pure.

What the room knows is decided here: who may call everybody, and who is there. Of the names that are called, the members
are found where the entry gets its place (`server/store/mentioning.py`), because a room keeps nobody's name.

`@here` and `@all` take the same right. Without it they are only text. In a large room nobody is told who is there, so
there `@here` is as `@all`.
"""

from __future__ import annotations

from server.protocol.mentions import called_by
from server.protocol.objects import Role
from server.rooms.room_rights import may
from server.rooms.state import RoomState
from server.store.mentioning import Mentioned


def mentioned_by(state: RoomState, text: str, role: Role, *, is_edit: bool = False) -> Mentioned | None:
    """Whom the text of somebody of this role mentions; None: nobody.

    Raises
    ------
    Refusal
        `limit_reached`: more people than a text may.
    """
    called = called_by(text)
    if called is None:
        return None
    if not ((called.here or called.all) and _may_call_everybody(state, role)):
        return Mentioned(called.names) if called.names else None
    if called.all or state.large:
        return Mentioned(everybody=True)
    return Mentioned(called.names, again=True) if is_edit else Mentioned(called.names, here=_those_here(state))


def _may_call_everybody(state: RoomState, role: Role) -> bool:
    particulars = state.record.particulars
    return may("mention_all", role, None if particulars is None else particulars.rights, state.record.kind)


def _those_here(state: RoomState) -> tuple[str, ...]:
    appears, leaving = state.audience.appears, state.in_flight.leaving()
    return tuple(user for user in state.members if user not in leaving and appears(user) is not None)
