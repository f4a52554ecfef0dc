from __future__ import annotations

import pytest

from server.protocol.entries import Joined
from server.protocol.errors import ErrorCode, Refusal
from server.store.history_messages import ReadLog
from server.store.room_messages import CreateRoom, ListRooms, LoadRoom, RoomCreated
from tests.store.desk import Desk


async def create(
    desk: Desk, creator: str, nonce: str, *others: str, kind: str = "group", name: str | None = "Friends"
) -> RoomCreated:
    made = await desk.write(CreateRoom, creator=creator, kind=kind, name=name, members=others, nonce=nonce)
    assert isinstance(made, RoomCreated)
    return made


async def refusal(
    desk: Desk, creator: str, nonce: str, *others: str, kind: str = "group", name: str | None = "F"
) -> ErrorCode:
    with pytest.raises(Refusal) as refused:
        await create(desk, creator, nonce, *others, kind=kind, name=name)
    return refused.value.code


async def test_everybody_has_joined_the_creator_first(desk: Desk) -> None:
    ann, bob, cat = [await desk.user(name) for name in ("ann", "bob", "cat")]
    made = await create(desk, ann, "1", "cat", bob, "ann")
    assert made == RoomCreated(made.room, created=True, added=(ann, cat, bob))
    page = await desk.read(ReadLog, room=made.room, after=0, upto=3, limit=9)
    assert [(entry.user.user, entry.by) for entry in page.entries if isinstance(entry, Joined)] == [
        (ann, None),
        (cat, ann),
        (bob, ann),
    ]
    record = await desk.read(LoadRoom, room=made.room)
    assert {user: (member.role, member.read) for user, member in record.members.items()} == {
        ann: ("owner", 1),
        cat: ("member", 2),
        bob: ("member", 3),
    }
    assert record.last_seq == 3


async def test_a_retry_gets_the_same_room_and_adds_nobody(desk: Desk) -> None:
    ann = await desk.user("ann")
    await desk.user("bob")
    first = await create(desk, ann, "1", "bob")
    again = await create(desk, ann, "1", "bob")
    assert again == RoomCreated(first.room, created=False, added=())
    assert (await create(desk, ann, "2", "bob")).room != first.room


async def test_a_nonce_is_good_for_one_room(desk: Desk) -> None:
    ann = await desk.user("ann")
    await desk.user("bob")
    await create(desk, ann, "1", name="One")
    assert await refusal(desk, ann, "1", name="Two") is ErrorCode.CONFLICT
    assert await refusal(desk, ann, "1", "bob", name="One") is ErrorCode.CONFLICT


async def test_two_people_have_one_dm_whoever_asks(desk: Desk) -> None:
    ann, bob = await desk.user("ann"), await desk.user("bob")
    first = await create(desk, ann, "1", "bob", kind="dm", name=None)
    assert first.added == (ann, bob)
    assert await create(desk, bob, "other", ann, kind="dm", name=None) == RoomCreated(first.room, False, ())
    assert await create(desk, ann, "later", bob, "bob", kind="dm", name=None) == RoomCreated(first.room, False, ())
    record = await desk.read(LoadRoom, room=first.room)
    assert {member.role for member in record.members.values()} == {"member"}


@pytest.mark.parametrize("others", [(), ("ann",), ("ann", "bob"), ("bob", "cat")])
async def test_a_dm_is_between_two_people(desk: Desk, others: tuple[str, ...]) -> None:
    ann = await desk.user("ann")
    await desk.user("bob")
    await desk.user("cat")
    assert await refusal(desk, ann, "1", *others, kind="dm", name=None) is ErrorCode.BAD_REQUEST


async def test_a_channels_name_is_taken_once_and_a_groups_is_not(desk: Desk) -> None:
    ann, bob = await desk.user("ann"), await desk.user("bob")
    await create(desk, ann, "1", kind="channel", name="general")
    assert await refusal(desk, bob, "1", kind="channel", name="general") is ErrorCode.CONFLICT
    assert (await create(desk, bob, "2", kind="group", name="general")).created


async def test_whoever_is_unknown_keeps_the_room_from_being_made(desk: Desk) -> None:
    ann = await desk.user("ann")
    await desk.user("bob")
    assert await refusal(desk, ann, "1", "bob", "nobody") is ErrorCode.NO_SUCH_USER
    assert (await desk.read(ListRooms, user=ann)).rooms == ()
    assert (await create(desk, ann, "1", "bob")).created, "the nonce was not used up"


async def test_rooms_of_one_batch_do_not_get_into_each_others_way(desk: Desk) -> None:
    from tests.store.desk import Ear

    ann = await desk.user("ann")
    ear = Ear()
    for ref, name in enumerate(("general", "general", "random")):
        desk.writes.tell(
            CreateRoom(reply_to=ear, ref=ref, creator=ann, kind="channel", name=name, members=(), nonce=str(ref))
        )
    await ear.until(lambda: len(ear.heard) == 3)
    assert [type(answer).__name__ for answer in ear.heard] == ["Done", "Failed", "Done"]
