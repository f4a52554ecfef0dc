"""How many rooms a user may be in: whatever way they come into them, and however many ways are tried at once."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable

import pytest
from sqlalchemy import func, select

from server.protocol.errors import ErrorCode, Refusal
from server.store.log_messages import Denied, Landed, MemberGone, NewMember
from server.store.opening import Store
from server.store.quotas import Quotas
from server.store.room_messages import CreateRoom
from server.store.tables import members
from tests.store.desk import Desk, serving

MOST_ROOMS, MOST_MEMBERS = 3, 4


@pytest.fixture
async def desk(opened: Callable[..., Store]) -> AsyncIterator[Desk]:
    with opened(quotas=Quotas(rooms=MOST_ROOMS, members=MOST_MEMBERS)) as store:
        async with serving(store) as running:
            yield running


def rooms_of(store: Store, user: str) -> int:
    with store.reading.connect() as connection:
        counted = select(func.count()).select_from(members).where(members.c.user_id == user)
        return int(connection.execute(counted).scalar_one())


async def test_the_last_room_is_made_and_the_next_one_is_not(desk: Desk) -> None:
    ann = await desk.user("ann")
    for _ in range(MOST_ROOMS):
        await desk.created(ann)
    with pytest.raises(Refusal) as refused:
        await desk.created(ann)
    assert refused.value.code is ErrorCode.LIMIT_REACHED
    assert rooms_of(desk.store, ann) == MOST_ROOMS


async def test_a_retry_of_the_last_one_is_answered_as_the_first_time(desk: Desk) -> None:
    ann = await desk.user("ann")

    async def last() -> str:
        made = await desk.write(CreateRoom, creator=ann, kind="group", name="Last", members=(), nonce="last")
        return str(made.room)

    for _ in range(MOST_ROOMS - 1):
        await desk.created(ann)
    assert await last() == await last()


async def test_nobody_is_put_into_one_room_too_many_by_others(desk: Desk) -> None:
    ann, bob = await desk.user("ann"), await desk.user("bob")
    for _ in range(MOST_ROOMS):
        await desk.created(bob)
    for kind in ("dm", "group"):
        with pytest.raises(Refusal) as refused:
            await desk.created(ann, bob, kind=kind, name=None)
        assert refused.value.code is ErrorCode.LIMIT_REACHED
    assert rooms_of(desk.store, ann) == 0, "nothing was written"


async def test_a_room_begins_with_no_more_members_than_it_may_have(desk: Desk) -> None:
    people = [await desk.user(f"p{number}") for number in range(MOST_MEMBERS + 1)]
    with pytest.raises(Refusal) as refused:
        await desk.created(*people)
    assert refused.value.code is ErrorCode.LIMIT_REACHED
    await desk.created(*people[:-1])


async def test_who_is_in_as_many_rooms_as_may_be_cannot_come_to_another_and_not_be_invited(desk: Desk) -> None:
    ann, bob = await desk.user("ann"), await desk.user("bob")
    for _ in range(MOST_ROOMS):
        await desk.created(bob)
    room = await desk.anchored(await desk.created(ann))
    room.append(NewMember(bob, "member"))
    room.append(NewMember(bob, "member", by=ann))
    room.say(ann, "n")
    alone, invited, said = await room.ear.outcomes_of(3)
    for denied, who in ((alone, "you are"), (invited, "somebody named is")):
        assert isinstance(denied, Denied)
        assert denied.refusal.code is ErrorCode.LIMIT_REACHED
        assert denied.refusal.message.startswith(who)
    assert isinstance(said, Landed)


async def test_joins_of_one_commit_cannot_exceed_it_together_and_take_nothing_from_others(desk: Desk) -> None:
    bob = await desk.user("bob")
    hosts = [await desk.user(f"host{number}") for number in range(MOST_ROOMS + 2)]
    rooms = [await desk.anchored(await desk.created(host)) for host in hosts]
    for room in rooms:
        room.append(NewMember(bob, "member"))
    rooms[-1].say(hosts[-1], "n")
    outcomes = [(await room.ear.outcomes_of(1))[0] for room in rooms]
    assert [type(outcome) for outcome in outcomes] == [Landed] * MOST_ROOMS + [Denied] * 2
    assert isinstance((await rooms[-1].ear.outcomes_of(2))[1], Landed)
    assert rooms_of(desk.store, bob) == MOST_ROOMS
    rooms[0].append(MemberGone(bob))
    assert isinstance((await rooms[0].ear.outcomes_of(2))[1], Landed)
    rooms[-1].append(NewMember(bob, "member"))
    assert isinstance((await rooms[-1].ear.outcomes_of(3))[2], Landed)
