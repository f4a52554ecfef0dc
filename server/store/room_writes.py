"""What becomes of rooms and rights, written as it was planned, in the transaction that appends the entries about it.

None of it is frequent, so nothing is done to make it quick; whoever moves the room's head in the same transaction keeps
everybody else from these rows. A ban, or a mute, that is there already is replaced: writing it again is no error.
"""

from __future__ import annotations

from typing import Final

from sqlalchemy import Connection, bindparam, delete, insert, or_, update

from server.store.bulk import RowsMissing
from server.store.channel_queries import list_channel
from server.store.plans import Governed
from server.store.tables import bans, members, mutes, rooms

_name: Final = (
    update(rooms)
    .where(rooms.c.id == bindparam("room"))
    .values(name=bindparam("to"), topic=bindparam("about"), icon=bindparam("with_icon"))
)
_rights: Final = update(rooms).where(rooms.c.id == bindparam("room")).values(rights=bindparam("to"))
_quiet: Final = update(rooms).where(rooms.c.id == bindparam("room")).values(quiet_until=bindparam("until"))
_give_role: Final = (
    update(members)
    .where(members.c.room_id == bindparam("room"), members.c.user_id == bindparam("user"))
    .values(role=bindparam("to"))
)
_set_level: Final = (
    update(members)
    .where(members.c.room_id == bindparam("room"), members.c.user_id == bindparam("user"))
    .values(level=bindparam("to"))
)
_lift_ban: Final = delete(bans).where(bans.c.room_id == bindparam("room"), bans.c.user_id == bindparam("user"))
_unmute: Final = delete(mutes).where(
    mutes.c.room_id == bindparam("room"), or_(mutes.c.user_id == bindparam("user"), mutes.c.until <= bindparam("now"))
)


def govern(connection: Connection, governed: Governed, at: int) -> None:
    """Write all of it. `at`: the time of the transaction (ms since the epoch).

    Raises
    ------
    RowsMissing
        Somebody who was to get another role is no member.
    """
    for room, name, topic, icon in governed.names:
        connection.execute(_name, {"room": room, "to": name, "about": topic, "with_icon": icon})
        list_channel(connection, room)
    for room, rights in governed.rights.items():
        connection.execute(_rights, {"room": room, "to": rights})
    for room, until in governed.quiet.items():
        connection.execute(_quiet, {"room": room, "until": until if until > at else None})
    for (room, user), role in governed.roles.items():
        if connection.execute(_give_role, {"room": room, "user": user, "to": role}).rowcount != 1:
            raise RowsMissing("there is no such member")
    for (room, user), until in governed.mutes.items():
        connection.execute(_unmute, {"room": room, "user": user, "now": at})
        if until > at:
            connection.execute(insert(mutes).values(room_id=room, user_id=user, until=until))
    for (room, user), level in governed.levels.items():
        connection.execute(_set_level, {"room": room, "user": user, "to": None if level == "all" else level})
    for (room, user), ban in governed.bans.items():
        connection.execute(_lift_ban, {"room": room, "user": user})
        if ban is not None:
            connection.execute(insert(bans).values(ban._asdict()))
