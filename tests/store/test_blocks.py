"""Blocks, on every database: as they are found by whoever looks for changes, and by rooms that open."""

from __future__ import annotations

from server.store.account_messages import BlockChange, BlockChanges, DeleteUser, ListBlocked, ReadBlocks, SetBlock
from server.store.blocking import KEPT_MS
from server.store.lately import Span
from server.store.room_messages import CreateRoom, ListRooms, LoadRoom
from tests.store.desk import Desk


async def conversation(desk: Desk, one: str, other: str) -> str:
    made = await desk.write(CreateRoom, creator=one, kind="dm", name=None, members=(other,), nonce="dm")
    return str(made.room)


async def test_a_change_says_where_it_matters_and_is_found_from_then_on(desk: Desk) -> None:
    ann, bob, cleo = [await desk.user(name) for name in ("ann", "bob", "cleo")]
    talk = await conversation(desk, bob, ann)
    assert await desk.write(SetBlock, user=ann, who="cleo", on=True) == BlockChange(ann, on=True, room=None)
    since = desk.now
    desk.now += 1
    for on in (True, True, False):
        assert await desk.write(SetBlock, user=ann, who=bob, on=on) == BlockChange(ann, on=on, room=talk)
        wanted = BlockChanges((BlockChange(ann, on=on, room=talk),), ())
        assert await desk.read(ReadBlocks, spans=(Span(since, desk.now),)) == wanted
    assert (await desk.read(ReadBlocks, spans=(Span(desk.now, desk.now + 1),))).changes == ()
    assert [user.user for user in await desk.read(ListBlocked, user=ann)] == [cleo]


async def test_what_was_lifted_long_ago_is_forgotten(desk: Desk) -> None:
    ann, bob = await desk.user("ann"), await desk.user("bob")
    await desk.user("cleo")
    talk = await conversation(desk, ann, bob)
    for on in (True, False):
        await desk.write(SetBlock, user=ann, who=bob, on=on)
    desk.now += KEPT_MS + 1
    assert (await desk.read(ReadBlocks, spans=(Span(0, desk.now),))).changes == (BlockChange(ann, on=False, room=talk),)
    await desk.write(SetBlock, user=ann, who="cleo", on=True)
    assert (await desk.read(ReadBlocks, spans=(Span(0, desk.now),))).changes == ()


async def test_a_room_that_opens_and_a_list_know_of_it(desk: Desk) -> None:
    ann, bob = await desk.user("ann"), await desk.user("bob")
    talk = await conversation(desk, ann, bob)
    assert (await desk.read(LoadRoom, room=talk)).particulars is None
    for who, other in ((ann, bob), (bob, ann)):
        await desk.write(SetBlock, user=who, who=other, on=True)
    assert (await desk.read(LoadRoom, room=talk)).particulars.blocked_by == {ann, bob}
    (room,) = (await desk.read(ListRooms, user=ann)).rooms
    assert (room.peer.name, room.peer.status) == ("bob", "offline")


async def test_somebody_who_was_deleted_may_be_let_go_of(desk: Desk) -> None:
    ann, bob = await desk.user("ann"), await desk.user("bob")
    await desk.write(SetBlock, user=ann, who=bob, on=True)
    await desk.write(DeleteUser, user=bob, known_hash=None)
    assert [user.deleted for user in await desk.read(ListBlocked, user=ann)] == [True]
    await desk.write(SetBlock, user=ann, who=bob, on=False)
    assert await desk.read(ListBlocked, user=ann) == ()
