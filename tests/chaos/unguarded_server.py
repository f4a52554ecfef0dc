"""The real server without what keeps two owners of a room apart: `make chaos OPTIONS='--bug fence'` finds it.

Three things do, and each alone suffices for the log: a commit locks the rows of its shards and looks at their epochs;
a room's head is moved from where it was thought to be, and from nowhere else; a place in a log is taken once. And an
owner knows when its lease has run out. Here all of that is gone: the last one to write wins.
"""

from __future__ import annotations

import math
from typing import Any

from sqlalchemy import BigInteger, Integer, Text, update
from sqlalchemy.dialects import postgresql

from server.cli.main import main
from server.placement.ownership import LeasedOwnership
from server.store import appending
from server.store.bulk import Bulk, Given, Together
from server.store.rows import EntryRow, FullMessageRow, MessageRow
from server.store.tables import entries, rooms

WAYS_INTO_THE_LOG: dict[str, tuple[str, ...]] = {
    "_insert_messages": MessageRow._fields,
    "_insert_full_messages": FullMessageRow._fields,
    "_insert_entries": EntryRow._fields,
}
"""With the columns of each. One that is missing here is guarded, and nothing is found."""

_key = ("room_id", "seq")


def _writing_over(fields: tuple[str, ...]) -> Bulk:
    def written_over(given: Given) -> Any:
        inserted: Any = given.inserted_into(entries)
        over = postgresql.insert(entries).from_select(list(fields), inserted.select)
        return over.on_conflict_do_update(
            index_elements=list(_key), set_={name: over.excluded[name] for name in fields if name not in _key}
        )

    return Bulk({name: entries.c[name].type for name in fields}, written_over)


def _moved_from_anywhere(given: Given) -> Any:
    moved = update(rooms).where(rooms.c.id == given["room"], given["expected"].is_not(None))
    return moved.values(last_seq=given["head"], members=rooms.c.members + given["growth"])


execute = Together.execute


def _without_fences(self: Together, bulk: Bulk, rows: Any, *, each: bool = True) -> None:
    if bulk is not appending.LOCK_FENCES:
        execute(self, bulk, rows, each=each)


def _for_ever(self: LeasedOwnership, _sent_at: float) -> None:
    self._until = math.inf


if __name__ == "__main__":
    Together.execute = _without_fences  # type: ignore[method-assign]
    for way, fields in WAYS_INTO_THE_LOG.items():
        setattr(appending, way, _writing_over(fields))
    appending._move_rooms = Bulk(  # type: ignore[misc]
        {"head": BigInteger(), "growth": Integer(), "room": Text(), "expected": BigInteger()}, _moved_from_anywhere
    )
    LeasedOwnership.renewed = _for_ever  # type: ignore[method-assign]
    main()
