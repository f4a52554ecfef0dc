"""Rooms that are deleted: at once for everybody, and from the disk bit by bit."""

from __future__ import annotations

from typing import cast

import pytest
from sqlalchemy import Table, func, select

from server.protocol.errors import ErrorCode
from server.store import erasing
from server.store.changes import Reacting
from server.store.erasing import PORTION
from server.store.log_messages import Denied, Landed, Lost, MemberGone, NewMember, NewMessage
from server.store.opening import Store
from server.store.room_changes import Muted, Renamed, RoomDeleted
from server.store.room_messages import CreateRoom, FindChannel, ListRooms, LoadRoom, NoRoom, RoomCreated, RoomList
from server.store.search_index import index_tails
from server.store.tables import (
    audit,
    bans,
    documents,
    entries,
    erasures,
    indexed,
    members,
    metadata,
    mutes,
    reactions,
    rooms,
)
from tests.store.desk import Desk, serving
from tests.store.place import Place

THUMB = "\N{THUMBS UP SIGN}"


def rows(desk: Desk, table: Table, room: str) -> int:
    column = table.c["id" if table is rooms else "room_id"]
    with desk.store.reading.connect() as connection:
        return connection.execute(select(func.count()).select_from(table).where(column == room)).scalar_one()


async def erased(desk: Desk, room: str) -> None:
    """The writer has done its work."""
    while rows(desk, erasures, room):
        await desk.read(FindChannel, name="nobody-made-this")


async def filled(place: Place) -> None:
    """A room that has something in every table."""
    said = [NewMessage(place.ann, f"n{number}", f"word {number}") for number in range(PORTION + 10)]
    await place.lands(*said, MemberGone(place.eve, place.ann, logged=False, banned=True))
    await place.lands(Reacting(place.bob, 3, THUMB, on=True), Muted(place.ann, place.info(), place.bob, 60))


def deleted(place: Place) -> RoomDeleted:
    return RoomDeleted(place.ann, "It is over")


async def test_at_once_nobody_finds_it_and_nobody_is_in_it(place: Place, desk: Desk) -> None:
    await filled(place)
    (outcome,) = await place.lands(deleted(place))
    assert isinstance(outcome, Landed)
    assert outcome.seq is None
    room = place.room.room
    assert await desk.read(LoadRoom, room=room) == NoRoom(room)
    assert await desk.read(FindChannel, name="friends") is None
    for user in (place.ann, place.bob):
        assert cast("RoomList", await desk.read(ListRooms, user=user)).rooms == ()


async def test_in_the_end_nothing_is_left_but_that_it_was(place: Place, desk: Desk) -> None:
    await filled(place)
    room = place.room.room
    with desk.store.writing.begin() as connection:
        while index_tails(connection, [room]).left:
            pass
    filled_ones = entries, members, bans, mutes, reactions, documents, indexed
    assert all(rows(desk, table, room) for table in filled_ones)
    await place.lands(deleted(place))
    await erased(desk, room)
    for table in metadata.sorted_tables:
        if "room_id" in table.c and table is not audit:
            assert not rows(desk, table, room), table.name
    with desk.store.reading.connect() as connection:
        row = connection.execute(select(rooms).where(rooms.c.id == room)).one()
    assert (row.name, row.topic, row.icon, row.rights, row.members, row.deleted_at) == (
        None,
        None,
        None,
        None,
        0,
        desk.now,
    )


async def test_other_rooms_keep_what_they_have(place: Place, desk: Desk) -> None:
    other = await desk.anchored(await desk.created(place.ann, place.bob, name="others"))
    await other.said(place.ann, "n1")
    await filled(place)
    await place.lands(deleted(place))
    await erased(desk, place.room.room)
    assert rows(desk, entries, other.room) == 3
    assert rows(desk, members, other.room) == 2


async def test_its_name_is_free_and_who_made_it_does_not_make_it_again_by_saying_so_again(
    place: Place, desk: Desk,
) -> None:  # fmt: skip
    made = {"creator": place.ann, "kind": "channel", "name": "club", "members": (), "nonce": "same"}
    first = await desk.write(CreateRoom, **made)
    club = await desk.anchored(first.room)
    club.append(RoomDeleted(place.ann, None))
    await club.ear.outcomes_of(1)
    again = await desk.write(CreateRoom, **made)
    assert again == RoomCreated(first.room, created=False, added=())
    assert await desk.read(LoadRoom, room=again.room) == NoRoom(first.room)
    other = await desk.write(CreateRoom, **made | {"creator": place.bob, "nonce": "other"})
    assert other.created
    assert await desk.read(FindChannel, name="club") == other.room


async def test_what_is_told_behind_the_end_is_lost_and_what_came_before_it_counts(place: Place, desk: Desk) -> None:
    said, end, late, joined = await place.lands(
        NewMessage(place.bob, "n", "last words"), deleted(place), NewMessage(place.bob, "late", "later"),
        NewMember(place.eve, "member"),
    )  # fmt: skip
    assert (type(said), type(end), type(late), type(joined)) == (Landed, Landed, Lost, Lost)
    (later,) = await place.lands(NewMember(place.eve, "member"))
    assert isinstance(later, Lost), "its lineage has ended"
    assert rows(desk, members, place.room.room) == 0


async def test_a_neighbour_in_the_transaction_that_is_refused_does_not_save_it(place: Place, desk: Desk) -> None:
    await desk.created(place.ann, kind="channel", name="taken")
    taken, end, late = await place.lands(
        Renamed(place.ann, place.info("taken")), deleted(place), Renamed(place.ann, place.info("free"))
    )
    assert isinstance(taken, Denied)
    assert taken.refusal.code is ErrorCode.CONFLICT
    assert (type(end), type(late)) == (Landed, Lost)
    assert rows(desk, members, place.room.room) == 0


async def test_what_a_process_left_the_next_one_erases(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patched:
        patched.setattr("server.store.writer.erase_portion", _never)
        async with serving(store) as desk:
            ann = await desk.user("ann")
            room = await desk.anchored(await desk.created(ann, name="left over"))
            await room.said(ann, "n1")
            room.append(RoomDeleted(ann, None))
            await room.ear.outcomes_of(2)
    assert rows(desk, entries, room.room) == 2
    async with serving(store) as desk:
        await desk.user("somebody")
        await erased(desk, room.room)
        assert rows(desk, entries, room.room) == 0


def _never(connection: object, room: str) -> bool:
    return False


def test_every_table_that_has_something_of_a_room_is_erased() -> None:
    known = {table.name for table in erasing._OF_ROOMS}
    for table in metadata.sorted_tables:
        if "room_id" in table.c and table not in (audit, erasures, documents, indexed):
            assert table.name in known, f"{table.name} does not refer to its room"
