"""Rooms that are deleted: at once for everybody, and from the disk bit by bit.

The rules:
- The transaction that deletes a room ends all memberships, frees its name, and takes what does not grow with what was
  said there. From then on nobody finds the room, although its log may still be on the disk.
- The log is erased in portions, between other transactions: a million messages at once would hold up everybody. Which
  rooms are not done is in a table, so a process that dies leaves the rest to the next one.
- What stays of a room is the audit log, for its time, and a row with its id, when it was deleted, and who made it with
  which nonce, so that a late retry of `create_room` does not make it again.

Which tables have something of a room nobody has to remember here: those with a `room_id` that refers to rooms. The
index of what was said is beside them; messages leave it in the transaction in which they leave the log.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from sqlalchemy import Connection, Delete, Table, bindparam, delete, func, insert, null, select, tuple_, update

from server.store.search_index import forget_messages, forget_room
from server.store.tables import entries, erasures, metadata, rooms

PORTION: Final = 100
"""Rows that are erased in one transaction: ten milliseconds, most of them for the index."""

_OF_ROOMS: Final[tuple[Table, ...]] = tuple(
    table
    for table in reversed(metadata.sorted_tables)
    if table is not erasures and "room_id" in table.c and table.c["room_id"].references(rooms.c.id)
)
_GROWING: Final = tuple(table for table in _OF_ROOMS if "seq" in table.c or "target" in table.c)
"""With what is said. Those that refer to others stand before them."""
_AT_ONCE: Final = tuple(
    delete(table).where(table.c.room_id == bindparam("room")) for table in _OF_ROOMS if table not in _GROWING
)
_delete: Final = (
    update(rooms)
    .where(rooms.c.id == bindparam("room"))
    .values(
        deleted_at=bindparam("at"), name=null(), topic=null(), icon=null(), rights=null(), quiet_until=null(), members=0
    )
)
_remember: Final = insert(erasures).values(room_id=bindparam("room"))
_done: Final = delete(erasures).where(erasures.c.room_id == bindparam("room"))
_left_over: Final = select(erasures.c.room_id)


def _portion_of(table: Table) -> Delete:
    key = tuple(table.primary_key.columns)
    some = select(*key).where(table.c.room_id == bindparam("room")).limit(bindparam("most"))
    return delete(table).where(tuple_(*key).in_(some))


_PORTIONS: Final = tuple(_portion_of(table) for table in _GROWING if table is not entries)
_lock: Final = select(rooms.c.id).where(rooms.c.id == bindparam("room")).with_for_update()
_some: Final = (
    select(entries.c.seq)
    .where(entries.c.room_id == bindparam("room"))
    .order_by(entries.c.seq)
    .limit(bindparam("most"))
    .subquery()
)
_last_of_a_portion: Final = select(func.max(_some.c.seq))
_erase: Final = delete(entries).where(entries.c.room_id == bindparam("room"), entries.c.seq <= bindparam("last"))


def delete_rooms(connection: Connection, gone: Iterable[str], at: int) -> None:
    """At `at` (ms since the epoch), in the transaction of whoever holds these rooms."""
    for room in gone:
        for emptying in _AT_ONCE:
            connection.execute(emptying, {"room": room})
        connection.execute(_delete, {"room": room, "at": at})
        connection.execute(_remember, {"room": room})


def left_over(connection: Connection) -> list[str]:
    """Rooms whose log is not erased."""
    return list(connection.execute(_left_over).scalars())


def erase_portion(connection: Connection, room: str) -> bool:
    """A part of its log; whether that was the last. Nobody takes it into the index meanwhile."""
    connection.execute(_lock, {"room": room})
    for portion in _PORTIONS:
        if connection.execute(portion, {"room": room, "most": PORTION}).rowcount:
            return False
    if last := connection.execute(_last_of_a_portion, {"room": room, "most": PORTION}).scalar():
        forget_messages(connection, room, last)
        connection.execute(_erase, {"room": room, "last": last})
        return False
    forget_room(connection, room)
    connection.execute(_done, {"room": room})
    return True
