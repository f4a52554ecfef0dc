"""Rooms that an operator wants deleted: wished once however often, found page by page, and gone with the room."""

from __future__ import annotations

from sqlalchemy import select

from server.store.endings import Ending, ReadEndings, is_wished, wish_end
from server.store.log_messages import Landed
from server.store.quotas import Quotas
from server.store.room_changes import RoomDeleted
from server.store.tables import audit
from tests.store.desk import Desk
from tests.store.place import Place


def wish(desk: Desk, room: str, reason: str | None = None) -> None:
    """Beside the server's own connections, as a command does it."""
    writing = desk.store.database.writing(Quotas())
    try:
        with writing.begin() as connection:
            wish_end(connection, room, reason)
    finally:
        writing.throw_away()


def wished(desk: Desk, room: str) -> bool:
    with desk.store.reading.connect() as connection:
        return is_wished(connection, room)


async def test_they_are_found_page_by_page_with_the_reason_that_was_said_last(place: Place) -> None:
    desk = place.desk
    rooms = sorted([place.room.room, *[await desk.created(place.ann, name=f"room {number}") for number in range(2)]])
    for room in rooms:
        wish(desk, room, "first")
        wish(desk, room, f"end of {room}")
    assert await desk.read(ReadEndings, limit=2) == tuple(Ending(room, f"end of {room}") for room in rooms[:2])
    assert await desk.read(ReadEndings, limit=2, after=rooms[1]) == (Ending(rooms[2], f"end of {rooms[2]}"),)


async def test_it_is_done_with_the_room_and_an_act_of_no_user(place: Place) -> None:
    other = await place.desk.created(place.ann, name="stays")
    for room in (place.room.room, other):
        wish(place.desk, room)
    (ended,) = await place.lands(RoomDeleted(None, "An operator says so"))
    assert isinstance(ended, Landed)
    assert (wished(place.desk, place.room.room), wished(place.desk, other)) == (False, True)
    with place.desk.store.reading.connect() as connection:
        acts = connection.execute(select(audit.c.room_id, audit.c.by)).all()
    assert [tuple(act) for act in acts] == [(place.room.room, None)]
