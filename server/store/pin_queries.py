"""What the reader asks of pins, and the writer of how many there are. A room has few of them."""

from __future__ import annotations

from collections.abc import Collection
from typing import Final

from sqlalchemy import Connection, and_, bindparam, select

from server.protocol.limits import LARGEST_INTEGER
from server.protocol.objects import PinnedMessage
from server.protocol.times import rfc3339
from server.store.in_lists import padded
from server.store.log_queries import head_of, reactions_of
from server.store.pin_messages import PinsPage, ReadPins
from server.store.tables import entries, pins, users
from server.store.wire import AnyRow, message_from

_pins: Final = (
    select(
        entries,
        users.c.name,
        users.c.display_name,
        pins.c.seq.label("pinned_seq"),
        pins.c.by.label("pinned_by"),
        pins.c.at.label("pinned_at"),
    )
    .join(entries, and_(entries.c.room_id == pins.c.room_id, entries.c.seq == pins.c.target))
    .join(users, users.c.id == entries.c.user_id)
    .where(pins.c.room_id == bindparam("room"), pins.c.seq < bindparam("before"))
    .order_by(pins.c.seq.desc())
)
_places: Final = select(pins.c.room_id, pins.c.target).where(pins.c.room_id.in_(bindparam("rooms", expanding=True)))


def read_pins(connection: Connection, question: ReadPins) -> PinsPage:
    before = LARGEST_INTEGER if question.before is None else question.before
    rows = connection.execute(_pins, {"room": question.room, "before": before}).all()
    own = reactions_of(connection, question.room, question.reader, rows)
    return PinsPage(question.room, tuple(_pin(row, own) for row in rows), head_of(connection, question.room))


def pinned_in(connection: Connection, rooms: Collection[str]) -> dict[str, frozenset[int]]:
    """The messages that are pinned in each of these rooms."""
    found: dict[str, frozenset[int]] = {}
    for room, target in connection.execute(_places, {"rooms": padded(rooms)}):
        found[room] = found.get(room, frozenset()) | {target}
    return found


def _pin(row: AnyRow, own: set[tuple[int, str]]) -> PinnedMessage:
    return PinnedMessage(
        seq=row.pinned_seq, message=message_from(row, own), by=row.pinned_by, at=rfc3339(row.pinned_at)
    )
